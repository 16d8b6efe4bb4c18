"""Attention that the pictures of a batch share, by LayerDiffuse's joint weights for SD1.5.

Each attention layer of the UNet gets, for each picture, low-rank offsets of its own, and after it
attention between the pictures: every cell of one looks at the same cell of the others. The tensors
are named ``hookers.layers.N.NAME``, N counting self- and cross-attention on the way down, up, and
in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from taue.errors import TaueError

PICTURES = 3
"""Foreground, background and the two together, in this order."""

BETWEEN = ("i", "q", "k", "v", "o")
"""The linear layers between pictures: in, queries, keys, values, out."""


@dataclass(frozen=True)
class SharingProcessor:
    """One attention layer's processor, as diffusers calls them; ``tensors`` by their names in the
    file, without the layer's."""

    tensors: Mapping[str, Tensor]

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """[B x PICTURES, N, C], of latents laid out so."""
        pictures = hidden_states.unflatten(0, (-1, PICTURES))
        context = pictures
        if encoder_hidden_states is not None:
            context = encoder_hidden_states.unflatten(0, (-1, PICTURES))
        alone = torch.stack(
            [self._alone(attn, pictures[:, i], context[:, i], i) for i in range(PICTURES)], dim=1
        )
        return (alone + self._between(attn, pictures + alone)).flatten(0, 1)

    def _alone(self, attn: Any, x: Tensor, context: Tensor, picture: int) -> Tensor:
        """What the layer adds to one picture [B, N, C]."""
        layers = offset_layers(attn)

        def told(name: str, value: Tensor) -> Tensor:
            at = f"{name}_lora.{picture}"
            down, up = (self.tensors[f"{at}.{end}.weight"] for end in ("down", "up"))
            low = functional.linear(functional.linear(value, down), up)
            return layers[name](value) + low

        query, key, value = (
            told(name, value).unflatten(-1, (attn.heads, -1)).transpose(1, 2)
            for name, value in (("to_q", x), ("to_k", context), ("to_v", context))
        )
        seen = functional.scaled_dot_product_attention(query, key, value)
        seen = seen.transpose(1, 2).flatten(2)
        return attn.to_out[1](told("to_out", seen))

    def _between(self, attn: Any, pictures: Tensor) -> Tensor:
        """What pictures [B, PICTURES, N, C] add to each other."""

        def told(name: str, value: Tensor) -> Tensor:
            at = f"temporal_{name}"
            return functional.linear(
                value, self.tensors[f"{at}.weight"], self.tensors[f"{at}.bias"]
            )

        norm = self.tensors["temporal_n.weight"], self.tensors["temporal_n.bias"]
        x = told("i", functional.layer_norm(pictures, pictures.shape[-1:], *norm, eps=1e-6))
        cells = x.transpose(1, 2).flatten(0, 1)
        # Scores and their product by hand: fused attention takes fewer rows than there are cells.
        query, key, value = (attn.head_to_batch_dim(told(name, cells)) for name in ("q", "k", "v"))
        seen = attn.batch_to_head_dim(attn.get_attention_scores(query, key) @ value)
        return told("o", seen).unflatten(0, (len(pictures), -1)).transpose(1, 2)


def read_sharing(tensors: Mapping[str, Tensor], unet: Any) -> dict[str, SharingProcessor]:
    """Published tensors as processors for a UNet of diffusers, by their names there.

    Raises:
        TaueError: if they are not for such a UNet.
    """
    layers: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.removeprefix("hookers.layers.").partition(".")
        layers.setdefault(number, {})[name] = tensor
    names, modules = attention_layers(unet), dict(unet.named_modules())
    fits = layers.keys() == {str(number) for number in range(len(names))} and all(
        _fits(layers[str(number)], modules[name]) for number, name in enumerate(names)
    )
    if not fits:
        raise TaueError(
            "the joint weights of LayerDiffuse do not fit this model; give layer_sd15_joint."
            "safetensors as it was released, and a model of Stable Diffusion 1.5."
        )
    like = {"device": unet.device, "dtype": unet.dtype}
    return {
        f"{name}.processor": SharingProcessor(
            {key: tensor.to(**like) for key, tensor in layers[str(number)].items()}
        )
        for number, name in enumerate(names)
    }


def attention_layers(unet: Any) -> list[str]:
    """Diffusers' names of a UNet's attention layers, in the order of the published tensors."""
    names = [name for name, _ in unet.named_modules() if name.endswith((".attn1", ".attn2"))]
    return [
        name
        for part in ("down_blocks", "up_blocks", "mid_block")
        for name in names
        if name.startswith(part)
    ]


def offset_layers(attention: Any) -> dict[str, Any]:
    """The linear layers of one of diffusers' attention layers that have offsets, by their published
    names."""
    return {
        "to_q": attention.to_q,
        "to_k": attention.to_k,
        "to_v": attention.to_v,
        "to_out": attention.to_out[0],
    }


@contextmanager
def sharing_attention(unet: Any, processors: Mapping[str, SharingProcessor]) -> Iterator[None]:
    """A UNet whose attention is shared, until the block is left."""
    before = unet.attn_processors
    try:
        unet.set_attn_processor(dict(processors))
        yield
    finally:
        unet.set_attn_processor(before)


def _fits(tensors: Mapping[str, Tensor], layer: Any) -> bool:
    """Whether tensors are those of an attention layer."""
    wide = layer.to_k.out_features
    expected: dict[str, Sequence[int]] = {
        "temporal_n.weight": (wide,),
        "temporal_n.bias": (wide,),
        **{f"temporal_{name}.weight": (wide, wide) for name in BETWEEN},
        **{f"temporal_{name}.bias": (wide,) for name in BETWEEN},
    }
    for name, linear in offset_layers(layer).items():
        for picture in range(PICTURES):
            at = f"{name}_lora.{picture}"
            rank = len(tensors.get(f"{at}.down.weight", ()))
            expected[f"{at}.down.weight"] = (rank, linear.in_features)
            expected[f"{at}.up.weight"] = (linear.out_features, rank)
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()} == expected
