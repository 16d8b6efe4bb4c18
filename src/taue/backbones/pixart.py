"""The PixArt-Sigma family: a transformer that reads T5's words by cross-attention, in the latents
of SDXL."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from diffusers.utils import is_bs4_available, is_ftfy_available
from torch import Tensor

from taue.backbones.base import Encoded, content_positions
from taue.backbones.cross import CrossBackbone
from taue.backbones.guided import Guided
from taue.backbones.placed import placed
from taue.backbones.prompts import WARNING, require_layers, require_t5, unpadded
from taue.backbones.sdxl import KEYS
from taue.backbones.weighting import require_unweighted, unweighted
from taue.families import PIXART
from taue.muted import muted
from taue.readable import quoted

T5_TOKENS = 300
"""What its pipeline gives T5, and the most that it was trained with."""


class PixArtBackbone(CrossBackbone):
    """Any ``PixArtSigmaPipeline``; arguments and errors as of
    :class:`taue.backbones.denoiser.Denoiser`. Its canvas is the one that is asked for, which its
    pipeline moves to the nearest of a list unless it is told otherwise."""

    family = PIXART
    returns = ("prompt", "prompt_mask", "negative", "negative_mask")
    has_green = True
    # Its pipeline does not; in half precision SDXL's autoencoder overflows all the same.
    upcasts = True

    def _keys(self) -> Mapping[str, tuple[float, ...]]:
        return KEYS

    def encode_prompt(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None = None
    ) -> Encoded:
        """As of the protocol, in so many tokens as each has: nothing attends to padding."""
        require_layers(clip_skip, 1)  # of T5 the last layer alone counts
        require_unweighted(prompt, negative_prompt)
        read, unread = unweighted(prompt), unweighted(negative_prompt or "")
        # As in a plain call, which says so wherever it has not what it cleans prompts with.
        cleans = is_bs4_available() and is_ftfy_available()
        ids, negative_ids = self._ids(read, cleans), self._ids(unread, cleans)
        longest = max(len(ids), len(negative_ids))
        require_t5(f"prompt {quoted(prompt)} or its negative", longest, T5_TOKENS)
        encoded, mask, negative, negative_mask = self.pipeline.encode_prompt(
            read,
            do_classifier_free_guidance=True,
            negative_prompt=unread,
            device=self.device,
            clean_caption=cleans,
            max_sequence_length=T5_TOKENS,
        )
        nothing = encoded.new_zeros(1, 0)
        special = frozenset(self.pipeline.tokenizer.all_special_ids)
        return Encoded(
            unpadded(encoded, mask),
            unpadded(negative, negative_mask),
            nothing,
            nothing,
            content_positions(ids, special),
        )

    def _ids(self, text: str, cleans: bool) -> list[int]:
        """A text's tokens, its end included."""
        [processed] = self.pipeline._text_preprocessing(text, clean_caption=cleans)
        with muted(*WARNING):
            return self.pipeline.tokenizer(processed, verbose=False).input_ids

    def _answer(
        self, inputs: Tensor, timesteps: Tensor, prompts: Tensor, samples: Guided
    ) -> Tensor:
        with self._placed(samples):
            answer = self.network(
                inputs,
                encoder_hidden_states=prompts,
                timestep=timesteps,
                added_cond_kwargs=self._added(len(inputs)),
                cross_attention_kwargs=self.attention_kwargs,
                return_dict=False,
            )[0]
        return answer[:, : inputs.shape[1]]  # the others are the noise's variance, unused

    def _placed(self, samples: Guided) -> AbstractContextManager[None]:
        """What tells windows where they are; the whole canvas is told by itself."""
        if self.size == self.canvas:
            return nullcontext()
        patch = self.network.config.patch_size
        corners = [samples.conditionings[row].corner for row in samples.rows]
        return placed(
            self.network.pos_embed,
            (self.canvas[0] // self.multiple, self.canvas[1] // self.multiple),
            [(row / patch, column / patch) for row, column in corners],
        )

    def _added(self, samples: int) -> dict[str, Tensor | None]:
        """The canvas, for models that were told of it."""
        if not self.network.use_additional_conditions:
            return {"resolution": None, "aspect_ratio": None}
        height, width = self.canvas
        told = {"resolution": [height, width], "aspect_ratio": [height / width]}
        return {
            name: torch.tensor([values], device=self.device, dtype=self.dtype).repeat(samples, 1)
            for name, values in told.items()
        }

    def denoising_bytes(self, samples: int) -> int:
        tokens = self.size[0] * self.size[1] // self.multiple**2
        return samples * self._activations(tokens) * self.dtype.itemsize
