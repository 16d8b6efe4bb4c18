"""The networks that scores are made with: the embedded judge, and those that the user names."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from taue.evaluation.clip import Clip
from taue.evaluation.columns import Needs
from taue.evaluation.inception import Inception
from taue.evaluation.lpips import Lpips
from taue.evaluation.weights import sha256
from taue.paddy.judge import Judge
from taue.paddy.judge.network import SHIPPED


@dataclass(frozen=True)
class Networks:
    """Those that are to be had."""

    judge: Judge
    inception: Inception | None = None
    clip: Clip | None = None
    alexnet: Lpips | None = None

    @classmethod
    def load(
        cls,
        device: torch.device,
        *,
        inception: str | None = None,
        clip: str | None = None,
        alexnet: str | None = None,
    ) -> Networks:
        """Each by its file, folder or hub id.

        Raises:
            TaueError: if one that is named cannot be had.
        """
        return cls(
            Judge.load(),
            None if inception is None else Inception.load(inception, device),
            None if clip is None else Clip.load(clip, device),
            None if alexnet is None else Lpips.load(alexnet, device),
        )

    @property
    def missing(self) -> set[Needs]:
        """Which are not to be had."""
        named = {
            Needs.INCEPTION: self.inception,
            Needs.CLIP: self.clip,
            Needs.ALEXNET: self.alexnet,
        }
        return {need for need, network in named.items() if network is None}

    def to_dict(self) -> dict[str, dict[str, str]]:
        """Name and checksum of each, to stand beside its figures."""
        some = {"inception": self.inception, "clip": self.clip, "alexnet": self.alexnet}
        named = {
            key: {"name": one.source, "sha256": one.sha256}
            for key, one in some.items()
            if one is not None
        }
        return {"judge": {"name": "embedded", "sha256": sha256(SHIPPED)}, **named}
