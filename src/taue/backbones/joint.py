"""What the families with joint attention share: a transformer of patches, prompts side by side."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from diffusers.pipelines.flux.pipeline_flux import calculate_shift
from torch import Tensor

from taue.backbones.base import Captured, Conditioning, Encoded
from taue.backbones.denoiser import Denoiser
from taue.backbones.flow import flowing
from taue.backbones.guided import Guided
from taue.backbones.joint_attention import JointProcessor, JointRegions, installed
from taue.backbones.listening import Listening
from taue.families import FAMILIES

KEY_SHARE = 0.4
"""On paddy-dit a share of 1 leaves objects a third of their area, and from 2 on none; with 0.4 they
are as large as paddy's, on a key as flat. It is the share that matters, not the key's length."""


class JointBackbone(Denoiser, ABC):
    """Arguments and errors as of :class:`taue.backbones.denoiser.Denoiser`."""

    key_share = KEY_SHARE
    shifts = True
    processor: ClassVar[type[JointProcessor]]
    """The family's own joint attention, with regions."""
    text_first: ClassVar[bool]
    """Whether the text's tokens come before the picture's."""
    most_shift: ClassVar[float]
    """Of the schedule's levels by the canvas, where the scheduler's configuration does not say."""

    @property
    def _tokens(self) -> int:
        """Of the canvas: a patch each."""
        return (self.canvas[0] // self.multiple) * (self.canvas[1] // self.multiple)

    def new_scheduler(self, steps: int) -> Any:
        return flowing(
            self.pipeline.scheduler,
            steps,
            self.device,
            shift=self._shift(steps),
            title=FAMILIES[self.family].title,
            sigmas=self._sigmas(steps),
        )

    def _shift(self, steps: int) -> float:
        """Of the schedule's levels by the canvas, for a scheduler whose configuration wants any."""
        config = self.pipeline.scheduler.config
        return calculate_shift(
            self._tokens,
            config.get("base_image_seq_len", 256),
            config.get("max_image_seq_len", 4096),
            config.get("base_shift", 0.5),
            config.get("max_shift", self.most_shift),
        )

    def _sigmas(self, steps: int) -> list[float] | None:
        """Levels that the family's pipeline gives the scheduler; None if it gives it none."""
        return None

    def _must_attend(self, samples: Guided) -> bool:
        return True  # some tokens count for several

    @contextmanager
    def attending(
        self,
        conditionings: Sequence[Conditioning],
        listen_to: Sequence[Sequence[int]],
        layers: str = "all",
    ) -> Iterator[Captured]:
        height, width = self.shape[-2:]
        samples = self._samples(conditionings)
        length = self._length(samples)
        counts = [
            torch.stack([self._counts(encoded, read, length) for encoded, read in one])
            for one in samples.prompts()
        ]
        masks = samples.masks(height, width, self.device)
        regions = JointRegions(
            torch.stack(counts).to(self.device), masks, text_first=self.text_first
        )
        listening = Listening(listen_to, height, width, length, layers=layers)
        before, self._attends = self._attends, True
        try:
            if regions.plain and not listening.tokens:
                yield listening.captured
                return
            with self._installed(regions, listening):
                yield listening.captured
        finally:
            self._attends = before

    def _length(self, samples: Guided) -> int:
        """Tokens that each prompt's words have in a softmax, padding included."""
        return samples.longest

    def _counts(self, encoded: Encoded, read: Tensor, length: int) -> Tensor:
        """For how many tokens each stands that a prompt, of which is read, brings into a softmax:
        its words with padding behind them, and behind these whatever else is the prompt's."""
        own = read.shape[1]
        counts = encoded.negative_counts if read is encoded.negative else encoded.counts
        counts = torch.ones(own, device=read.device) if counts is None else counts
        return F.pad(counts, (0, length - own))

    def _installed(
        self, regions: JointRegions, listening: Listening
    ) -> AbstractContextManager[None]:
        """Our processors in the network, until the block is left."""
        processor = self.processor(regions, listening)
        return installed(self.network, lambda _: processor)

    def denoising_bytes(self, samples: int) -> int:
        regions = self._tokens**2  # the bias by which they attend
        return samples * (self._activations(self._tokens) + regions) * self.dtype.itemsize
