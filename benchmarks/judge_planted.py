"""Results made from renders, right or with one known mistake: what the judge is tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from taue.arrays import Bytes
from taue.box import Box
from taue.paddy.judge.findings import Cutout, SubjectVerdict
from taue.paddy.judge.regions import key_colour
from taue.paddy.judge.verdict import OPAQUE
from taue.paddy.scenes import COLOURS, KINDS, ObjectSpec, SceneSpec, render

RIM = 0.04
"""How far a badly cut subject takes its key colour along, in sides of the picture."""

APART = 0.02
"""A second object shares less than this with the first (intersection over union)."""


@dataclass(frozen=True)
class DrawnResult:
    """A result of one subject: what it should show, its pictures uint8 [S, S, 3], the cut-out."""

    spec: SceneSpec
    composite: Bytes
    background: Bytes
    foreground: Bytes
    cutout: Cutout

    @property
    def thing(self) -> ObjectSpec:
        """The one object asked for."""
        return self.spec.objects[0]


def draw_result(spec: SceneSpec, side: int, key: NDArray[np.floating]) -> DrawnResult:
    """Everything right: the renderer's scene of one object, and the object on a key colour.

    Args:
        key: RGB in 0..255.
    """
    if len(spec.objects) != 1 or spec.background is None:
        raise ValueError("a result to try the judge on has one object before a background")
    scene = render(spec, side)
    rgba = scene.objects[0].rgba
    alpha = rgba[..., 3].astype(np.float32) / 255
    return DrawnResult(
        spec,
        scene.composite,
        scene.plate,
        _over(rgba[..., :3], alpha, np.broadcast_to(key, rgba[..., :3].shape)),
        Cutout(rgba[..., :3], alpha),
    )


def left_behind(right: DrawnResult, _rng: np.random.Generator) -> DrawnResult:
    """The object is still in the background."""
    return replace(right, background=right.composite)


def wrong_colour(right: DrawnResult, rng: np.random.Generator) -> DrawnResult:
    """The composite or the foreground has another colour."""
    return _renamed(right, rng, "colour", tuple(COLOURS))


def wrong_kind(right: DrawnResult, rng: np.random.Generator) -> DrawnResult:
    """The composite or the foreground shows another thing."""
    return _renamed(right, rng, "kind", KINDS)


def twice(right: DrawnResult, rng: np.random.Generator) -> DrawnResult:
    """The composite shows the object a second time elsewhere, somewhat smaller."""
    thing = right.thing
    size = 0.8
    while True:
        width, height = size * thing.box.width, size * thing.box.height
        box = Box(rng.uniform(0, 1 - width), rng.uniform(0, 1 - height), width, height)
        if box.iou(thing.box) < APART:
            break
        size = max(0.35, size - 0.01)
    both = replace(right.spec, objects=(thing, replace(thing, box=box)))
    return replace(right, composite=render(both, right.composite.shape[0]).composite)


def object_missing(right: DrawnResult, _rng: np.random.Generator) -> DrawnResult:
    """The composite shows the background alone."""
    return replace(right, composite=right.background)


def key_left(right: DrawnResult, rng: np.random.Generator) -> DrawnResult:
    """A rim of key colour came along, into the cut-out or into the composite."""
    alpha = right.cutout.alpha
    solid = alpha > OPAQUE
    reach = RIM * alpha.shape[0]
    distance = ndimage.distance_transform_edt(~solid)
    rim = (np.asarray(distance) <= reach).astype(np.float32)
    if rng.random() < 0.5:
        return replace(right, cutout=Cutout(right.foreground, np.maximum(alpha, rim)))
    key = key_colour(right.foreground, solid)
    ground = np.broadcast_to(key, right.composite.shape)
    fringed = _over(ground, rim * ~solid, right.composite)
    return replace(right, composite=fringed)


Plant = Callable[[DrawnResult, np.random.Generator], DrawnResult]

MISTAKES: dict[str, tuple[Plant, Callable[[SubjectVerdict], bool]]] = {
    "left in the background": (left_behind, lambda verdict: verdict.left_behind),
    "wrong colour": (
        wrong_colour,
        lambda verdict: not (verdict.foreground.colour and verdict.composite.colour),
    ),
    "wrong kind": (
        wrong_kind,
        lambda verdict: not (verdict.foreground.kind and verdict.composite.kind),
    ),
    "twice": (twice, lambda verdict: verdict.twice > 0),
    "missing": (object_missing, lambda verdict: verdict.missing),
    "key colour left in": (key_left, lambda verdict: verdict.key_left),
}
"""How each mistake is planted, and what in the verdict says that it was found."""


def _renamed(
    right: DrawnResult, rng: np.random.Generator, field: str, names: tuple[str, ...]
) -> DrawnResult:
    """Another name of the field, in the composite or in the foreground."""
    others = [name for name in names if name != getattr(right.thing, field)]
    thing = replace(right.thing, **{field: others[int(rng.integers(len(others)))]})
    side = right.composite.shape[0]
    key = key_colour(right.foreground, right.cutout.alpha > OPAQUE)
    other = draw_result(replace(right.spec, objects=(thing,)), side, key)
    if rng.random() < 0.5:
        return replace(right, composite=other.composite)
    return replace(right, foreground=other.foreground, cutout=other.cutout)


def _over(
    upper: NDArray[np.number], alpha: NDArray[np.floating], lower: NDArray[np.number]
) -> Bytes:
    """One picture laid over another, rounded once."""
    share = alpha[..., None].astype(np.float64)
    return (upper * share + lower * (1 - share) + 0.5).astype(np.uint8)
