"""Rows of a batch under classifier-free guidance, with several prompts each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from torch import Tensor

from taue import equations
from taue.backbones.base import Conditioning, Encoded


class Guided:
    """The samples of one prediction: those of negative prompts first, then one for each row.

    Args:
        conditionings: of the rows.
        steered: rows whose guidance needs a sample more, of the negative prompt.

    Attributes:
        rows: the row that each sample is of.
    """

    def __init__(self, conditionings: Sequence[Conditioning], steered: Sequence[int]) -> None:
        self.conditionings, self.steered = list(conditionings), list(steered)
        self.rows = [*self.steered, *range(len(self.conditionings))]
        self._without = [self.conditionings[row] for row in self.steered]

    @property
    def most(self) -> int:
        """The most prompts that any row has."""
        return max(len(one.prompts) for one in self.conditionings)

    def prompts(self) -> list[list[tuple[Encoded, Tensor]]]:
        """Every sample's prompts, as many for each, and what is read of them [1, L, D]; the first
        again for rows that have fewer."""
        return [
            *([(e, e.negative) for e in _filled(c, self.most)] for c in self._without),
            *([(e, e.prompt) for e in _filled(c, self.most)] for c in self.conditionings),
        ]

    def lengths(self) -> list[list[int]]:
        """How many tokens are read of each of every sample's prompts."""
        return [[read.shape[1] for _, read in one] for one in self.prompts()]

    @property
    def longest(self) -> int:
        """The most tokens that are read of any prompt."""
        return max(map(max, self.lengths()))

    def pooled(self) -> Tensor:
        """Every sample's embedding of a whole prompt [B, P]."""
        return torch.cat(
            [c.whole.negative_pooled for c in self._without]
            + [c.whole.pooled for c in self.conditionings]
        )

    def masks(self, height: int, width: int, device: torch.device) -> Tensor | None:
        """Every sample's region masks [B, K, height, width], empty for what rows with fewer prompts
        are filled up with; None if no row has regions."""
        if all(one.regions is None for one in self.conditionings):
            return None
        masks = []
        for one in self.conditionings:
            own = torch.ones(1, height, width) if one.regions is None else one.regions
            empty = own.new_zeros(self.most - len(own), *own.shape[1:])
            masks.append(torch.cat([own, empty]).to(device))
        return torch.stack(masks)[self.rows]

    def combined(self, output: Tensor) -> Tensor:
        """One output for each row, of those of all samples."""
        unconditional, conditional = output.split([len(self.steered), len(self.conditionings)])
        guided = list(conditional)
        for row, negative in zip(self.steered, unconditional, strict=True):
            scale = self.conditionings[row].guidance_scale
            guided[row] = equations.guidance(negative, conditional[row], scale)
            if (rescale := self.conditionings[row].guidance_rescale) > 0:
                pair = guided[row][None], conditional[row][None]
                guided[row] = rescale_noise_cfg(*pair, guidance_rescale=rescale)[0]
        return torch.stack(guided)


def _filled(one: Conditioning, count: int) -> list[Encoded]:
    return [*one.prompts, *[one.prompts[0]] * (count - len(one.prompts))]
