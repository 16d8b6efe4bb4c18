"""The maker of a real run: a model that stays loaded, and a scene's layers as files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import diffusers
import transformers

from taue import devices, run
from taue.batch.figures import rated
from taue.batch.maker import Recipe
from taue.layers import Layers
from taue.memo import Memo
from taue.results.folder import fill_result
from taue.results.report import make_report
from taue.scene import Scene

if TYPE_CHECKING:
    from taue.pipeline import TauePipeline


@dataclass(frozen=True)
class MadeLayers:
    """See :class:`taue.batch.maker.Made`."""

    layers: Layers
    settings: dict[str, Any]
    keep: str
    seconds: float

    def write(self, folder: Path) -> dict[str, Any]:
        warnings, seconds = self.layers.warnings, {"generate": self.seconds}
        report = make_report(self.layers, self.settings, warnings, seconds)
        report = fill_result(self.layers, report, folder, self.keep)
        height, width = self.layers.made_scene.size
        return {
            "width": width,
            "height": height,
            "evaluations": sum(one.unet_evaluations for one in self.layers.records),
            **{name: report["settings"][name] for name in ("device", "dtype", "scheduler")},
            "versions": report["versions"],
            "told": list(warnings),
            "figures": rated(report),
        }


class ModelMaker:
    """See :class:`taue.batch.maker.Maker`: one model at a time, exchanged when scenes ask for
    another."""

    def __init__(self, recipe: Recipe, number: int) -> None:
        for library in (diffusers, transformers):
            library.utils.logging.disable_progress_bar()
        asked = recipe.machine
        self.machine = replace(asked, device=devices.own(asked.device, number))
        self.device, self.dtype = self.machine.chosen()
        devices.take_threads(self.device, recipe.threads)
        self.keep = recipe.keep
        self._memo = Memo()
        self._loaded: tuple[tuple[object, ...], TauePipeline] | None = None

    def make(self, scenes: Sequence[Scene]) -> list[MadeLayers | Exception]:
        pipe, started = self.pipe_of(scenes[0]), time.perf_counter()
        made = run.make_several(pipe, scenes, self._memo)
        seconds = (time.perf_counter() - started) / len(scenes)
        return [
            one if isinstance(one, Exception) else self._told(one, scene, seconds)
            for one, scene in zip(made, scenes, strict=True)
        ]

    def _told(self, layers: Layers, scene: Scene, seconds: float) -> MadeLayers:
        settings = {
            "model": scene.model,
            "seed": scene.seed,
            **self.machine.told(self.device, self.dtype),
        }
        return MadeLayers(layers, settings, self.keep, seconds)

    def pipe_of(self, scene: Scene) -> TauePipeline:
        """The scene's model, loaded."""
        wanted = (scene.model, scene.revision, scene.loras)
        if self._loaded is None or self._loaded[0] != wanted:
            self._loaded = None  # before the next one comes
            self._memo = Memo()
            saving = self.machine.saves_memory
            pipe = run.load(scene, self.device, self.dtype, saves_memory=saving)
            pipe.set_progress_bar_config(disable=True)
            self._loaded = wanted, pipe
        return self._loaded[1]
