"""A model that sleeps, in the worker code of real runs: for faults, and for what engines cost."""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from taue.batch.maker import Recipe
from taue.disk.png import png_bytes
from taue.scene import Scene

MAKER = "benchmarks.sleeping:SleepingMaker"

SIDE = 64


@dataclass(frozen=True)
class Slept:
    """Two pictures whose pixels follow from the seed."""

    scene: Scene
    psnr: float = 30.0
    side: int = SIDE

    def write(self, folder: Path) -> dict[str, Any]:
        rng = np.random.default_rng(self.scene.seed)
        (folder / "layers").mkdir()
        names = {"composite.png": 3, "background.png": 3}
        names |= {"layers/0-background.png": 4, "layers/1-subject-1.png": 4}
        for name, channels in names.items():
            pixels = rng.integers(0, 256, (self.side, self.side, channels), np.uint8)
            (folder / name).write_bytes(png_bytes(Image.fromarray(pixels)))
        (folder / "report.json").write_text(json.dumps({"seed": self.scene.seed}))
        return {"width": self.side, "height": self.side, "figures": {"psnr_background": self.psnr}}


class SleepingMaker:
    """Sleeps as long as ``options`` say.

    ``seconds`` for each scene, ``load`` before the first; ``log``: a file that the seed of every
    scene that was begun is added to; ``fatal``, ``failing``: seeds that kill, or fail;
    ``poor``: seeds whose pictures are; ``side`` of pictures.
    """

    def __init__(self, recipe: Recipe, number: int) -> None:
        self.options = recipe.options
        _sleep(self.options.get("load", 0.0))

    def make(self, scenes: Sequence[Scene]) -> list[Slept]:
        for scene in scenes:
            if log := self.options.get("log"):
                with Path(log).open("a") as stream:
                    stream.write(f"{scene.seed}\n")
            if scene.seed in self.options.get("fatal", ()):
                os.kill(os.getpid(), signal.SIGKILL)
            if scene.seed in self.options.get("failing", ()):
                raise RuntimeError(f"seed {scene.seed} is one that fails")
            _sleep(self.options.get("seconds", 0.0))
        poor = self.options.get("poor", ())
        side = self.options.get("side", SIDE)
        return [Slept(scene, 10.0 if scene.seed in poor else 30.0, side) for scene in scenes]


def _sleep(seconds: float) -> None:
    """Without ``time.sleep``, which libfaketime makes fail."""
    if seconds:
        select.select([], [], [], seconds)
