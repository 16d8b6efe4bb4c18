"""The Z-Image family: one stream of picture and caption, which Qwen3 reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor

from taue.backbones.base import Encoded
from taue.backbones.chat import Chat
from taue.backbones.denoiser import AT_ONCE, WIDENED, Grid
from taue.backbones.flux import heard_bytes
from taue.backbones.guided import Guided
from taue.backbones.joint import JointBackbone
from taue.backbones.joint_attention import JointRegions
from taue.backbones.listening import Listening
from taue.backbones.processors import processors, replaced
from taue.backbones.prompts import require_layers, require_room
from taue.backbones.weighting import require_unweighted, unweighted
from taue.backbones.zimage_attention import ZImageProcessor
from taue.backbones.zimage_layout import filled, laid_out
from taue.families import ZIMAGE
from taue.readable import quoted

SIDE, PATCH = 1024, 2
"""Of its pipeline's own canvas in pixels, and of a patch in cells."""

QWEN_TOKENS = 512
"""What its pipeline gives Qwen3, and the most that it was trained with."""

TIMES = 1000
"""The transformer takes time as a share of so many, which grows to 1 at the end."""


class ZImageBackbone(JointBackbone):
    """Any ``ZImagePipeline``, Turbo's among them; arguments and errors as of
    :class:`taue.backbones.denoiser.Denoiser`.

    Guidance is classifier-free as in the other families: 1 is none. Its own pipeline counts from 0.
    """

    family = ZIMAGE
    returns = ("prompt", "negative")
    processor = ZImageProcessor
    text_first = False
    most_shift = 1.15

    def _grid(self) -> Grid:
        config = self.network.config
        side = SIDE // self.pipeline.vae_scale_factor
        return Grid(config.in_channels, side, PATCH, min(config.axes_lens[1:]))

    def _sigmas(self, steps: int) -> list[float]:
        return torch.linspace(1.0, 1 / steps, steps).tolist()

    def encode_prompt(
        self, prompt: str, negative_prompt: str | None, clip_skip: int | None = None
    ) -> Encoded:
        """As of the protocol, each in as many tokens as it has, the chat's around it included."""
        require_layers(clip_skip, 1)  # of Qwen3 the last layer but one alone counts
        require_unweighted(prompt, negative_prompt)
        read, unread = unweighted(prompt), unweighted(negative_prompt or "")
        chat = Chat(self.pipeline.tokenizer, enable_thinking=True)
        longest = max(len(chat.tokens(text)) for text in (read, unread))
        who = f"prompt {quoted(prompt)} or its negative"
        require_room(who, longest, QWEN_TOKENS, "Qwen3")
        [encoded], [negative] = self.pipeline.encode_prompt(
            read,
            device=self.device,
            do_classifier_free_guidance=True,
            negative_prompt=unread,
            max_sequence_length=QWEN_TOKENS,
        )
        nothing = encoded.new_zeros(1, 0)
        return Encoded(encoded[None], negative[None], nothing, nothing, chat.content(read))

    def _length(self, samples: Guided) -> int:
        return filled(samples.longest)

    def _counts(self, encoded: Encoded, read: Tensor, length: int) -> Tensor:
        """Padding is attended to, as it learnt to; behind it one token for all of the picture's."""
        own = filled(read.shape[1])
        counts = F.pad(torch.ones(own, device=read.device), (0, length - own))
        pads = filled(self._seen) - self._seen
        return F.pad(counts, (0, 1), value=pads) if pads else counts

    @property
    def _seen(self) -> int:
        """The picture's tokens, of a window those in it."""
        return self.shape[-2] * self.shape[-1] // PATCH**2

    @contextmanager
    def _installed(self, regions: JointRegions, listening: Listening) -> Iterator[None]:
        """In the layers, and in those before them in which the picture sees its own padding alone;
        captions are among themselves there."""
        unheard = Listening([], listening.height, listening.width, 1)
        padding = JointRegions(regions.counts[:, :, listening.length :], regions.masks)
        refiner = self.processor(padding, unheard) if padding.tokens else None
        layer = self.processor(regions, listening)
        with (
            replaced(self.network, self._sites("noise_refiner"), lambda own: refiner or own),
            replaced(self.network, self._sites("layers"), lambda _: layer),
        ):
            yield

    def _sites(self, part: str) -> list[str]:
        return [name for name in processors(self.network) if name.startswith(f"{part}.")]

    def _answer(
        self, inputs: Tensor, timesteps: Tensor, prompts: Tensor, samples: Guided
    ) -> Tensor:
        read = prompts.unflatten(1, (samples.most, -1))  # [B, K, L, D]
        captions = [
            caption[:length]
            for one, lengths in zip(read, samples.lengths(), strict=True)
            for caption, length in zip(one, lengths, strict=True)
        ]
        with laid_out(self.network, samples.most, self._seen):
            answer = self.network(
                list(inputs[:, :, None]),
                (TIMES - timesteps) / TIMES,
                captions,
                joint_attention_kwargs=self.attention_kwargs,
                return_dict=False,
            )[0]
        return -torch.stack(answer)[:, :, 0]  # its velocity is towards the picture

    def _activations(self, tokens: int) -> int:
        return AT_ONCE * tokens * self.network.config.dim * WIDENED

    def denoising_bytes(self, samples: int) -> int:
        heard = heard_bytes(self.network.config.n_heads, self._tokens, QWEN_TOKENS)
        return super().denoising_bytes(samples) + samples * heard
