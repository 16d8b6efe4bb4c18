"""What the families share whose pictures read prompts by cross-attention: diffusion models."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from taue.backbones.base import Captured, Conditioning
from taue.backbones.cross_attention import AttentionTap, RegionBlend, installed
from taue.backbones.denoiser import Denoiser, Grid
from taue.backbones.guided import Guided
from taue.backbones.timesteps import diffusing


class CrossBackbone(Denoiser, ABC):
    """Arguments and errors as of :class:`taue.backbones.denoiser.Denoiser`."""

    def _grid(self) -> Grid:
        config = self.network.config
        return Grid(config.in_channels, config.sample_size, config.get("patch_size", 1))

    def new_scheduler(self, steps: int) -> Any:
        return diffusing(self.pipeline.scheduler, steps, self.device, self.family)

    def _must_attend(self, samples: Guided) -> bool:
        return _uneven(samples)  # what is padding

    @contextmanager
    def attending(
        self,
        conditionings: Sequence[Conditioning],
        listen_to: Sequence[Sequence[int]],
        layers: str = "all",
    ) -> Iterator[Captured]:
        network, (height, width) = self.network, self.shape[-2:]
        samples = self._samples(conditionings)
        lengths, uneven = samples.lengths(), _uneven(samples)
        own = [one[0] for one in lengths] if uneven else None
        tap = AttentionTap(listen_to, height, width, samples.longest, own, layers)
        masks = samples.masks(height, width, self.device)
        if uneven and masks is None:
            masks = torch.ones(len(lengths), 1, height, width, device=self.device)
        before, self._attends = self._attends, True
        try:
            with ExitStack() as stack:
                if masks is not None:
                    read = torch.tensor(lengths, device=self.device) if uneven else None
                    stack.enter_context(installed(network, RegionBlend(masks, read).wrap))
                if tap.tokens:
                    stack.enter_context(installed(network, tap.wrap))
                yield tap.captured
        finally:
            self._attends = before


def _uneven(samples: Guided) -> bool:
    """Whether some prompts are read longer than others."""
    return len({length for one in samples.lengths() for length in one}) > 1
