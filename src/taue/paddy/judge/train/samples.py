"""Pictures to learn from: everything that a judge may be shown, with the truth beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from taue.box import Box
from taue.paddy.judge.train.grounds import flat_ground, plate, smeared
from taue.paddy.judge.train.warp import warp
from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS, SceneSpec, render, sample_spec

MOST = 4
"""Objects in a picture at most."""

LEAST_SEEN = 0.45
"""An object that the canvas or another object leaves less of is neither asked for nor punished."""

SCENES, PASTED, PLATES, PLAIN = 0.42, 0.23, 0.13, 0.09
"""Shares of rendered scenes, of objects laid on a plate without the renderer's light and shadow,
of plates alone, and of objects on a plain ground; the rest stands on a key colour."""

TWICE = 0.18
"""So many scenes of several objects show one of them twice."""

FINE = 0.3
"""So many pictures are drawn at 256 pixels, the others at 128."""

FULLEST = 1.5
"""Most saturation of an object, as a factor."""

IGNORED = -2
"""Stands for the kind of an object that is hardly there; -1 is no object at all."""


@dataclass(frozen=True)
class Sample:
    """One picture and its truth.

    ``picture`` uint8 [S, S, 3]; ``mask`` float32 [S, S], the share of each pixel that belongs to
    objects; ``names`` int [4, 2], kind and colour; ``boxes`` float32 [4, 4], left, top, right and
    bottom as fractions; ``background`` an index into ``network.GROUNDS``.
    """

    picture: NDArray[np.uint8]
    mask: NDArray[np.float32]
    names: NDArray[np.int64]
    boxes: NDArray[np.float32]
    background: int


@dataclass(frozen=True)
class _Thing:
    """An object on the whole canvas [S, S, 4] and how large it was before anything cut it."""

    rgba: NDArray[np.uint8]
    area: float


def draw_sample(seed: int, index: int) -> Sample:
    """Training picture number ``index``, always the same for the same seed."""
    rng = np.random.default_rng((seed, index))
    side = 256 if rng.random() < FINE else 128
    lot = rng.random()
    spec = replace(_spec(rng), seed=int(rng.integers(2**31)))
    if lot < SCENES:
        return _scene(spec, side, rng)
    if lot < SCENES + PASTED:
        ground, behind = plate(spec, side, rng), tuple(BACKGROUNDS).index(str(spec.background))
    elif lot < SCENES + PASTED + PLATES:
        ground, behind = plate(spec, side, rng), tuple(BACKGROUNDS).index(str(spec.background))
        return _laid([], smeared(ground, rng), spec, behind)
    else:
        keyed = lot >= SCENES + PASTED + PLATES + PLAIN
        ground, behind = flat_ground(side, keyed, spec, rng), len(BACKGROUNDS)
    lights = [(1.0, 1.0, 1.0), *(b.ambient for b in BACKGROUNDS.values())]
    light = lights[int(rng.integers(len(lights)))] if behind < len(BACKGROUNDS) else lights[0]
    things = [
        _bent(_painted(thing.rgba, light, rng), thing.box, rng)
        for thing in render(spec, side).objects
    ]
    return _laid(things, ground, spec, behind)


def _spec(rng: np.random.Generator) -> SceneSpec:
    """A scene in which every kind comes in every colour, and sometimes one object twice."""
    spec = sample_spec(rng)
    names = tuple(COLOURS)
    things = [replace(o, colour=names[int(rng.integers(len(names)))]) for o in spec.objects]
    if len(things) > 1 and rng.random() < TWICE:
        first, last = things[0], things[-1]
        height = min(first.box.height, 1 - last.box.y)
        width = min(first.box.width, 1 - last.box.x)
        fit = min(height / first.box.height, width / first.box.width)
        box = Box(last.box.x, last.box.y, first.box.width * fit, first.box.height * fit)
        things[-1] = replace(first, box=box)
    return replace(spec, objects=tuple(things))


def _scene(spec: SceneSpec, side: int, rng: np.random.Generator) -> Sample:
    """As the renderer draws it, or with its objects bent and moved (then their shadow is wrong)."""
    scene = render(spec, side)
    behind = tuple(BACKGROUNDS).index(str(spec.background))
    ground = scene.plate * (1 - scene.shadow[..., None])
    if rng.random() < 0.5:
        things = [_bent(thing.lit, thing.box, rng) for thing in scene.objects]
    else:
        things = [_Thing(thing.lit, _area(thing.lit)) for thing in scene.objects]
    return _laid(things, ground, spec, behind)


def _painted(
    rgba: NDArray[np.uint8], light: tuple[float, float, float], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The object in a light, and a little off its colour, rather fuller than paler."""
    rgb = rgba[..., :3] * np.array(light)
    grey = rgb.mean(axis=-1, keepdims=True)
    rgb = grey + (rgb - grey) * rng.uniform(0.9, FULLEST) + rng.normal(0, 5, 3)
    off = np.clip(rgb + 0.5, 0, 255).astype(np.uint8)
    return np.concatenate([off, rgba[..., 3:]], axis=-1)


def _bent(rgba: NDArray[np.uint8], box: Box, rng: np.random.Generator) -> _Thing:
    """One object [S, S, 4] stretched about its middle, and now and then moved over the edge."""
    shift = 0.3 if rng.random() < 0.35 else 0.08
    picture = Image.fromarray(rgba)
    wobble = rng.uniform(0, 0.02)
    bent = warp(
        picture, rng, scale=(0.8, 1.2), turn=12, shift=shift, wobble=wobble, centre=box.centre
    )
    return _Thing(np.asarray(bent), _area(rgba))


def _laid(
    things: list[_Thing], ground: NDArray[np.float32], spec: SceneSpec, behind: int
) -> Sample:
    """Lay objects [S, S, 4] over the ground in order, and write down what is left to be seen."""
    side = ground.shape[0]
    picture = np.array(ground, np.float32)
    alphas = [thing.rgba[..., 3].astype(np.float32) / 255 for thing in things]
    covered = np.zeros((side, side), np.float32)
    names, boxes = np.full((MOST, 2), -1, np.int64), np.zeros((MOST, 4), np.float32)
    for thing, alpha in zip(things, alphas, strict=True):
        picture += (thing.rgba[..., :3] - picture) * alpha[..., None]
    for i in reversed(range(len(things))):
        seen = alphas[i] * (1 - covered)
        covered += seen
        solid = seen > 0.5
        if solid.sum() < 9:
            continue
        rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
        boxes[i] = np.array((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)) / side
        enough = float(seen.sum()) > LEAST_SEEN * things[i].area
        thing = spec.objects[i]
        if enough:
            names[i] = KINDS.index(thing.kind), tuple(COLOURS).index(thing.colour)
        else:
            names[i] = IGNORED
    pixels = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
    return Sample(pixels, covered, names, boxes, behind)


def _area(rgba: NDArray[np.uint8]) -> float:
    """Pixels of an object [S, S, 4], those at its edge by their share."""
    return float(rgba[..., 3].sum()) / 255
