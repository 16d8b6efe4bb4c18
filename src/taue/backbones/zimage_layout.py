"""Several captions beside one picture in Z-Image's transformer, each of which reads as it does
alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.models.transformers.transformer_z_image import SEQ_MULTI_OF
from torch import Tensor


def filled(tokens: int) -> int:
    """So many tokens and the learnt padding behind them: the next multiple of 32."""
    return -(-tokens // SEQ_MULTI_OF) * SEQ_MULTI_OF


class Layout:
    """Where tokens are, in place of the transformer's own methods of these names.

    Alone a caption is at the positions 1 to L along the first axis, L with its padding, the picture
    at L + 1 and the picture's own padding at 0. Positions count by their differences. So captions
    of several lengths all end where the longest does, the picture comes behind, and whatever a
    caption is to the picture it is beside others, too.

    The picture's padding is before the caption, further away for a longer one: it belongs to a
    caption. Equal tokens at one position stay equal in every layer, so each caption has one in
    place of all, whose keys count for as many (see :func:`taue.backbones.zimage.ZImageBackbone`).

    Tokens are the picture's, then each caption's with padding, and its one of the picture's.

    Args:
        network: Z-Image's transformer.
        captions: of each sample.
        tokens: of a picture.
    """

    def __init__(self, network: Any, captions: int, tokens: int) -> None:
        self.network, self.captions, self.tokens = network, captions, tokens
        self.pads = captions if filled(tokens) > tokens else 0

    def patchify_and_embed(
        self, pictures: Sequence[Tensor], captions: Sequence[Tensor], patch: int, frames: int
    ) -> tuple[Any, ...]:
        """Tokens, positions and which are padding.

        Args:
            pictures: each sample's [C, 1, h, w].
            captions: those of the first sample, of the second, and so on, [L, D] each.
            patch, frames: the size of a token.
        """
        device = pictures[0].device
        lengths = [filled(len(one)) for one in captions]
        longest = max(lengths)
        words, word_places, word_pads = [], [], []
        for caption, length in zip(captions, lengths, strict=True):
            own, places, pad, *_ = self.network._pad_with_ids(
                caption, (length, 1, 1), (longest - length + 1, 0, 0), device
            )
            words.append(own)
            word_places.append(places[:length])  # of padding there are two kinds
            word_pads.append(pad)
        drawn, sizes, drawn_places, drawn_pads = [], [], [], []
        for number, picture in enumerate(pictures):
            patches, size, grid = self.network._patchify_image(picture, patch, frames)
            places = self.network.create_coordinate_grid(grid, (longest + 1, 0, 0), device)
            first = number * self.captions
            before = [[longest - one, 0, 0] for one in lengths[first : first + self.pads]]
            pads = torch.tensor(before, dtype=places.dtype, device=device).view(-1, 3)
            drawn.append(torch.cat([patches, patches[:1].expand(self.pads, -1)]))
            sizes.append(size)
            drawn_places.append(torch.cat([places.flatten(0, 2), pads]))
            drawn_pads.append(torch.arange(len(drawn[-1]), device=device) >= self.tokens)
        return drawn, words, sizes, drawn_places, word_places, drawn_pads, word_pads

    def _build_unified_sequence(
        self,
        picture: Tensor,
        picture_turns: Tensor,
        picture_lengths: Any,
        picture_noisy: Any,
        words: Tensor,
        word_turns: Tensor,
        *_: Any,
    ) -> tuple[Tensor, Tensor, None, None]:
        """Tokens [B, n, C] of both and their turns by position; masks are our attention's."""
        turns = self._beside(picture_turns, word_turns[:, : words.shape[1]])
        return self._beside(picture, words), turns, None, None

    def _beside(self, picture: Tensor, words: Tensor) -> Tensor:
        """[B, n + pads, C] and [B * K, L, C] as [B, n + K * L + pads, C]."""
        drawn, pads = picture[:, : self.tokens], picture[:, self.tokens :]
        own = words.unflatten(0, (-1, self.captions))  # [B, K, L, C]
        if self.pads:
            own = torch.cat([own, pads[:, :, None]], dim=2)
        return torch.cat([drawn, own.flatten(1, 2)], dim=1)


@contextmanager
def laid_out(network: Any, captions: int, tokens: int) -> Iterator[None]:
    """Let a transformer take a :class:`Layout` for its own until the block is left, however it is
    left: it asks itself for nothing else."""
    layout = Layout(network, captions, tokens)
    names = ("patchify_and_embed", "_build_unified_sequence")
    try:
        for name in names:
            setattr(network, name, getattr(layout, name))
        yield
    finally:
        for name in names:
            vars(network).pop(name, None)
