"""Every word of the scenes: kinds, colours, backgrounds, held-out pairs and captions."""

from collections.abc import Sequence
from dataclasses import dataclass

RGB = tuple[int, int, int]

KINDS: tuple[str, ...] = (
    "ball", "cube", "apple", "tree", "house", "car", "mushroom", "fish", "star", "heart",
    "cup", "boat", "duck", "rocket", "umbrella", "bell", "crown", "chair", "lamp", "gift",
)  # fmt: skip

# Green is deep, so that it stays apart from a chroma-key green such as (64, 191, 64).
COLOURS: dict[str, RGB] = {
    "red": (214, 38, 36),
    "orange": (247, 130, 22),
    "yellow": (250, 214, 48),
    "green": (25, 115, 50),
    "blue": (38, 92, 215),
    "purple": (106, 42, 160),
    "pink": (250, 160, 192),
    "white": (240, 240, 236),
    "black": (42, 42, 48),
    "brown": (112, 70, 40),
}


@dataclass(frozen=True)
class Background:
    """How a background is spoken of and how it lights what stands in it.

    `ambient` is an RGB multiplier, each channel in 0..1.
    """

    preposition: str
    ambient: tuple[float, float, float]
    ground: bool = True


BACKGROUNDS: dict[str, Background] = {
    "a sunny beach": Background("on", (1.0, 0.98, 0.93)),
    "a beach at sunset": Background("on", (1.0, 0.84, 0.70)),
    "snowy mountains": Background("in", (0.93, 0.97, 1.0)),
    "a city at night": Background("in", (0.66, 0.68, 0.86)),
    "a green meadow": Background("in", (0.97, 1.0, 0.93)),
    "a desert": Background("in", (1.0, 0.95, 0.84)),
    "a dark forest": Background("in", (0.76, 0.86, 0.74)),
    "the ocean": Background("on", (0.90, 0.97, 1.0)),
    "a living room": Background("in", (1.0, 0.95, 0.87)),
    "outer space": Background("in", (0.80, 0.82, 0.95), ground=False),
    "a kitchen": Background("in", (0.98, 0.98, 0.96)),
    "an autumn park": Background("in", (1.0, 0.92, 0.80)),
}


def _held_out() -> frozenset[tuple[str, str]]:
    """One colour for each kind; 3 and 10 share no factor, so each colour comes up twice."""
    names = tuple(COLOURS)
    return frozenset((names[(3 * i + i // 10) % 10], kind) for i, kind in enumerate(KINDS))


HELD_OUT: frozenset[tuple[str, str]] = _held_out()


def is_held_out(colour: str, kind: str) -> bool:
    """Whether training must never see this kind in this colour."""
    return (colour, kind) in HELD_OUT


def object_caption(colour: str, kind: str) -> str:
    """The words of one object: "a red apple", "an orange fish"."""
    article = "an" if colour[0] in "aeiou" else "a"
    return f"{article} {colour} {kind}"


def join_objects(captions: Sequence[str]) -> str:
    """Several objects in one phrase: "a red apple, a blue car and a pink star"."""
    if len(captions) < 2:
        return "".join(captions)
    return f"{', '.join(captions[:-1])} and {captions[-1]}"


def whole_captions(captions: Sequence[str], background: str) -> list[str]:
    """Phrasings of objects and background together; the last one is comma joined."""
    things = join_objects(captions)
    return [
        f"{things} {BACKGROUNDS[background].preposition} {background}",
        f"{background} with {things}",
        f"{things}, {background}",
    ]


def _vocabulary() -> tuple[str, ...]:
    """All the words of all captions, sorted."""
    words = {*KINDS, *COLOURS, "a", "an", "and", "with"}
    for name, background in BACKGROUNDS.items():
        words.update(name.split(), [background.preposition])
    return tuple(sorted(words))


VOCABULARY: tuple[str, ...] = _vocabulary()
