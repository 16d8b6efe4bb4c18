"""Scenes: what is asked for, and its rendering with all the parts it is made of."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from taue.box import Box
from taue.paddy.scenes.backgrounds import draw_plate
from taue.paddy.scenes.objects import draw_object
from taue.paddy.scenes.words import (
    BACKGROUNDS,
    COLOURS,
    KINDS,
    RGB,
    join_objects,
    object_caption,
    whole_captions,
)

SideOrSize = int | tuple[int, int]
SMALLEST, LARGEST = 64, 1024
_SHADOW = 0.45


@dataclass(frozen=True)
class ObjectSpec:
    """One object: its words and where it is; the drawing fills the box."""

    kind: str
    colour: str
    box: Box

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind: {self.kind!r} is none of {', '.join(KINDS)}")
        if self.colour not in COLOURS:
            raise ValueError(f"colour: {self.colour!r} is none of {', '.join(COLOURS)}")

    @property
    def caption(self) -> str:
        """The object's words, such as "a red apple"."""
        return object_caption(self.colour, self.kind)


@dataclass(frozen=True)
class SceneSpec:
    """Objects, the farthest first, before a background or on a plain RGB colour (0..255)."""

    objects: tuple[ObjectSpec, ...]
    background: str | None
    plain: RGB | None
    seed: int

    def __post_init__(self) -> None:
        if (self.background is None) == (self.plain is None):
            raise ValueError("background, plain: exactly one of them must be given")
        if self.background is not None and self.background not in BACKGROUNDS:
            raise ValueError(f"background: {self.background!r} is none of {list(BACKGROUNDS)}")
        if self.plain is not None and (
            len(self.plain) != 3 or not all(0 <= channel <= 255 for channel in self.plain)
        ):
            raise ValueError(f"plain: {self.plain!r} must be three channels in 0..255")
        if self.seed < 0:
            raise ValueError(f"seed: {self.seed} must not be negative")

    @property
    def objects_caption(self) -> str:
        """The words of the objects only; empty without objects."""
        return join_objects([thing.caption for thing in self.objects])

    @property
    def captions(self) -> tuple[str, ...]:
        """Everything the scene may be called: the objects only, then the whole phrasings."""
        if not self.objects:
            return () if self.background is None else (self.background,)
        if self.background is None:
            return (self.objects_caption,)
        things = [thing.caption for thing in self.objects]
        return (self.objects_caption, *whole_captions(things, self.background))


@dataclass(frozen=True)
class RenderedObject:
    """One object on the whole canvas, straight alpha.

    `rgba` uint8 [H, W, 4] is in neutral light; `lit`, with the same alpha, in the scene's.
    """

    rgba: NDArray[np.uint8]
    lit: NDArray[np.uint8]
    box: Box
    caption: str


@dataclass(frozen=True)
class RenderedScene:
    """A rendered scene and its parts.

    `plate` uint8 [H, W, 3] is the clean background; `shadow` float32 [H, W] in 0..1 is how much
    the objects darken it. `composite` is plate * (1 - shadow) with each object's `lit` laid
    over it in order, rounded once.
    """

    plate: NDArray[np.uint8]
    objects: tuple[RenderedObject, ...]
    shadow: NDArray[np.float32]
    captions: tuple[str, ...]

    @cached_property
    def composite(self) -> NDArray[np.uint8]:
        """The finished picture, uint8 [H, W, 3]."""
        picture = self.plate * (1 - self.shadow[..., None])
        height, width = self.shadow.shape
        for thing in self.objects:
            left, top, right, bottom = thing.box.pixels(height, width)
            lit = thing.lit[top:bottom, left:right].astype(np.float32)
            alpha = lit[..., 3:] / np.float32(255)
            under = picture[top:bottom, left:right]
            under += (lit[..., :3] - under) * alpha
        return (picture + np.float32(0.5)).astype(np.uint8)


def sides(size: SideOrSize) -> tuple[int, int]:
    """Height and width of a size, which is one side of a square or (height, width)."""
    height, width = (size, size) if isinstance(size, int) else size
    if not (SMALLEST <= height <= LARGEST and SMALLEST <= width <= LARGEST):
        raise ValueError(f"size: {size} must lie within {SMALLEST}..{LARGEST} each way")
    return height, width


def render(spec: SceneSpec, size: SideOrSize = 128) -> RenderedScene:
    """Draw the scene; the same spec and size always give the same pixels."""
    height, width = sides(size)
    plate = _draw_behind(spec, height, width)
    shadow = np.zeros((height, width), np.float32)
    ambient = (1.0, 1.0, 1.0)
    if spec.background is not None:
        ambient = BACKGROUNDS[spec.background].ambient
        if BACKGROUNDS[spec.background].ground:
            for thing in spec.objects:
                _cast_shadow(shadow, thing.box)
    things = tuple(_render_object(thing, height, width, ambient) for thing in spec.objects)
    return RenderedScene(plate, things, shadow, spec.captions)


def _draw_behind(spec: SceneSpec, height: int, width: int) -> NDArray[np.uint8]:
    """The background or the plain colour, uint8 [height, width, 3]."""
    if spec.background is not None:
        return draw_plate(spec.background, height, width, np.random.default_rng(spec.seed))
    assert spec.plain is not None  # SceneSpec has seen to it.
    return np.full((height, width, 3), spec.plain, np.uint8)


def _render_object(
    spec: ObjectSpec, height: int, width: int, ambient: tuple[float, float, float]
) -> RenderedObject:
    """The object drawn into its box of a canvas that is clear elsewhere."""
    left, top, right, bottom = spec.box.pixels(height, width)
    drawn = draw_object(spec.kind, spec.colour, right - left, bottom - top)
    light = np.array((*ambient, 1.0), np.float32)
    lit = (drawn * light + np.float32(0.5)).astype(np.uint8)
    # The object's colour continues outside it, so that no fringe shows when resampled.
    around = np.array((*COLOURS[spec.colour], 0), np.uint8)
    whole = np.empty((height, width, 4), np.uint8)
    whole[:] = around
    whole_lit = np.empty((height, width, 4), np.uint8)
    whole_lit[:] = (around * light + np.float32(0.5)).astype(np.uint8)
    whole[top:bottom, left:right] = drawn
    whole_lit[top:bottom, left:right] = lit
    return RenderedObject(whole, whole_lit, spec.box, spec.caption)


def _cast_shadow(shadow: NDArray[np.float32], box: Box) -> None:
    """Lay the soft ellipse under an object's foot onto `shadow`, the darker one winning."""
    height, width = shadow.shape
    rx, ry = 0.62 * box.width * width, 0.17 * min(box.width * width, box.height * height)
    cx, cy = (box.x + 0.53 * box.width) * width, (box.y + box.height) * height - 0.25 * ry
    rows = slice(max(0, int(cy - ry)), min(height, int(cy + ry) + 1))
    columns = slice(max(0, int(cx - rx)), min(width, int(cx + rx) + 1))
    down = (np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5 - cy) / ry
    across = (np.arange(columns.start, columns.stop, dtype=np.float32) + 0.5 - cx) / rx
    inside = np.clip(1 - down[:, None] ** 2 - across[None, :] ** 2, 0, 1)
    # A smooth step: flat in the middle, soft at the rim.
    dark = _SHADOW * inside * inside * (3 - 2 * inside)
    region = shadow[rows, columns]
    np.maximum(region, dark.astype(np.float32), out=region)
