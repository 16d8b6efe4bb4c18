"""What several scenes of one model have in common, made once: encoded prompts, and subjects that
grow from the same noise."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import TypeVar

from taue.backbones import Encoded
from taue.context import StageResult

T = TypeVar("T")

PROMPTS, SUBJECTS = 128, 16
"""How many of the last ones are kept: at SDXL's size 0.6 MB a prompt, 1 MB a subject."""


class Memo:
    """Of one model, as long as its weights, LoRAs and attention stay what they are."""

    def __init__(self) -> None:
        self._prompts: OrderedDict[Hashable, Encoded] = OrderedDict()
        self._subjects: OrderedDict[Hashable, list[StageResult]] = OrderedDict()
        self._growing: set[Hashable] = set()

    def encoded(self, key: Hashable, encode: Callable[[], Encoded]) -> Encoded:
        """A prompt."""
        if key not in self._prompts:
            self._prompts[key] = encode()
        return _last(self._prompts, key, PROMPTS)

    def grown(
        self, key: Hashable, grow: Callable[[], list[StageResult]], wait: Callable[[], object]
    ) -> Sequence[StageResult]:
        """Subjects that grow as one batch; those that grew before cost nothing.

        Args:
            key: all that decides them.
            grow: makes them.
            wait: called until they are there, while another scene makes them (see
                :mod:`taue.in_step`).
        """
        while key in self._growing:
            wait()
        if key in self._subjects:
            known = _last(self._subjects, key, SUBJECTS)
            return [replace(one, evaluations=0) for one in known]
        self._growing.add(key)
        try:
            made = grow()
        finally:
            self._growing.remove(key)
        if not any(one.interrupted for one in made):
            self._subjects[key] = made
            _last(self._subjects, key, SUBJECTS)
        return made


def _last(held: OrderedDict[Hashable, T], key: Hashable, most: int) -> T:
    """What is held by a key, which is the last to be forgotten now."""
    held.move_to_end(key)
    while len(held) > most:
        held.popitem(last=False)
    return held[key]
