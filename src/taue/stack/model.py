"""What a stack is: named RGBA layers in order, and the picture that they stand for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from taue.arrays import Bytes

Bounds = tuple[int, int, int, int]

LONGEST_NAME = 100
"""Characters; PSD takes 255."""


def label(text: str) -> str:
    """A name that every format takes: printable characters on one line, not too long."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:LONGEST_NAME].strip() or "layer"


@dataclass(frozen=True)
class Layer:
    """One layer on the whole canvas.

    Attributes:
        name: for people, in any script.
        role: "background", "effects" or "subject".
        subject: the 1-based number of the subject that it belongs to, None for the background.
        pixels: uint8 [H, W, 4], straight alpha.
        stem: what files call the subject.
    """

    name: str
    role: str
    subject: int | None
    pixels: Bytes
    stem: str | None = None

    @property
    def bounds(self) -> Bounds:
        """Left, top, right, bottom of what is visible; one pixel in the corner if nothing is.

        Formats have no layers of no size.
        """
        visible = self.pixels[..., 3] > 0
        rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
        if not rows.size:
            return 0, 0, 1, 1
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    @property
    def cropped(self) -> Bytes:
        """The pixels within the bounds, uint8 [h, w, 4]."""
        left, top, right, bottom = self.bounds
        return self.pixels[top:bottom, left:right]


@dataclass(frozen=True)
class Stack:
    """Layers from the lowest to the highest, and ``merged`` uint8 [H, W, 3], what they show.

    The background comes first, then one effects layer per subject (not in mode "raw"), then the
    subjects, later ones nearer.
    """

    mode: str
    layers: tuple[Layer, ...]
    merged: Bytes

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.merged.shape[1], self.merged.shape[0]

    def of(self, role: str) -> tuple[Layer, ...]:
        """The layers of one role, in order."""
        return tuple(layer for layer in self.layers if layer.role == role)

    def groups(self) -> list[tuple[str | None, list[Layer]]]:
        """The same stack as editors show it: (group's name, its layers), from the lowest.

        The background stands alone (name None). Each subject has a group. Its effects are in it
        if no lower subject has a pixel in common with them, so that lifting them over that
        subject changes nothing; otherwise they stay beneath all subjects in a group "effects".
        """
        low: list[Layer] = []
        groups: list[tuple[str | None, list[Layer]]] = []
        effects = {layer.subject: layer for layer in self.of("effects")}
        beneath = np.zeros(self.merged.shape[:2], dtype=bool)
        for subject in self.of("subject"):
            members = [subject]
            own = effects.get(subject.subject)
            if own is not None and not (beneath & (own.pixels[..., 3] > 0)).any():
                members.insert(0, own)
            elif own is not None:
                low.append(own)
            groups.append((subject.name, members))
            beneath |= subject.pixels[..., 3] > 0
        background: list[tuple[str | None, list[Layer]]] = [(None, list(self.of("background")))]
        return background + ([("effects", low)] if low else []) + groups
