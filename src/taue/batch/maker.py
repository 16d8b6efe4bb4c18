"""What makes scenes for a worker: a protocol, and how a worker finds the one that it is told."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from taue.devices import Machine
from taue.scene import Scene


class Made(Protocol):
    """One scene's result, still in memory."""

    def write(self, folder: Path) -> dict[str, Any]:
        """Fill a folder; what the index has of it."""
        ...


class Maker(Protocol):
    """Keeps a model loaded and makes scenes with it."""

    def make(self, scenes: Sequence[Scene]) -> Sequence[Made | Exception]:
        """Scenes of one batch, in their order; the error of one that failed and spoilt no other.

        Raises:
            LittleMemoryError: if they are too many at once, or one too large.
            Exception: whatever else goes wrong.
        """
        ...


@dataclass(frozen=True)
class Recipe:
    """What every worker of a run is told; it can be sent to other processes and machines.

    Attributes:
        maker: "module:name" of what is called with the recipe and the worker's number.
        machine: what they run on.
        keep: which files of a result are kept, see :mod:`taue.batch.making`.
        together: scenes that grow as one batch at most; 0 where the engine is to say.
        attempts: how often a scene is tried.
        threads: of each worker, on a CPU; 0 for the library's choice.
        options: of the maker.
    """

    maker: str = "taue.batch.making:ModelMaker"
    machine: Machine = field(default_factory=Machine)
    keep: str = "layers"
    together: int = 1
    attempts: int = 3
    threads: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    def new_maker(self, number: int) -> Maker:
        """The maker of the ``number``-th worker of a machine, from 0."""
        module, _, name = self.maker.partition(":")
        return getattr(importlib.import_module(module), name)(self, number)
