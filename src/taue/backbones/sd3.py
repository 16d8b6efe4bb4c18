"""The SD3 family: MMDiT with flow matching, two CLIP encoders and T5, joint attention."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from taue.backbones.base import Encoded, content_positions
from taue.backbones.denoiser import Grid
from taue.backbones.guided import Guided
from taue.backbones.joint import JointBackbone
from taue.backbones.joint_attention import SD3Processor
from taue.backbones.prompts import WARNING, EncodedPair, Reader, joined, require_layers, require_t5
from taue.backbones.weighting import require_unweighted, unweighted
from taue.families import SD3
from taue.muted import muted
from taue.readable import quoted

T5_TOKENS, MOST_T5_TOKENS = 256, 512
"""What its pipeline gives T5 room for, and the most that it was trained with."""


class SD3Backbone(JointBackbone):
    """Any ``StableDiffusion3Pipeline``, of Stable Diffusion 3 or 3.5; arguments and errors as of
    :class:`taue.backbones.denoiser.Denoiser`."""

    family = SD3
    returns = ("prompt", "negative", "pooled", "negative_pooled")
    processor = SD3Processor
    text_first = False
    most_shift = 1.16

    def _grid(self) -> Grid:
        config = self.network.config
        return Grid(
            config.in_channels, config.sample_size, config.patch_size, config.pos_embed_max_size
        )

    def encode_prompt(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None = None
    ) -> Encoded:
        pipeline = self.pipeline
        encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
        require_layers(clip_skip, min(one.config.num_hidden_layers for one in encoders))
        first = pipeline.tokenizer_max_length  # CLIP's tokens come before T5's
        reader = Reader(pipeline, (pipeline.tokenizer, pipeline.tokenizer_2), first)
        require_unweighted(prompt, negative_prompt)
        pieces, negatives = reader.pairs(prompt, negative_prompt)
        prompt, negative_prompt = (
            unweighted(prompt),
            negative_prompt and unweighted(negative_prompt),
        )
        tokens = self._longest(prompt, negative_prompt)
        further: list[Tensor] = []

        def encode(piece: str, negative_piece: str | None) -> EncodedPair:
            """CLIP reads a piece, T5 all of it."""
            read, unread, pooled, negative_pooled = pipeline.encode_prompt(
                prompt=piece,
                prompt_2=None,
                prompt_3=prompt,
                negative_prompt=negative_piece,
                negative_prompt_3=negative_prompt,
                device=self.device,
                do_classifier_free_guidance=True,
                lora_scale=self._lora_scale,
                clip_skip=clip_skip,
                max_sequence_length=min(max(tokens, T5_TOKENS), MOST_T5_TOKENS),
            )
            further[:] = read[:, first:], unread[:, first:]
            return read[:, :first], unread[:, :first], pooled, negative_pooled

        with muted(*WARNING):  # T5 is given more room than some tokenizers know
            read, unread, pooled, negative_pooled = joined(encode, pieces, negatives)
        t5, negative_t5 = further
        content = reader.content(pieces)
        by_clip = Encoded(read, unread, pooled, negative_pooled, content)
        if _alike(t5) and _alike(negative_t5):
            return _with_one_token(by_clip, t5, negative_t5)
        require_t5(f"prompt {quoted(prompt)} or its negative", tokens, MOST_T5_TOKENS)
        own = _content(pipeline.tokenizer_3, prompt, t5.shape[1])
        return _with_t5(by_clip, t5, negative_t5, own)

    def _longest(self, *prompts: str | None) -> int:
        """The most tokens that T5 has of a prompt."""
        tokenizer = self.pipeline.tokenizer_3
        if tokenizer is None or self.pipeline.text_encoder_3 is None:
            return 0
        reader = Reader(self.pipeline, (tokenizer,), MOST_T5_TOKENS)
        return max(reader.tokens(one or "") for one in prompts)

    def _answer(
        self, inputs: Tensor, timesteps: Tensor, prompts: Tensor, samples: Guided
    ) -> Tensor:
        return self.network(
            inputs,
            timestep=timesteps,
            encoder_hidden_states=prompts,
            pooled_projections=samples.pooled().to(self.dtype),
            joint_attention_kwargs=self.attention_kwargs,
            return_dict=False,
        )[0]


def _with_t5(by_clip: Encoded, t5: Tensor, negative: Tensor, own: tuple[int, ...]) -> Encoded:
    """T5's tokens behind CLIP's; ``own`` are the positions of the prompt's among them."""
    before = by_clip.prompt.shape[1]
    return replace(
        by_clip,
        prompt=torch.cat([by_clip.prompt, t5], dim=1),
        negative=torch.cat([by_clip.negative, negative], dim=1),
        content=by_clip.content + tuple(before + position for position in own),
    )


def _with_one_token(by_clip: Encoded, t5: Tensor, negative: Tensor) -> Encoded:
    """A T5 that says nothing, or none: equal tokens without positions stay equal in every layer, so
    one of them that counts for all is the same and a third of the work."""
    one = torch.cat([by_clip.prompt, t5[:, :1]], dim=1)
    other = torch.cat([by_clip.negative, negative[:, :1]], dim=1)
    return replace(
        by_clip,
        prompt=one,
        negative=other,
        counts=_counted(one, t5.shape[1]),
        negative_counts=_counted(other, t5.shape[1]),
    )


def _content(tokenizer: Any, prompt: str, length: int) -> tuple[int, ...]:
    """Positions of a prompt's own tokens."""
    tokens = tokenizer(prompt, padding="max_length", max_length=length, truncation=True).input_ids
    return content_positions(tokens, frozenset(tokenizer.all_special_ids))


def _alike(tokens: Tensor) -> bool:
    """Whether there are several tokens, all the same."""
    return tokens.shape[1] > 1 and bool((tokens == tokens[:, :1]).all())


def _counted(tokens: Tensor, last: int) -> Tensor:
    """For how many tokens each stands, of which the last stands for so many."""
    counts = torch.ones(tokens.shape[1], device=tokens.device)
    counts[-1] = last
    return counts
