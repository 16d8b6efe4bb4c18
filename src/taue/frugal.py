"""Little memory for more time: what is not needed at the moment is put away, and nothing is done
side by side that can be done in turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from diffusers import DiffusionPipeline
from diffusers.utils.torch_utils import get_device

from taue.backbones import Backbone
from taue.cultivate import cultivate
from taue.rows import Harvest, Observer, Row
from taue.settings import Settings

_Base: Any = DiffusionPipeline if TYPE_CHECKING else object


class Frugal(_Base):
    """What a pipeline of diffusers is told of memory.

    Attributes:
        saves_memory: whether it takes as little as it can.
    """

    saves_memory = False

    def enable_low_memory(self, device: torch.device | str | None = None) -> None:
        """Take about the memory of one plain picture, however many subjects there are.

        Models are on the accelerator only while they are used (``enable_model_cpu_offload``),
        subjects grow one after another, and pictures larger than the autoencoder's own are decoded
        and encoded in tiles (``enable_tiling``).
        Pictures are those of the same call without it, but for rounding and where there are tiles.

        Args:
            device: where it computes; what this machine has if None.
        """
        place = torch.device(get_device() if device is None else device)
        if place.type == "cpu":
            self.to(place)
        else:
            self.enable_model_cpu_offload(device=place)
        self.vae.enable_tiling()
        self.saves_memory = True

    def _pass(
        self, backbone: Backbone, rows: Sequence[Row], settings: Settings, observe: Observer
    ) -> list[Harvest]:
        """One pass of rows: side by side, or in turn where that saves memory."""
        grown = in_turn if self.saves_memory else cultivate
        return grown(backbone, rows, settings, observe)


def in_turn(
    backbone: Backbone, rows: Sequence[Row], settings: Settings, observe: Observer
) -> list[Harvest]:
    """As :func:`taue.cultivate.cultivate`, one row after another if none waits for another."""
    if any(row.sources for row in rows):
        return cultivate(backbone, rows, settings, observe)
    return [one for row in rows for one in cultivate(backbone, [row], settings, observe)]
