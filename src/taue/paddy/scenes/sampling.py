"""Random scenes, and the mix of pictures and captions that training sees."""

import numpy as np

from taue.box import Box
from taue.paddy.scenes.objects import ASPECT
from taue.paddy.scenes.scene import ObjectSpec, SceneSpec
from taue.paddy.scenes.words import BACKGROUNDS, COLOURS, KINDS, RGB, is_held_out, whole_captions

# Shares of one, two and three objects in a scene.
OBJECT_SHARES = (0.75, 0.17, 0.08)
# Shares of full scenes and of plates alone; the rest is objects on plain colours.
SCENE_SHARE, PLATE_SHARE = 0.56, 0.19
PLAIN_SHARE = 1 - SCENE_SHARE - PLATE_SHARE
# So many full scenes are called by their objects only: at least as many as on plain colours,
# lest a caption without a background come to mean "on a plain colour".
OBJECTS_ONLY_SHARE = 0.46
COMMA_SHARE = 0.25
# The longer side of an object's box, alone and in company.
_ALONE, _IN_COMPANY = (0.32, 0.66), (0.25, 0.42)
# Where an object's foot may be when it stands on the ground.
_FOOT = (0.66, 0.97)
_OVERLAP = 0.15


def sample_spec(
    rng: np.random.Generator,
    *,
    held_out: bool = False,
    objects: int | None = None,
    aspect: float = 1.0,
) -> SceneSpec:
    """A random scene before a background, with 1 to 3 objects, or as many as asked (1..3).

    No held-out pair occurs, or with `held_out` nothing but those. `aspect` is the width over
    height of the canvas to come, so that objects keep their shape on it.
    """
    background = tuple(BACKGROUNDS)[int(rng.integers(len(BACKGROUNDS)))]
    return _with_objects(rng, background, None, held_out, objects, aspect)


def sample_training(rng: np.random.Generator, *, aspect: float = 1.0) -> tuple[SceneSpec, str]:
    """One picture of the training mix with its caption."""
    lot = rng.random()
    if lot < PLATE_SHARE:
        background = tuple(BACKGROUNDS)[int(rng.integers(len(BACKGROUNDS)))]
        return SceneSpec((), background, None, _seed(rng)), background
    if lot < PLATE_SHARE + PLAIN_SHARE:
        r, g, b = (int(channel) for channel in rng.integers(0, 256, 3))
        spec = _with_objects(rng, None, (r, g, b), False, None, aspect)
        return spec, spec.objects_caption
    spec = sample_spec(rng, aspect=aspect)
    return spec, _scene_caption(rng, spec)


def _scene_caption(rng: np.random.Generator, spec: SceneSpec) -> str:
    """The objects only, or one of the whole phrasings."""
    if spec.background is None or rng.random() < OBJECTS_ONLY_SHARE:
        return spec.objects_caption
    *phrased, comma = whole_captions([o.caption for o in spec.objects], spec.background)
    if rng.random() < COMMA_SHARE:
        return comma
    return phrased[int(rng.integers(len(phrased)))]


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _with_objects(
    rng: np.random.Generator,
    background: str | None,
    plain: RGB | None,
    held_out: bool,
    objects: int | None,
    aspect: float,
) -> SceneSpec:
    """Choose pairs and places for the objects of a scene."""
    if objects is not None and not 1 <= objects <= 3:
        raise ValueError(f"objects: {objects} must lie within 1..3")
    if not aspect > 0:
        raise ValueError(f"aspect: {aspect} must be positive")
    count = objects or 1 + int(np.searchsorted(np.cumsum(OBJECT_SHARES)[:-1], rng.random()))
    pairs = _sample_pairs(rng, count, held_out)
    ground = background is not None and BACKGROUNDS[background].ground
    boxes = _sample_boxes(rng, [kind for _, kind in pairs], ground, aspect)
    things = [
        ObjectSpec(kind, colour, box) for (colour, kind), box in zip(pairs, boxes, strict=True)
    ]
    # What stands lower in the picture is nearer, so it is laid over the rest.
    things.sort(key=lambda thing: thing.box.y + thing.box.height)
    return SceneSpec(tuple(things), background, plain, _seed(rng))


def _sample_pairs(rng: np.random.Generator, count: int, held_out: bool) -> list[tuple[str, str]]:
    """Colour-kind pairs, no colour and no kind twice, all or none of them held out."""
    names = tuple(COLOURS)
    while True:
        kinds = [KINDS[i] for i in rng.choice(len(KINDS), count, replace=False)]
        if held_out:
            colours = [next(c for c in names if is_held_out(c, kind)) for kind in kinds]
            if len(set(colours)) == count:
                return list(zip(colours, kinds, strict=True))
        else:
            colours = [names[i] for i in rng.choice(len(names), count, replace=False)]
            pairs = list(zip(colours, kinds, strict=True))
            if not any(is_held_out(colour, kind) for colour, kind in pairs):
                return pairs


def _sample_boxes(
    rng: np.random.Generator, kinds: list[str], ground: bool, aspect: float
) -> list[Box]:
    """A box for each kind, with little overlap."""
    while True:
        boxes = [_sample_box(rng, kind, len(kinds) == 1, ground, aspect) for kind in kinds]
        if all(_overlap(a, b) <= _OVERLAP for i, a in enumerate(boxes) for b in boxes[:i]):
            return boxes


def _sample_box(
    rng: np.random.Generator, kind: str, alone: bool, ground: bool, aspect: float
) -> Box:
    """One box in the kind's shape, anywhere inside, on the ground where there is one."""
    longer = rng.uniform(*(_ALONE if alone else _IN_COMPANY))
    shape = ASPECT[kind] / aspect
    width, height = (longer, longer / shape) if shape > 1 else (longer * shape, longer)
    foot = rng.uniform(*_FOOT) if ground else rng.uniform(height, 1.0)
    return Box(float(rng.uniform(0, 1 - width)), float(max(0.0, foot - height)), width, height)


def _overlap(one: Box, other: Box) -> float:
    """The shared area over the smaller box's area, 0..1."""
    return one.shared(other) / min(one.width * one.height, other.width * other.height)
