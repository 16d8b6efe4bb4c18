"""What the studio does: every button of the page, every endpoint and every tool is one of these."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from taue import run
from taue.box import Box
from taue.errors import TaueError
from taue.layers import Layers
from taue.scene import Scene
from taue.scene.fields import box_of
from taue.scene.picture import OwnPicture
from taue.studio import made
from taue.studio.course import Course
from taue.studio.errands import Errand, state
from taue.studio.forms import MoveForm, ProgressForm, ResultForm, SceneForm, scene_asked
from taue.studio.kept_models import KeptModels
from taue.studio.limits import Limits
from taue.studio.memory import give_back
from taue.studio.previews import Previews
from taue.studio.sessions import Session, Sessions
from taue.studio.sweeping import sweep_results

if TYPE_CHECKING:
    from taue.pipeline import TauePipeline
    from taue.watch import StepCallback

Tell = Callable[[ProgressForm], None]


class Actions:
    """The studio without its page.

    Args:
        loaded: the models.
        sessions: where results lie.
        limits: what is allowed.
    """

    def __init__(self, loaded: KeptModels, sessions: Sessions, limits: Limits) -> None:
        self.loaded, self.sessions, self.limits = loaded, sessions, limits
        self._running: dict[str, set[Errand]] = {}
        self._lock = threading.Lock()

    def generate(self, scene: SceneForm, session: str = "") -> Iterator[ProgressForm]:
        """Make a scene's layers: subjects as RGBA, the background, the light between them.

        Args:
            scene: subjects with their prompts and boxes (left, top, width, height as fractions of
                the canvas), the background's prompt, and as in scene files whatever else.
            session: whose result it is; a new session's if empty.
        """
        place = self.sessions.at(session)
        wanted = scene_asked(scene, self.limits, place)

        def work(tell: Tell) -> ResultForm:
            pipe = self.loaded.of(wanted)
            began = time.perf_counter()
            follow = _follow(pipe, wanted, Course.of(wanted), tell)
            layers = run.make(pipe, wanted, follow)
            tell(state("writing"))
            return self._kept(place, layers, began, "generate", "")

        yield from self._errand(place, work)

    def regrow(
        self,
        result: str,
        session: str,
        moves: list[MoveForm],
        background: str = "",
        background_image: str = "",
    ) -> Iterator[ProgressForm]:
        """Grow a result again, its subjects moved, before another background, or both.

        Args:
            result: the id of a result of this session.
            session: whose it is.
            moves: subjects by their number from 1, and the boxes that they go to; others stay.
            background: what is behind now; as it was if empty.
            background_image: a picture of it that was handed in, by its name.
        """
        place = self.sessions.at(session)
        folder = place.of(result)
        old = Scene.load(folder)
        self.limits.require(old)
        boxes = _boxes(moves)
        behind, whole, image = old.background, old.scene, old.background_image
        if background.strip() or background_image:
            behind = background.strip() or behind
            whole = whole if behind == old.background else None
            image = OwnPicture(str(place.picture(background_image))) if background_image else None
        wanted = old.before(behind, whole, image).moved(boxes)

        def work(tell: Tell) -> ResultForm:
            pipe = self.loaded.of(wanted)
            began = time.perf_counter()
            follow = _follow(pipe, wanted, Course.of(wanted, boxes), tell)
            layers = run.regrow(pipe, Layers.load(folder), behind, whole, boxes, image, follow)
            tell(state("writing"))
            return self._kept(place, layers, began, "regrow", result)

        yield from self._errand(place, work)

    def cancel(self, session: str) -> int:
        """Stop what this session makes, within one step.

        Args:
            session: whose runs.
        """
        place = self.sessions.at(session)
        with self._lock:
            running = list(self._running.get(place.token, ()))
        for errand in running:
            errand.cancel()
        return len(running)

    def new_session(self) -> str:
        """Begin a session; its token is the key to its results."""
        return self.sessions.at("").token

    def history(self, session: str) -> list[ResultForm]:
        """All results of a session, the newest first.

        Args:
            session: whose.
        """
        return self.sessions.at(session).history()  # pyright: ignore[reportReturnType]

    def remove(self, result: str, session: str) -> str:
        """Remove a result for good.

        Args:
            result: its id.
            session: whose it is.
        """
        self.sessions.at(session).remove(result)
        return result

    @property
    def running(self) -> int:
        """How many runs there are at the moment."""
        with self._lock:
            return sum(map(len, self._running.values()))

    def sweep(self) -> None:
        """Make room, by age and total size."""
        sweep_results(self.sessions.folder, self.limits.hours, self.limits.stored)

    def _errand(self, place: Session, work: Callable[[Tell], ResultForm]) -> Iterator[ProgressForm]:
        errand = Errand(work)
        with self._lock:
            self._running.setdefault(place.token, set()).add(errand)
        try:
            yield from errand.states()
        finally:
            with self._lock:
                self._running[place.token].discard(errand)
                if not self._running[place.token]:
                    del self._running[place.token]
            give_back()

    def _kept(
        self, place: Session, layers: Layers, began: float, kind: str, parent: str
    ) -> ResultForm:
        self.sweep()
        return made.keep(
            place,
            layers,
            kind=kind,
            parent=parent,
            seconds=time.perf_counter() - began,
            machine=self.loaded.told,
        )


def _follow(pipe: TauePipeline, scene: Scene, course: Course, tell: Tell) -> StepCallback:
    """A callback for the pipeline that tells how far it is."""
    canvas = scene.canvas
    previews = Previews(pipe.backbone(canvas.height, canvas.width))

    def follow(_: Any, index: int, __: Any, told: dict[str, Any]) -> dict[str, Any]:
        course.step(told, index)
        pictures = previews.of(told)
        tell(
            ProgressForm(
                state="running",
                stages=course.forms(),
                left=round(course.left, 1),
                previews=pictures or [],
                result=None,
            )
        )
        return told

    return follow


def _boxes(moves: list[MoveForm]) -> Mapping[int, Box]:
    """Where subjects go, by their number.

    Raises:
        TaueError: if one is no subject's number or no box.
    """
    boxes: dict[int, Box] = {}
    for move in moves:
        number = move.get("subject") if isinstance(move, Mapping) else None
        if isinstance(number, bool) or not isinstance(number, int):
            raise TaueError("moves has one without a subject; give its number from 1, and a box.")
        boxes[number] = box_of(move.get("box"))
    return boxes
