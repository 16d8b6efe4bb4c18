"""What a method can do, each answer by a measurement: of every pair whether it did, in the judge's
eyes, and a tick where it did in most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from taue.arrays import Bytes
from taue.evaluation import figures
from taue.evaluation.dataset import Pair
from taue.evaluation.items import Item
from taue.evaluation.pictures import over_grey
from taue.evaluation.score import recomposition_error
from taue.paddy.judge import Judge
from taue.paddy.judge.findings import parse_background, parse_object
from taue.paddy.judge.regions import iou
from taue.paddy.judge.sighting import SeenObject, Sighting
from taue.paddy.judge.verdict import residue

MOST = 0.8
"""The share of pairs from which on a method is said to be able to."""

ADDS_UP = 2.0
"""1/255 that layers laid over each other may differ from what they should show."""

CUT, LEFT_BEHIND, IN_BOX = 0.7, 0.05, 0.5
"""The least IoU of a cut-out with what is seen in it; the most of the mask on which something is
seen in the background; the least IoU of the object's box with the one asked for."""

KEPT, ALIKE = 0.9, 30.0
"""The least IoU of two masks and PSNR (dB) of what is inside both for one subject kept."""

CHANGED = "the model's weights were changed"
"""The warning of an item after which the model was another."""


@dataclass(frozen=True)
class Drawn:
    """One pair by one method: with its box on the left and on the right, with another background,
    and beside a second subject (None where a method takes one alone)."""

    pair: Pair
    elsewhere_pair: Pair
    second: str
    left: Item
    right: Item
    elsewhere: Item
    two: Item | None
    right_pair: Pair


@dataclass(frozen=True)
class Capability:
    """One column: its title, how it is measured in words, and whether one pair passes."""

    title: str
    how: str
    passes: Callable[[Judge, Drawn], bool]


def measured(judge: Judge, drawn: Sequence[Drawn], weights: bool) -> dict[str, dict[str, int]]:
    """Of how many pairs each capability was seen; ``weights`` says that the method has trained
    weights of its own."""
    told: dict[str, dict[str, int]] = {}
    for key, one in CAPABILITIES.items():
        passed = sum(bool(one.passes(judge, pair)) for pair in drawn)
        own = key == "training_free" and weights
        told[key] = {"of": len(drawn), "yes": 0 if own else passed}
    return told


def ticked(told: Mapping[str, int]) -> bool:
    """Whether it was seen in most pairs."""
    return told["of"] > 0 and told["yes"] >= MOST * told["of"]


def has_foreground(judge: Judge, one: Drawn) -> bool:
    item = one.left
    if item.foreground is None or item.mask is None:
        return False
    return shows(judge, np.dstack([item.foreground, item.mask]), one.pair.foreground)


def has_background(judge: Judge, one: Drawn) -> bool:
    item = one.left
    if item.background is None or item.mask is None:
        return False
    return ground_alone(judge.look([item.background])[0], one.pair, item.mask)


def has_composite(judge: Judge, one: Drawn) -> bool:
    seen = judge.look([one.left.composite])[0]
    right = seen.background == parse_background(one.pair.background)
    return right and prompted_object(seen, one.pair.foreground) is not None


def adds_up(_: Judge, one: Drawn) -> bool:
    return bool(one.left.layers) and recomposition_error(one.left) <= ADDS_UP


def keeps_box(judge: Judge, one: Drawn) -> bool:
    for pair, item in ((one.pair, one.left), (one.right_pair, one.right)):
        thing = prompted_object(judge.look([item.composite])[0], pair.foreground)
        if thing is None or thing.box.iou(pair.area) < IN_BOX:
            return False
    return True


def replaces_background(judge: Judge, one: Drawn) -> bool:
    first, then = one.left, one.elsewhere
    if first.mask is None or then.mask is None or then.background is None:
        return False
    if first.foreground is None or then.foreground is None:
        return False
    both = (first.mask > 127) & (then.mask > 127)
    alike = figures.region_psnr(first.foreground, then.foreground, both)
    if (iou(first.mask > 127, then.mask > 127) or 0) < KEPT or alike is None or alike < ALIKE:
        return False
    return ground_alone(judge.look([then.background])[0], one.elsewhere_pair, then.mask)


def parts_subjects(judge: Judge, one: Drawn) -> bool:
    if one.two is None or one.two.subjects < 2:
        return False
    layers = one.two.layers[-2:]
    wishes = one.pair.foreground, one.second
    return all(shows(judge, layer, wish) for layer, wish in zip(layers, wishes, strict=True))


def trains_nothing(_: Judge, one: Drawn) -> bool:
    return CHANGED not in one.left.cost.warnings


def prompted_object(seen: Sighting, prompt: str) -> SeenObject | None:
    """The object of a prompt's colour and kind."""
    wish = parse_object(prompt)
    return next((one for one in seen.objects if (one.colour, one.kind) == wish), None)


def shows(judge: Judge, rgba: Bytes, prompt: str) -> bool:
    """Whether a cut-out [H, W, 4] over grey shows its object and nothing else."""
    on_grey = over_grey(rgba[..., :3], rgba[..., 3])
    thing = prompted_object(judge.look([on_grey])[0], prompt)
    return thing is not None and (iou(thing.mask, rgba[..., 3] > 127) or 0) >= CUT


def ground_alone(seen: Sighting, pair: Pair, mask: Bytes) -> bool:
    """Whether a background is the pair's, with nothing where the subject was."""
    right = seen.background == parse_background(pair.background)
    return right and residue(seen, mask > 127) <= LEFT_BEHIND


CAPABILITIES: Mapping[str, Capability] = {
    "foreground": Capability(
        "foreground RGBA",
        f"the cut-out over grey shows the asked object; IoU of its alpha and what is seen {CUT} or "
        "more",
        has_foreground,
    ),
    "background": Capability(
        "background",
        f"it is the asked one; objects are seen on {LEFT_BEHIND:.0%} of the mask at most",
        has_background,
    ),
    "composite": Capability(
        "composite", "it shows the asked object before the asked background", has_composite
    ),
    "adds_up": Capability(
        "layers add up",
        f"laid over each other they differ by {ADDS_UP:g}/255 at most from what they should show",
        adds_up,
    ),
    "layout": Capability(
        "layout",
        f"asked for on the left and on the right, the object's box has an IoU of {IN_BOX} or more "
        "with the one asked for, both times",
        keeps_box,
    ),
    "several": Capability(
        "several subjects", "of two, each layer shows its own", parts_subjects
    ),
    "replacement": Capability(
        "background replacement",
        f"with another background asked for the cut-out stays (IoU {KEPT}, {ALIKE:g} dB or more) "
        "and the background is the new one",
        replaces_background,
    ),
    "training_free": Capability(
        "training-free",
        "no weights but the model's, and those are the same afterwards",
        trains_nothing,
    ),
}  # fmt: skip
"""What the table has, by key."""
