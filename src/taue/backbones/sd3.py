"""The SD3 family: MMDiT with flow matching, two CLIP encoders and T5, joint attention."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3 import calculate_shift
from torch import Tensor

from taue.backbones.autoencoder import AT_ONCE, Autoencoder, WithAutoencoder
from taue.backbones.base import Captured, Conditioning, Encoded, content_positions
from taue.backbones.canvas import canvas, of_cells
from taue.backbones.guided import Guided
from taue.backbones.joint_attention import JointProcessor, JointRegions, installed
from taue.backbones.listening import Listening
from taue.backbones.prompts import Pair, Reader, joined, padded, require_layers
from taue.backbones.timesteps import timed
from taue.backbones.weighting import is_weighed, require_scales, unweighted
from taue.errors import TaueError
from taue.families import SD3
from taue.readable import quoted
from taue.space import noise_levels

T5_TOKENS, MOST_T5_TOKENS = 256, 512
"""What its pipeline gives T5 room for, and the most that it was trained with."""

WIDENED = 4
"""A transformer's feed-forward layers are so many times as wide as its tokens."""

KEY_SHARE = 0.4
"""On paddy-dit a share of 1 leaves objects a third of their area, and from 2 on none; with 0.4 they
are as large as paddy's, on a key as flat. It is the share that matters, not the key's length."""


