"""Contact sheets: one picture of everything that a run made, or of several results.

In a run's, the top row holds the layers (every subject on a checkerboard, the background) and the
composite; below, one row per subject shows how it came about: raw foreground, mask, attention map.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from taue.finite import require_finite
from taue.layers import Layers
from taue.readable import LONGEST, readable

SMALLEST, LARGEST = 256, 512
"""Longer side of a tile in pixels: small canvases are enlarged, large ones reduced to these."""

GAP, LABEL, SQUARE = 12, 22, 16
PAPER, INK = (250, 250, 248), (40, 40, 44)
LIGHT, DARK = 255, 204

Tile = tuple[str, Image.Image]


def contact_sheet(layers: Layers) -> Image.Image:
    """Draw the sheet from layers that hold PIL images.

    Returns:
        An RGB picture, ``max(subjects + 2, 3)`` tiles wide and ``subjects + 1`` high.
    """
    size = _tile_size(layers.composite.size)
    rows: list[list[Tile]] = [[]]
    for layer in layers.subjects:
        rows[0].append((layer.subject.prompt, on_checkerboard(layer.image, size)))
    rows[0] += [
        ("background", _fit(layers.background, size)),
        ("composite", _fit(layers.composite, size)),
    ]
    made = zip(layers.foregrounds, layers.masks, layers.attention_maps, strict=True)
    for foreground, mask, attention in made:
        rows.append(
            [
                ("raw foreground", _fit(foreground, size)),
                ("mask", _cells(grey(_array(mask)), size)),
                ("attention", _cells(heat(_array(attention)), size)),
            ]
        )
    return _arrange(rows, size)


def choice_tile(label: str, composite: Image.Image) -> Tile:
    """A result as :func:`choice_sheet` shows it: a small copy, so that many can be kept."""
    return label, _fit(composite, _tile_size(composite.size))


def choice_sheet(tiles: Sequence[Tile]) -> Image.Image:
    """Draw results to choose from, in order, row by row in about a square; at least one."""
    columns = math.ceil(math.sqrt(len(tiles)))
    rows = [list(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    widths, heights = zip(*(tile.size for _, tile in tiles), strict=True)
    return _arrange(rows, (max(widths), max(heights)))


def on_checkerboard(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Lay an RGBA picture, resized, over light and dark squares."""
    width, height = size
    row, column = np.indices((height, width)) // SQUARE
    board = np.where((row + column) % 2 == 0, LIGHT, DARK).astype(np.uint8)
    under = Image.fromarray(board).convert("RGBA")
    # Pillow premultiplies before it resizes RGBA, so hidden colours do not bleed in.
    return Image.alpha_composite(under, image.resize(size, _filter(image, size))).convert("RGB")


def grey(values: NDArray[np.floating]) -> Image.Image:
    """[h, w] in [0, 1] from black to white."""
    return Image.fromarray(_bytes(values)).convert("RGB")


def heat(values: NDArray[np.floating]) -> Image.Image:
    """[h, w] in [0, 1] from black over red and yellow to white, brighter throughout."""
    channels = [np.clip(3 * values - start, 0, 1) for start in range(3)]
    return Image.fromarray(_bytes(np.stack(channels, axis=-1)))


def _arrange(rows: list[list[Tile]], size: tuple[int, int]) -> Image.Image:
    across, down = size[0] + GAP, size[1] + LABEL + GAP
    columns = max(len(row) for row in rows)
    sheet = Image.new("RGB", (columns * across + GAP, len(rows) * down + GAP), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for i, row in enumerate(rows):
        for j, (label, tile) in enumerate(row):
            x, y = GAP + j * across, GAP + i * down
            pen.text((x, y), _shorten(label, size[0], font), fill=INK, font=font)
            sheet.paste(tile, (x, y + LABEL))
    return sheet


def _shorten(label: str, width: int, font: Any) -> str:
    label = readable(label, LONGEST)
    if font.getlength(label) <= width:
        return label
    fitting = bisect.bisect_right(
        range(len(label)), width, key=lambda length: font.getlength(label[:length] + "...")
    )
    return label[: max(0, fitting - 1)] + "..."


def _tile_size(canvas: tuple[int, int]) -> tuple[int, int]:
    factor = min(max(*canvas, SMALLEST), LARGEST) / max(canvas)
    return max(1, round(canvas[0] * factor)), max(1, round(canvas[1] * factor))


def _fit(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image.convert("RGB").resize(size, _filter(image, size))


def _cells(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Latent cells as what they are: squares."""
    return image.resize(size, Image.Resampling.NEAREST)


def _filter(image: Image.Image, size: tuple[int, int]) -> Image.Resampling:
    enlarged = size[0] > image.width
    return Image.Resampling.BICUBIC if enlarged else Image.Resampling.LANCZOS


def _array(values: Any) -> NDArray[np.floating]:
    """A tensor or array [h, w] as a float array."""
    values = values.detach().float().cpu().numpy() if hasattr(values, "detach") else values
    numbers = np.asarray(values, dtype=np.float32)
    require_finite(numbers, "a mask or an attention map")
    return numbers


def _bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
