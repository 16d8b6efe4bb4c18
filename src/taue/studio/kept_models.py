"""Models in memory: the last ones used, loaded once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from taue import run
from taue.devices import Machine
from taue.scene import Scene

if TYPE_CHECKING:
    from taue.pipeline import TauePipeline

ModelKey = tuple[str, tuple[tuple[str, float], ...]]


class KeptModels:
    """Pipelines by model and LoRAs.

    Args:
        machine: what they run on.
        most: models that are kept at a time.
    """

    def __init__(self, machine: Machine, most: int = 2) -> None:
        self.machine = machine
        self.device, self.dtype = machine.chosen()
        self.most = most
        self._pipes: OrderedDict[ModelKey, TauePipeline] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def told(self) -> dict[str, str]:
        """What they run on, as reports say it."""
        return self.machine.told(self.device, self.dtype)

    def names(self) -> list[str]:
        """The models that are in memory."""
        return [model for model, _ in list(self._pipes)]

    def of(self, scene: Scene) -> TauePipeline:
        """The scene's model.

        Raises:
            TaueError: if it is not to be had.
        """
        key = scene.model, tuple((one.name, one.weight) for one in scene.loras)
        with self._lock:
            if key not in self._pipes:
                while len(self._pipes) >= self.most:
                    self._pipes.popitem(last=False)
                saving = self.machine.saves_memory
                pipe = run.load(scene, self.device, self.dtype, saves_memory=saving)
                pipe.set_progress_bar_config(disable=True)
                self._pipes[key] = pipe
            self._pipes.move_to_end(key)
            return self._pipes[key]
