"""The FLUX.1 family: blocks of two streams and of one, CLIP for the whole prompt and T5 for its
words, guidance as a number that the model was trained with, or none."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from taue.backbones.base import Encoded
from taue.backbones.denoiser import Grid
from taue.backbones.flux_attention import FluxProcessor
from taue.backbones.guided import Guided
from taue.backbones.joint import JointBackbone
from taue.backbones.prompts import Reader, require_layers, require_no_negative, require_t5
from taue.backbones.weighting import require_unweighted, unweighted
from taue.families import FLUX
from taue.readable import quoted

PATCH = 2
"""Cells along a side of what is packed into the channels of one token."""

T5_TOKENS = 512
"""What its pipeline gives T5, and the most that it was trained with."""

TIMES = 1000
"""The transformer takes a timestep as a share of so many."""

HEARD = 8
"""Bytes of a score that is listened to: float32, before its softmax and after."""


class FluxBackbone(JointBackbone):
    """Any ``FluxPipeline``, of FLUX.1-dev or -schnell; arguments and errors as of
    :class:`taue.backbones.denoiser.Denoiser`."""

    family = FLUX
    returns = ("prompt", "pooled", "")
    processor = FluxProcessor
    text_first = True
    most_shift = 1.15

    def _grid(self) -> Grid:
        channels = self.network.config.in_channels // PATCH**2
        return Grid(channels, self.pipeline.default_sample_size, PATCH)

    def _sigmas(self, steps: int) -> list[float]:
        return np.linspace(1.0, 1 / steps, steps).tolist()

    def encode_prompt(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None = None
    ) -> Encoded:
        """As of the protocol; all of a long prompt T5 reads, CLIP its first piece."""
        require_layers(clip_skip, 1)  # of CLIP the last layer alone counts
        require_unweighted(prompt)
        require_no_negative(negative_prompt, "FLUX.1")
        pipeline, prompt = self.pipeline, unweighted(prompt)
        clip = Reader(pipeline, (pipeline.tokenizer,), pipeline.tokenizer_max_length)
        t5 = Reader(pipeline, (pipeline.tokenizer_2,), T5_TOKENS)
        require_t5(f"prompt {quoted(prompt)}", t5.tokens(prompt), T5_TOKENS)
        read, pooled, _ = pipeline.encode_prompt(
            prompt=clip.pieces(prompt)[0],
            prompt_2=prompt,
            device=self.device,
            max_sequence_length=T5_TOKENS,
            lora_scale=self._lora_scale,
        )
        return Encoded(read, read[:, :0], pooled, pooled[:, :0], t5.content([prompt]))

    def _guides(self, guidance_scale: float) -> bool:
        return False

    def _answer(
        self, inputs: Tensor, timesteps: Tensor, prompts: Tensor, samples: Guided
    ) -> Tensor:
        rows, columns = (side // PATCH for side in inputs.shape[-2:])
        scales = [samples.conditionings[row].guidance_scale for row in samples.rows]
        guided = self.network.config.guidance_embeds
        answer = self.network(
            hidden_states=F.pixel_unshuffle(inputs, PATCH).flatten(2).transpose(1, 2),
            timestep=timesteps.to(self.dtype) / TIMES,
            guidance=torch.tensor(scales, device=self.device) if guided else None,
            pooled_projections=samples.pooled().to(self.dtype),
            encoder_hidden_states=prompts,
            txt_ids=torch.zeros(prompts.shape[1], 3, device=self.device),
            img_ids=_positions(rows, columns, self.device),
            joint_attention_kwargs=self.attention_kwargs,
            return_dict=False,
        )[0]
        return F.pixel_shuffle(answer.transpose(1, 2).unflatten(2, (rows, columns)), PATCH)

    def denoising_bytes(self, samples: int) -> int:
        heads = self.network.config.num_attention_heads
        heard = heard_bytes(heads, self._tokens, T5_TOKENS)
        return super().denoising_bytes(samples) + samples * heard


def heard_bytes(heads: int, tokens: int, words: int) -> int:
    """What listening takes of a sample, so many picture tokens of it to so many of one prompt: as
    much as all else, where prompts are long, and heads many."""
    return heads * tokens * words * HEARD


def _positions(rows: int, columns: int, device: torch.device) -> Tensor:
    """Those of a picture's tokens [rows * columns, 3]: none in time, row and column."""
    row, column = torch.meshgrid(
        torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij"
    )
    return torch.stack([torch.zeros_like(row), row, column], dim=-1).flatten(0, 1).float()
