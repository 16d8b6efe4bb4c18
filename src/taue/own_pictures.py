"""Users' own pictures brought onto the canvas: what fills it, and what stands on it."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageOps

from taue.box import Box
from taue.painted_key import best_key, key_rgb
from taue.placing import HALF
from taue.stack.mixing import Floats
from taue.straight import continued

Size = tuple[int, int]
"""Height and width in pixels."""


def covering(picture: Image.Image, size: Size) -> Image.Image:
    """A picture RGB scaled, never stretched, until it covers the canvas, and cropped in its middle;
    one of the canvas's own size as it is."""
    height, width = size
    if picture.size == (width, height):
        return picture
    return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)


def standing(cut_out: Image.Image, box: Box, size: Size) -> Floats:
    """A cut-out RGBA on the canvas, [H, W, 4] in [0, 1] of 8 bits: as large as a box holds its
    object without stretching, on the middle of the box's foot.

    One that has the right size already keeps its pixels; what leaves the canvas is cut off.
    """
    height, width = size
    alpha = np.asarray(cut_out)[..., 3]
    left, top, right, bottom = _extent(alpha)
    room = box.width * width, box.height * height
    scale = min(room[0] / (right - left), room[1] / (bottom - top))
    if abs(scale - 1) * max(right - left, bottom - top) < HALF:
        scale = 1.0
    across = (box.x + box.width / 2) * width - scale * (left + right) / 2
    down = (box.y + box.height) * height - scale * bottom
    return on_canvas(_pasted(cut_out, scale, round(across), round(down), size))


def on_canvas(cut_out: Image.Image) -> Floats:
    """A cut-out of the canvas's size as a layer, [H, W, 4] in [0, 1] of 8 bits."""
    pixels = np.asarray(cut_out)
    colours = continued(pixels[..., :3], pixels[..., 3])
    return (np.dstack([colours, pixels[..., 3]]) / np.float32(255)).astype(np.float32)


def on_key(layer: Floats) -> Floats:
    """A layer [H, W, 4] on the key colour that is farthest from its own [H, W, 3]."""
    colours, alpha = layer[..., :3], layer[..., 3:]
    key = np.array(key_rgb(best_key(colours, alpha[..., 0] > HALF)), np.float32)
    return np.asarray(colours * alpha + key * (1 - alpha), np.float32)


def _extent(alpha: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is rather there than not; of a faint one, of all."""
    solid = alpha > HALF * 255
    if not solid.any():
        solid = alpha > 0
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _pasted(cut_out: Image.Image, scale: float, across: int, down: int, size: Size) -> Image.Image:
    """The cut-out scaled, its corner at (across, down) of an empty canvas. Only what is seen of it
    is scaled: enlarged whole it may be of any size."""
    height, width = size
    canvas = Image.new("RGBA", (width, height))
    wide, high = (max(1, round(scale * side)) for side in cut_out.size)
    left, top = max(0, across), max(0, down)
    right, bottom = min(width, across + wide), min(height, down + high)
    if right <= left or bottom <= top:
        return canvas
    seen = [(left - across) / wide, (top - down) / high]
    seen += [(right - across) / wide, (bottom - down) / high]
    x0, y0, x1, y1 = (share * cut_out.size[i % 2] for i, share in enumerate(seen))
    if scale == 1:
        piece = cut_out.crop((round(x0), round(y0), round(x1), round(y1)))
    else:
        piece = cut_out.resize((right - left, bottom - top), _filter(scale), (x0, y0, x1, y1))
    canvas.paste(piece, (left, top))
    return canvas


def _filter(scale: float) -> Image.Resampling:
    shrinks = math.ceil(1 / scale) > 1
    return Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
