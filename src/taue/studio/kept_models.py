"""Models in memory: the last ones used, loaded once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from taue import devices, run
from taue.scene import Scene

if TYPE_CHECKING:
    from taue.pipeline import TauePipeline

ModelKey = tuple[str, tuple[tuple[str, float], ...]]


class KeptModels:
    """Pipelines by model and LoRAs.

    Args:
        device, dtype: names, as of :func:`taue.devices.choose`.
        most: models that are kept at a time.
    """

    def __init__(self, device: str, dtype: str, most: int = 2) -> None:
        self.device, self.dtype = devices.choose(device, dtype)
        self.most = most
        self._pipes: OrderedDict[ModelKey, TauePipeline] = OrderedDict()
        self._lock = threading.Lock()

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
                pipe = run.load(scene, self.device, self.dtype)
                pipe.set_progress_bar_config(disable=True)
                self._pipes[key] = pipe
            self._pipes.move_to_end(key)
            return self._pipes[key]
