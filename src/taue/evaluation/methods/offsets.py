"""Offsets to a UNet's weights as LayerDiffuse publishes them, added for a while.

A key is ``NAME::diff::0`` (a whole offset) or ``NAME::lora::0``, ``::1`` and, if there is a scale,
``::2`` (the factors up and down, alpha); NAME is that of Stability's own checkpoints, after
``diffusion_model.``. Keys without ``::`` are diffusers' names, of whole offsets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from taue.errors import TaueError

Offsets = Mapping[str, Tensor]
"""What is added to each weight, by diffusers' name."""

_INNER = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
"""Parts of a residual block, diffusers' name and Stability's."""


def read_offsets(tensors: Mapping[str, Tensor], unet: Any) -> Offsets:
    """Published tensors as offsets for a UNet of diffusers.

    Raises:
        TaueError: if they are not for such a UNet.
    """
    own = dict(unet.named_parameters())
    if not any("::" in key for key in tensors):
        return _checked(dict(tensors), own)
    kinds: dict[str, dict[tuple[str, int], Tensor]] = {}
    for key, tensor in tensors.items():
        try:
            name, kind, place = key.split("::")
            kinds.setdefault(name, {})[kind, int(place)] = tensor
        except ValueError as error:
            raise TaueError(f"offset {key[:80]!r} is of no known kind; give LayerDiffuse's.") from (
                error
            )
    names = {published: name for name, published in published_names(unet).items()}
    found: dict[str, Tensor] = {}
    for name, parts in kinds.items():
        bare = name.removeprefix("model.").removeprefix("diffusion_model.")
        prefix, _, kind = bare.rpartition(".")
        mapped = f"{names.get(prefix, prefix)}.{kind}"
        found[mapped] = _whole(name, parts, own.get(mapped))
    return _checked(found, own)


def published_names(unet: Any) -> dict[str, str]:
    """Diffusers' name of every module with weights, and Stability's: blocks counted through instead
    of by resolution, the parts of a residual block called otherwise."""
    pairs = {
        "conv_in": "input_blocks.0.0",
        "conv_norm_out": "out.0",
        "conv_out": "out.2",
        "time_embedding.linear_1": "time_embed.0",
        "time_embedding.linear_2": "time_embed.2",
        "add_embedding.linear_1": "label_emb.0.0",
        "add_embedding.linear_2": "label_emb.0.2",
    }
    count = 1
    for level, block in enumerate(unet.down_blocks):
        for layer in range(len(block.resnets)):
            at = f"input_blocks.{count}"
            pairs |= _layer(block, f"down_blocks.{level}", layer, at)
            count += 1
        if block.downsamplers:
            pairs[f"down_blocks.{level}.downsamplers.0.conv"] = f"input_blocks.{count}.0.op"
            count += 1
    pairs |= _inside(unet.mid_block.resnets[0], "mid_block.resnets.0", "middle_block.0")
    pairs |= _inside(unet.mid_block.attentions[0], "mid_block.attentions.0", "middle_block.1")
    pairs |= _inside(unet.mid_block.resnets[1], "mid_block.resnets.1", "middle_block.2")
    count = 0
    for level, block in enumerate(unet.up_blocks):
        for layer in range(len(block.resnets)):
            at = f"output_blocks.{count}"
            pairs |= _layer(block, f"up_blocks.{level}", layer, at)
            count += 1
        if block.upsamplers:
            place = 2 if _attends(block) else 1
            last = f"output_blocks.{count - 1}.{place}.conv"
            pairs[f"up_blocks.{level}.upsamplers.0.conv"] = last
    return pairs


@contextmanager
def added(unet: Any, offsets: Offsets, beside: Tensor | None = None) -> Iterator[None]:
    """Offsets added to a UNet's weights, and latents laid beside those that it is given, until the
    block is left; then it has its own tensors again.

    Args:
        unet: of diffusers.
        offsets: by name; those of ``conv_in`` may take more channels than the UNet has.
        beside: [1, C, h, w], what the further channels are fed with.
    """
    first = unet.conv_in
    before = {name: p.data for name, p in unet.named_parameters() if name in offsets}
    try:
        with torch.no_grad():
            for name, parameter in unet.named_parameters():
                if name in offsets and offsets[name].shape == parameter.shape:
                    parameter.data = parameter.data + offsets[name].to(parameter)
        if beside is not None:
            unet.conv_in = _Beside(first, offsets["conv_in.weight"], beside)
        yield
    finally:
        unet.conv_in = first
        for name, parameter in unet.named_parameters():
            if name in before:
                parameter.data = before[name]


class _Beside(nn.Module):
    """A first convolution that sees more channels: latents that stay the same at every step."""

    def __init__(self, own: nn.Conv2d, offset: Tensor, beside: Tensor) -> None:
        super().__init__()
        wide = offset.to(own.weight).clone()
        wide[:, : own.in_channels] += own.weight.data
        self.own, self.wide, self.beside = own, wide, beside

    def forward(self, x: Tensor) -> Tensor:
        more = self.beside.to(x).expand(len(x), -1, -1, -1)
        padding: Any = self.own.padding
        return nn.functional.conv2d(
            torch.cat([x, more], dim=1), self.wide, self.own.bias, padding=padding
        )


def _layer(block: Any, name: str, layer: int, at: str) -> dict[str, str]:
    pairs = _inside(block.resnets[layer], f"{name}.resnets.{layer}", f"{at}.0")
    if _attends(block):
        pairs |= _inside(block.attentions[layer], f"{name}.attentions.{layer}", f"{at}.1")
    return pairs


def _inside(module: Any, name: str, at: str) -> dict[str, str]:
    """A residual block's or a transformer's modules with weights; a transformer's are called the
    same."""
    inner = [one for one, part in module.named_modules() if [*part.parameters(recurse=False)]]
    return {f"{name}.{one}": f"{at}.{_INNER.get(one, one)}" for one in inner}


def _attends(block: Any) -> bool:
    return getattr(block, "attentions", None) is not None


def _whole(name: str, parts: Mapping[tuple[str, int], Tensor], weight: Tensor | None) -> Tensor:
    """One weight's offset from its published parts."""
    if ("diff", 0) in parts:
        return parts["diff", 0]
    if ("lora", 0) not in parts or ("lora", 1) not in parts:
        raise TaueError(f"offset {name[:80]!r} is of no known kind; give LayerDiffuse's.")
    up, down, alpha = parts["lora", 0], parts["lora", 1], parts.get(("lora", 2))
    scale = 1.0 if alpha is None else float(alpha) / down.shape[0]
    product = scale * (up.flatten(1).float() @ down.flatten(1).float())
    if weight is None or weight.numel() != product.numel():
        return product
    return product.reshape(weight.shape)


def _checked(found: dict[str, Tensor], own: Mapping[str, Tensor]) -> Offsets:
    """TaueError unless every offset fits a weight; the first convolution's may be wider."""
    for name, offset in found.items():
        shape = None if name not in own else own[name].shape
        wider = name == "conv_in.weight" and shape is not None and offset.shape[0] == shape[0]
        if shape is None or (offset.shape != shape and not wider):
            raise TaueError(
                f"offset {name[:80]!r} does not fit this model; give LayerDiffuse's weights for "
                "SDXL, and an SDXL model."
            )
    return found