class SD3Backbone(WithAutoencoder):
    """Any ``StableDiffusion3Pipeline``, in the form that the method asks for.

    Args:
        pipeline: of Stable Diffusion 3 or 3.5.
        height, width: the canvas in pixels; the model's own size if None.
        joint_attention_kwargs: passed on to the transformer (``{"scale": ...}`` for LoRA).

    Raises:
        TaueError: if there is no such canvas.
    """

    family = SD3
    key_share = KEY_SHARE

    def __init__(
        self,
        pipeline: Any,
        height: int | None = None,
        width: int | None = None,
        joint_attention_kwargs: dict[str, Any] | None = None,
    ) -> None:
        self.pipeline: Any = pipeline
        self.device: torch.device = pipeline._execution_device
        self.dtype: torch.dtype = pipeline.transformer.dtype  # once, as unet.py says
        self.joint_attention_kwargs = joint_attention_kwargs
        config, cell = self.pipeline.transformer.config, pipeline.vae_scale_factor
        self.multiple: int = cell * config.patch_size
        self.default_size: tuple[int, int] = of_cells(config.sample_size, cell)
        largest = config.pos_embed_max_size
        self.size = canvas(
            height,
            width,
            self.default_size,
            self.multiple,
            None if largest is None else largest * self.multiple,
        )
        cells = self.size[0] // cell, self.size[1] // cell
        self.shape: tuple[int, int, int, int] = (1, config.in_channels, *cells)
        self._vae = Autoencoder(pipeline.vae, cell, self.device, shifts=True)
        self._attends = False
        self._tokens = (self.size[0] // self.multiple) * (self.size[1] // self.multiple)
        """Of the canvas: a patch each."""

    @cached_property
    def keys(self) -> Mapping[str, tuple[float, ...]]:
        return self._vae.keys()

    def new_scheduler(self, steps: int) -> Any:
        scheduler = self.pipeline.scheduler
        config, options = scheduler.config, {}
        if config.get("use_dynamic_shifting"):
            if "mu" not in inspect.signature(scheduler.set_timesteps).parameters:
                raise TaueError(
                    f"scheduler {type(scheduler).__name__} cannot shift its levels by the canvas, "
                    "as this model wants it; use FlowMatchEulerDiscreteScheduler."
                )
            options["mu"] = calculate_shift(
                self._tokens,
                config.get("base_image_seq_len", 256),
                config.get("max_image_seq_len", 4096),
                config.get("base_shift", 0.5),
                config.get("max_shift", 1.16),
            )
        fresh = timed(scheduler, steps, self.device, **options)
        if not _flows(fresh):
            raise TaueError(
                f"scheduler {type(fresh).__name__} is not supported by SD3, which is a "
                "flow-matching model; use one such as FlowMatchEulerDiscreteScheduler, "
                "FlowMatchHeunDiscreteScheduler or DPMSolverMultistepScheduler."
            )
        return fresh

    def encode_prompt(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None = None
    ) -> Encoded:
        pipeline = self.pipeline
        encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
        require_layers(clip_skip, min(one.config.num_hidden_layers for one in encoders))
        first = pipeline.tokenizer_max_length  # CLIP's tokens come before T5's
        reader = Reader(pipeline, (pipeline.tokenizer, pipeline.tokenizer_2), first)
        if is_weighed(prompt, negative_prompt):
            require_scales((prompt, negative_prompt), can=False, clip_skip=clip_skip)
        pieces, negatives = reader.pairs(prompt, negative_prompt)
        prompt, negative_prompt = (
            unweighted(prompt),
            negative_prompt and unweighted(negative_prompt),
        )
        tokens = self._longest(prompt, negative_prompt)
        further: list[Tensor] = []

        def encode(piece: str, negative_piece: str | None) -> Pair:
            """CLIP reads a piece, T5 all of it."""
            read, unread, pooled, negative_pooled = pipeline.encode_prompt(
                prompt=piece,
                prompt_2=None,
                prompt_3=prompt,
                negative_prompt=negative_piece,
                negative_prompt_3=negative_prompt,
                device=self.device,
                do_classifier_free_guidance=True,
                lora_scale=(self.joint_attention_kwargs or {}).get("scale"),
                clip_skip=clip_skip,
                max_sequence_length=min(max(tokens, T5_TOKENS), MOST_T5_TOKENS),
            )
            further[:] = read[:, first:], unread[:, first:]
            return read[:, :first], unread[:, :first], pooled, negative_pooled

        read, unread, pooled, negative_pooled = joined(encode, pieces, negatives)
        t5, negative_t5 = further
        content = reader.content(pieces)
        by_clip = Encoded(read, unread, pooled, negative_pooled, content)
        if _alike(t5) and _alike(negative_t5):
            return _with_one_token(by_clip, t5, negative_t5)
        if tokens > MOST_T5_TOKENS:
            raise TaueError(
                f"prompt {quoted(prompt)} or its negative has {tokens} tokens for T5, which "
                f"takes {MOST_T5_TOKENS} at most; shorten it."
            )
        own = _content(pipeline.tokenizer_3, prompt, t5.shape[1])
        return _with_t5(by_clip, t5, negative_t5, own)

    def _longest(self, *prompts: str | None) -> int:
        """The most tokens that T5 has of a prompt."""
        tokenizer = self.pipeline.tokenizer_3
        if tokenizer is None or self.pipeline.text_encoder_3 is None:
            return 0
        reader = Reader(self.pipeline, (tokenizer,), MOST_T5_TOKENS)
        return max(reader.tokens(one or "") for one in prompts)

    def evaluations(self, guidance_scale: float) -> int:
        return 2 if guidance_scale > 1 else 1

    def predict(
        self, inputs: Tensor, timesteps: Tensor, conditionings: Sequence[Conditioning]
    ) -> Tensor:
        if not self._attends:  # some tokens count for several, which attention has to know
            with self.attending(conditionings, [()] * len(conditionings)):
                return self.predict(inputs, timesteps, conditionings)
        transformer, samples = self.pipeline.transformer, self._samples(conditionings)
        length = _longest(samples)
        prompts = [
            torch.cat([padded(read, length) for _, read in one], dim=1) for one in samples.prompts()
        ]
        output = transformer(
            inputs[samples.rows].to(self.dtype),
            timestep=timesteps[samples.rows],
            encoder_hidden_states=torch.cat(prompts).to(self.dtype),
            pooled_projections=samples.pooled().to(self.dtype),
            joint_attention_kwargs=self.joint_attention_kwargs,
            return_dict=False,
        )[0].float()
        return samples.combined(output)

    def _samples(self, conditionings: Sequence[Conditioning]) -> Guided:
        steered = [
            r for r, c in enumerate(conditionings) if self.evaluations(c.guidance_scale) == 2
        ]
        return Guided(conditionings, steered)

    @contextmanager
    def attending(
        self, conditionings: Sequence[Conditioning], listen_to: Sequence[Sequence[int]]
    ) -> Iterator[Captured]:
        height, width = self.shape[-2:]
        samples = self._samples(conditionings)
        length = _longest(samples)
        counts = [
            torch.stack([_counts(encoded, read, length) for encoded, read in one])
            for one in samples.prompts()
        ]
        masks = samples.masks(height, width, self.device)
        regions = JointRegions(torch.stack(counts).to(self.device), masks)
        listening = Listening(listen_to, height, width, length)
        before, self._attends = self._attends, True
        try:
            if regions.plain and not listening.tokens:
                yield listening.captured
                return
            processor = JointProcessor(regions, listening)
            with installed(self.pipeline.transformer, lambda _: processor):
                yield listening.captured
        finally:
            self._attends = before

    def denoising_bytes(self, samples: int) -> int:
        transformer, tokens = self.pipeline.transformer, self._tokens
        activations = AT_ONCE * tokens * transformer.inner_dim * WIDENED
        regions = tokens**2  # the bias by which they attend
        return samples * (activations + regions) * self.dtype.itemsize


def _flows(scheduler: Any) -> bool:
    """Whether it does flow matching in a way that the method can follow."""
    try:
        return noise_levels(scheduler).flows
    except TaueError:
        return False


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


def _longest(samples: Guided) -> int:
    return max(map(max, samples.lengths()))


def _counted(tokens: Tensor, last: int) -> Tensor:
    """For how many tokens each stands, of which the last stands for so many."""
    counts = torch.ones(tokens.shape[1], device=tokens.device)
    counts[-1] = last
    return counts


def _counts(encoded: Encoded, read: Tensor, length: int) -> Tensor:
    """For how many tokens each stands of what is read of a prompt, with padding behind it."""
    own = read.shape[1]
    counts = encoded.negative_counts if read is encoded.negative else encoded.counts
    counts = torch.ones(own, device=read.device) if counts is None else counts
    return F.pad(counts, (0, length - own))
