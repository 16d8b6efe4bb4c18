"""The FLUX.2 Klein family: FLUX.1's kinds of blocks, Qwen3 for the words, one cell of latents for
each token; classifier-free guidance, or what was distilled of it and needs none."""

from __future__ import annotations

import numpy as np
import torch
from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu
from torch import Tensor

from taue.backbones.base import Encoded
from taue.backbones.chat import Chat
from taue.backbones.denoiser import Grid
from taue.backbones.flux import TIMES, heard_bytes
from taue.backbones.guided import Guided
from taue.backbones.joint import JointBackbone
from taue.backbones.klein_attention import KleinProcessor
from taue.backbones.packed import PackedAutoencoder
from taue.backbones.prompts import require_layers, require_no_negative, require_room
from taue.backbones.weighting import require_unweighted, unweighted
from taue.families import KLEIN
from taue.readable import quoted

QWEN_TOKENS = 512
"""What its pipeline gives Qwen3, the chat's own words and padding included; all of them count."""


class KleinBackbone(JointBackbone):
    """Any ``Flux2KleinPipeline``, distilled or not; arguments and errors as of
    :class:`taue.backbones.denoiser.Denoiser`."""

    family = KLEIN
    returns = ("prompt", "")
    processor = KleinProcessor
    autoencoder = PackedAutoencoder
    text_first = True

    @property
    def _distilled(self) -> bool:
        return self.pipeline.config.is_distilled

    def _grid(self) -> Grid:
        side = self.pipeline.default_sample_size // self.autoencoder.packed
        return Grid(self.network.config.in_channels, side, patch=1)

    def _sigmas(self, steps: int) -> list[float]:
        return np.linspace(1.0, 1 / steps, steps).tolist()

    def _shift(self, steps: int) -> float:
        return compute_empirical_mu(self._tokens, steps)

    def encode_prompt(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None = None
    ) -> Encoded:
        """As of the protocol; Qwen3 reads a prompt whole, or it is refused."""
        require_layers(clip_skip, 1)  # which of Qwen3's layers count is the model's
        require_unweighted(prompt, negative_prompt)
        unread = unweighted(negative_prompt or "")
        if self._distilled:
            require_no_negative(negative_prompt, "a distilled FLUX.2 Klein")
        prompt = unweighted(prompt)
        chat = Chat(self.pipeline.tokenizer, enable_thinking=False)
        longest = max(len(chat.tokens(text)) for text in (prompt, unread))
        who = f"prompt {quoted(prompt)} or its negative"
        require_room(who, longest, QWEN_TOKENS, "Qwen3")
        read = self._read(prompt)
        negative = read[:, :0] if self._distilled else self._read(unread)
        nothing = read.new_zeros(1, 0)
        return Encoded(read, negative, nothing, nothing, chat.content(prompt))

    def _read(self, text: str) -> Tensor:
        """What Qwen3 makes of a text [1, L, D]."""
        read, _ = self.pipeline.encode_prompt(
            prompt=text, device=self.device, max_sequence_length=QWEN_TOKENS
        )
        return read

    def _guides(self, guidance_scale: float) -> bool:
        return not self._distilled and super()._guides(guidance_scale)

    def _answer(
        self, inputs: Tensor, timesteps: Tensor, prompts: Tensor, samples: Guided
    ) -> Tensor:
        rows, columns = inputs.shape[-2:]
        count = prompts.shape[1] // samples.longest
        text = _positions(1, 1, samples.longest, self.device)
        answer = self.network(
            hidden_states=inputs.flatten(2).transpose(1, 2),
            timestep=timesteps.to(self.dtype) / TIMES,
            encoder_hidden_states=prompts,
            txt_ids=text.repeat(count, 1),  # each prompt where it is alone
            img_ids=_positions(rows, columns, 1, self.device),
            joint_attention_kwargs=self.attention_kwargs,
            return_dict=False,
        )[0]
        return answer.transpose(1, 2).unflatten(2, (rows, columns))

    def denoising_bytes(self, samples: int) -> int:
        heads = self.network.config.num_attention_heads
        heard = heard_bytes(heads, self._tokens, QWEN_TOKENS)
        return super().denoising_bytes(samples) + samples * heard


def _positions(rows: int, columns: int, words: int, device: torch.device) -> Tensor:
    """Those of a picture's tokens, or of a text's [rows * columns * words, 4]: none in time, row,
    column and place among the words."""
    return torch.cartesian_prod(
        *(torch.arange(count, device=device) for count in (1, rows, columns, words))
    )
