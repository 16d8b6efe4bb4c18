"""From the three stages to a stack, exact or raw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taue.arrays import Bytes
from taue.errors import TaueError
from taue.readable import counted
from taue.stack.effects import least_effects, nearest_subject
from taue.stack.flatten import flatten
from taue.stack.mixing import Floats, least_change, shares
from taue.stack.model import Layer, Stack, label
from taue.stack.outgrown import CLEARLY, with_outgrown
from taue.straight import continued, from_nearest

MODES = ("exact", "raw")

SLIGHTEST = np.float32(1 / 255)
"""A share below this changes no pixel by a level, so no rounding can be made up for there."""


@dataclass(frozen=True)
class Pictures:
    """What a stack is made from, all of one size: uint8 [H, W, 3], subjects [H, W, 4].

    Attributes:
        names: what people call the subjects.
        effects: RGBA, one for each subject, if the composite was made from the layers.
        cuts: the foregrounds cut out, RGBA, if they are other pictures than ``subjects``.
        stems: what files call the subjects; their numbers if empty.

    Raises:
        TaueError: if there is no subject, or a picture has not the composite's size.
    """

    composite: Bytes
    background: Bytes
    subjects: tuple[Bytes, ...]
    names: tuple[str, ...]
    effects: tuple[Bytes, ...] = ()
    cuts: tuple[Bytes, ...] = ()
    stems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        size = self.composite.shape[:2]
        if not self.subjects:
            raise TaueError("subjects are missing; give at least one.")
        if len(self.names) != len(self.subjects):
            raise TaueError(
                f"names are {len(self.names)} for {counted(len(self.subjects), 'subject')}; "
                "give one for each."
            )
        wanted = [("composite", self.composite, 3), ("background", self.background, 3)]
        for kind in ("subject", "effects", "cut"):
            layers = getattr(self, kind if kind == "effects" else f"{kind}s")
            wanted += [(f"{kind} {i}", layer, 4) for i, layer in enumerate(layers, 1)]
            if layers and len(layers) != len(self.subjects):
                raise TaueError(
                    f"{kind} layers are {len(layers)} for "
                    f"{counted(len(self.subjects), 'subject')}; give one for each."
                )
        for name, picture, channels in wanted:
            if picture.shape != (*size, channels) or picture.dtype != np.uint8:
                raise TaueError(
                    f"{name} is {picture.dtype} {list(picture.shape)}; give uint8 "
                    f"{[*size, channels]}, as the composite's size is."
                )


def stack_of(pictures: Pictures, mode: str = "exact") -> Stack:
    """The stack in one of ``MODES``; TaueError if there is no such mode."""
    if mode not in MODES:
        raise TaueError(f"mode is {mode!r}; choose exact or raw.")
    if mode == "raw":
        return raw(pictures)
    return layered(pictures) if pictures.effects else exact(pictures)


def raw(pictures: Pictures) -> Stack:
    """The stages untouched: background and foregrounds. They need not add up to the composite."""
    layers = _stacked(pictures, [], pictures.cuts or pictures.subjects)
    return Stack("raw", layers, flatten(layers))


def layered(pictures: Pictures) -> Stack:
    """Layers from which the composite was made; it is what they show."""
    layers = _stacked(pictures, pictures.effects, pictures.subjects)
    return Stack("exact", layers, flatten(layers))


def exact(pictures: Pictures) -> Stack:
    """A free composite explained: layers whose source-over it is, at most one level of 255 off.

    Alphas grow by what the composite shows of a subject beyond them, and are never less. A subject
    takes its colours from the composite where it is seen, keeps its own where another hides it, and
    where it is transparent has the colour that the composite shows less what is beneath. What
    remains is the effects'.
    """
    alphas = with_outgrown(pictures.composite, pictures.background, pictures.subjects)
    subjects = [
        np.concatenate([subject[..., :3], alpha[..., None]], axis=-1)
        for subject, alpha in zip(pictures.subjects, alphas, strict=True)
    ]
    seen, clear = shares(alphas.astype(np.float32) / np.float32(255))
    composite = pictures.composite.astype(np.float32)

    # The ground is what the composite shows wherever no subject covers any of it.
    target = composite.copy()
    mixed = clear < 1
    weights = np.concatenate([clear[None, mixed], seen[:, mixed]])
    guesses = np.stack(
        [
            _relit(pictures.background, composite, ~mixed)[mixed],
            *(
                _relit(own[..., :3], composite, share >= CLEARLY)[mixed]
                for own, share in zip(pictures.subjects, seen, strict=True)
            ),
        ]
    )
    colours = least_change(guesses, weights, composite[mixed])
    target[mixed] = colours[0]
    effects = least_effects(target, pictures.background)
    effects[clear == 0] = 0

    # Subjects are rounded last, each making up for what was rounded before it.
    alpha = effects[mixed, 3:] / np.float32(255)
    ground = pictures.background[mixed] * (1 - alpha) + effects[mixed, :3] * alpha
    missing = weights[0, :, None] * (colours[0] - ground)
    for subject, ideal, share in zip(subjects, colours[1:], weights[1:, :, None], strict=True):
        extra = np.divide(missing, share, out=np.zeros_like(missing), where=share > SLIGHTEST)
        rounded = (ideal + extra).clip(0, 255).round()
        missing += share * (ideal - rounded)
        chosen = np.where(share > 0, rounded, subject[mixed, :3])
        subject[mixed, :3] = chosen.astype(np.uint8)
        subject[..., :3] = continued(subject[..., :3], subject[..., 3])

    owner = nearest_subject(list(alphas))
    parts = [np.where((owner == i)[..., None], effects, 0) for i in range(len(subjects))]
    layers = _stacked(pictures, parts, subjects)
    return Stack("exact", layers, pictures.composite)


def _relit(own: Bytes, composite: Floats, known: np.ndarray) -> Floats:
    """Own colours [H, W, 3] with the composite's change of them, continued from where it is known.

    Each pixel takes the change of the nearest known one; without any, own colours are all.
    """
    own_colours = own.astype(np.float32)
    if not known.any():
        return own_colours
    change = from_nearest(composite - own_colours, known)
    return (own_colours + change).clip(0, 255)


def _stacked(
    pictures: Pictures, effects: Sequence[Bytes], subjects: Sequence[Bytes]
) -> tuple[Layer, ...]:
    background = pictures.background
    opaque = np.full((*background.shape[:2], 1), 255, np.uint8)
    layers = [Layer("background", "background", None, np.concatenate([background, opaque], -1))]
    names = [label(name) for name in pictures.names]
    stems = pictures.stems or tuple(str(i) for i in range(1, len(names) + 1))
    called = list(enumerate(zip(names, stems, strict=True), 1))
    layers += [
        Layer(f"effects of {name}", "effects", i, pixels, stem)
        for (i, (name, stem)), pixels in zip(called, effects, strict=False)
    ]
    layers += [
        Layer(name, "subject", i, pixels, stem)
        for (i, (name, stem)), pixels in zip(called, subjects, strict=True)
    ]
    return tuple(layers)
