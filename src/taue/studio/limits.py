"""What one server allows: others use it at the same time, and anybody may send anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from taue.errors import TaueError
from taue.loras import NAMED as NAMED_LORAS
from taue.scene import Scene

MEBIBYTE, GIBIBYTE = 2**20, 2**30


@dataclass(frozen=True)
class Limits:
    """What is asked for at most.

    Attributes:
        models: names that a scene may have as its model, the first as the default. Everything else
            is refused: a name may be a path on this machine.
        pixels: of a canvas.
        steps: of each stage.
        subjects: of a scene.
        upload: bytes of a scene file that is handed in.
        photo: bytes of a picture that is.
        waiting: requests in the queue.
        hours: how long results are kept.
        stored: bytes of all results.
    """

    models: Sequence[str] = ("paddy", "paddy-dit")
    pixels: int = 2048 * 2048
    steps: int = 150
    subjects: int = 8
    upload: int = 16 * MEBIBYTE
    photo: int = 64 * MEBIBYTE
    waiting: int = 64
    hours: float = 24.0
    stored: int = 4 * GIBIBYTE

    def require(self, scene: Scene) -> None:
        """Refuse what is too much.

        Raises:
            TaueError: naming the field.
        """
        if scene.model not in self.models:
            raise TaueError(
                f"model {scene.model!r} is not served; choose {alternatives(self.models)}."
            )
        if scene.revision is not None:
            raise TaueError("revision is not served; leave it out.")
        for lora in scene.loras:
            if lora.name not in NAMED_LORAS:
                known = alternatives(tuple(NAMED_LORAS))
                raise TaueError(f"lora {lora.name!r} is not served; choose {known}.")
        if scene.steps > self.steps:
            raise TaueError(f"steps is {scene.steps}; this server takes {self.steps} at most.")
        if len(scene.subjects) > self.subjects:
            raise TaueError(
                f"subjects has {len(scene.subjects)} of them; this server takes {self.subjects} at "
                "most."
            )
        width, height = scene.canvas.width, scene.canvas.height
        if width and height and width * height > self.pixels:
            side = int(self.pixels**0.5)
            raise TaueError(
                f"width and height are {width} and {height}; this server takes {side} x {side} "
                "pixels at most."
            )
        if (width is None) != (height is None):
            raise TaueError("width and height belong together; give both or none.")


def alternatives(names: Sequence[str]) -> str:
    """Names as a sentence has them."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
