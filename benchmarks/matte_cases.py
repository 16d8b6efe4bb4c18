"""Pictures of objects on a painted key with known alpha and colour, and the mask in use.

The truth is the renderer's, or a hairy or thin shape drawn four times finer. The key has noise,
a slow gradient and a ripple near the object; half of the pictures went through the autoencoder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderTiny
from PIL import Image, ImageDraw
from scipy import ndimage
from torch import Tensor

from taue.equations import gaussian_blur
from taue.masks import find_object
from taue.paddy.scenes import ASPECT, COLOURS, KINDS
from taue.paddy.scenes.objects import draw_object
from taue.settings import Settings
from taue.stack.mixing import Floats

KEYS = {"green": (64, 191, 64), "magenta": (191, 64, 191), "blue": (64, 64, 191)}
GROUPS = {"plain": 200, "thin": 50, "transparent": 50}
OPACITY = 0.8
FINER = 4
CELL = 8


@dataclass(frozen=True)
class Case:
    """One picture [H, W, 3] with its true straight RGBA [H, W, 4] and the mask in use [h, w]."""

    name: str
    group: str
    decoded: bool
    picture: Floats
    truth: Floats
    key: Floats
    mask: Tensor


def recipe(number: int) -> tuple[str, str, str]:
    """Group, shape and colour of a case: every kind in every colour, then the two odd groups."""
    kinds, colours = list(KINDS), list(COLOURS)
    group = [name for name, count in GROUPS.items() for _ in range(count)][number]
    kind, colour = kinds[number % 20], colours[(number // 20 + number) % 10]
    if group == "thin":
        kind = list(SHAPES)[number // 2 % len(SHAPES)]  # every shape both drawn and decoded
    return group, kind, colour


def make_case(number: int, side: int, network: AutoencoderTiny) -> Case:
    """Case ``number`` of ``sum(GROUPS.values())``; the same number is the same picture."""
    rng = np.random.default_rng((20_262, number))
    group, kind, colour = recipe(number)
    truth = set_down(drawn(group, kind, colour, side, rng), side, rng)
    if group == "transparent":
        truth[..., 3] *= OPACITY
    key_name = key_for(colour, number)
    key = painted(key_name, truth[..., 3], rng)
    alpha = truth[..., 3:]
    picture = alpha * truth[..., :3] + (1 - alpha) * key
    decoded = number % 2 == 1
    if decoded:
        picture = decoded_again(picture, network)
    else:
        picture = picture + rng.normal(0, rng.uniform(1.5, 4) / 255, picture.shape)
    picture = np.clip(picture, 0, 1).astype(np.float32)
    mask = mask_in_use(picture, truth[..., 3], network)
    name = f"{number}: {colour} {kind} on {key_name}"
    return Case(name, group, decoded, picture, truth, key, mask)


def key_for(colour: str, number: int) -> str:
    """Green, magenta for green objects as in use, and every third time blue where that is far."""
    if number % 3 == 2 and colour not in ("blue", "purple", "black"):
        return "blue"
    return "magenta" if colour == "green" else "green"


def drawn(group: str, kind: str, colour: str, side: int, rng: np.random.Generator) -> Floats:
    """The object alone, RGBA [h, w, 4] in [0, 1]."""
    longest = rng.uniform(0.35, 0.7) * side
    if group == "thin":
        return SHAPES[kind](colour, round(longest), rng)
    aspect = ASPECT[kind]
    width, height = longest * min(1, aspect), longest * min(1, 1 / aspect)
    object_ = draw_object(kind, colour, round(width), round(height))
    return object_.astype(np.float32) / np.float32(255)


def set_down(thing: Floats, side: int, rng: np.random.Generator) -> Floats:
    """On the canvas, one time in eight cut off by its border; beyond, the mean colour goes on."""
    height, width = thing.shape[:2]
    mean = np.average(thing[..., :3].reshape(-1, 3), axis=0, weights=thing[..., 3].ravel() + 1e-6)
    canvas = np.zeros((2 * side, 2 * side, 4), np.float32)
    canvas[..., :3] = mean
    over = side // 10 if rng.random() < 1 / 8 else -side // 32
    low = side // 2 - over
    top = low + int(rng.integers(0, max(1, side - height + 2 * over)))
    left = low + int(rng.integers(0, max(1, side - width + 2 * over)))
    canvas[top : top + height, left : left + width] = thing
    return canvas[side // 2 : side // 2 + side, side // 2 : side // 2 + side].copy()


def painted(name: str, alpha: Floats, rng: np.random.Generator) -> Floats:
    """The key as a model paints it: dull, sloping, rippled near the object [H, W, 3]."""
    height, width = alpha.shape
    dull = rng.uniform(0.75, 1)
    base = 0.5 + dull * (np.array(KEYS[name]) / 255 - 0.5)
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    slope = np.stack([x, y, x * y, x * x], axis=-1) @ rng.normal(0, 4 / 255, (4, 3))
    away = np.asarray(ndimage.distance_transform_edt(alpha < 0.5))
    ripple = 4 / 255 * np.exp(-away / CELL) * np.cos(2 * np.pi * away / CELL)
    return (base + slope + ripple[..., None]).astype(np.float32)


@torch.no_grad()
def encoded(picture: Floats, network: AutoencoderTiny) -> Tensor:
    batch = torch.from_numpy(np.ascontiguousarray(picture, np.float32)).permute(2, 0, 1)[None]
    return network.encode(batch * 2 - 1).latents


@torch.no_grad()
def decoded_again(picture: Floats, network: AutoencoderTiny) -> Floats:
    out = network.decode(encoded(picture, network)).sample
    return (out[0].permute(1, 2, 0).numpy() / 2 + 0.5).astype(np.float32)


def mask_in_use(picture: Floats, alpha: Floats, network: AutoencoderTiny) -> Tensor:
    """What ``find_object`` makes of the picture's latents and the blurred true mask [h, w]."""
    latents = encoded(picture, network) * float(network.config["scaling_factor"])
    true = torch.from_numpy(np.ascontiguousarray(alpha))[None, None]
    cells = torch.nn.functional.adaptive_avg_pool2d(true, latents.shape[-2:])[0, 0]
    attention = gaussian_blur(cells, 1.0)
    return find_object(latents, attention / attention.max(), Settings()).mask


# Shapes that no cell of a latent grid can hold


def hairy(colour: str, side: int, rng: np.random.Generator) -> Floats:
    """A ball with hair of half a pixel to two pixels."""
    image, pen, tint = _sheet(colour, side)
    middle, big = side * FINER / 2, side * FINER
    pen.ellipse([middle - 0.27 * big, middle - 0.27 * big, middle + 0.27 * big,
                 middle + 0.27 * big], fill=tint)  # fmt: skip
    for _ in range(90):
        angle, bend = rng.uniform(0, 2 * np.pi), rng.normal(0, 0.3)
        reach, width = rng.uniform(0.33, 0.46) * big, rng.uniform(0.5, 2) * FINER
        radii = np.linspace(0.2 * big, reach, 9)
        turns = angle + bend * np.linspace(0, 1, 9) ** 2
        points = [(middle + r * np.cos(t), middle + r * np.sin(t)) for r, t in
                  zip(radii, turns, strict=True)]  # fmt: skip
        pen.line(points, fill=tint, width=max(1, round(width)), joint="curve")
    return _reduced(image)


def wheel(colour: str, side: int, rng: np.random.Generator) -> Floats:
    """A rim with thin spokes; the key shows between them."""
    image, pen, tint = _sheet(colour, side)
    middle, radius = side * FINER / 2, 0.46 * side * FINER
    pen.ellipse([middle - radius, middle - radius, middle + radius, middle + radius],
                outline=tint, width=round(0.05 * side * FINER))  # fmt: skip
    spokes = int(rng.integers(7, 14))
    for spoke in range(spokes):
        angle = 2 * np.pi * (spoke + rng.uniform(0, 0.2)) / spokes
        end = (middle + radius * np.cos(angle), middle + radius * np.sin(angle))
        pen.line([(middle, middle), end], fill=tint, width=round(rng.uniform(1, 3) * FINER))
    return _reduced(image)


def stick(colour: str, side: int, rng: np.random.Generator) -> Floats:
    """A head on a thin stem of another colour."""
    image, pen, tint = _sheet(colour, side)
    big = side * FINER
    pen.line([(0.5 * big, 0.3 * big), (rng.uniform(0.3, 0.7) * big, 0.97 * big)],
             fill=(104, 72, 44, 255), width=round(rng.uniform(1.5, 4) * FINER))  # fmt: skip
    pen.ellipse([0.25 * big, 0.03 * big, 0.75 * big, 0.53 * big], fill=tint)
    return _reduced(image)


def soft(colour: str, side: int, rng: np.random.Generator) -> Floats:
    """A blob out of focus."""
    thing = hairy(colour, side, rng)
    blur = rng.uniform(1.5, 3)
    thing[..., 3] = ndimage.gaussian_filter(np.pad(thing[..., 3], 8), blur)[8:-8, 8:-8]
    thing[..., :3] = np.array(COLOURS[colour], np.float32) / 255
    return thing


SHAPES: dict[str, Callable[[str, int, np.random.Generator], Floats]] = {
    "hairy ball": hairy,
    "wheel": wheel,
    "stick": stick,
    "soft ball": soft,
}


def _sheet(colour: str, side: int) -> tuple[Image.Image, ImageDraw.ImageDraw, tuple[int, ...]]:
    tint = (*COLOURS[colour], 255)
    image = Image.new("RGBA", (side * FINER, side * FINER), (*COLOURS[colour], 0))
    return image, ImageDraw.Draw(image), tint


def _reduced(image: Image.Image) -> Floats:
    """To the final size, colours averaged premultiplied."""
    fine = np.asarray(image, np.float32) / 255
    side = fine.shape[0] // FINER
    blocks = fine.reshape(side, FINER, side, FINER, 4)
    alpha = blocks[..., 3:]
    colour = (blocks[..., :3] * (alpha + 1e-4)).sum(axis=(1, 3)) / (alpha + 1e-4).sum(axis=(1, 3))
    return np.concatenate([colour, alpha.mean(axis=(1, 3))], axis=-1).astype(np.float32)
