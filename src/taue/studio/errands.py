"""One run: the pipeline in a thread of its own, what it tells on the way, and its end."""

from __future__ import annotations

import errno
import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from taue.errors import TaueError
from taue.studio.forms import ProgressForm, ResultForm

LOG = logging.getLogger(__name__)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PATIENCE = 0.25
"""Seconds after which a client hears something again."""


class Cancelled(Exception):  # noqa: N818 (nothing went wrong)
    """Ends a run from its callback, within one step."""


class Errand:
    """Runs a function in a thread and hands on what it tells.

    Args:
        work: makes the result; it calls what it is given with every new state, which raises
            :class:`Cancelled` once nobody wants it any more.
    """

    def __init__(self, work: Callable[[Callable[[ProgressForm], None]], ResultForm]) -> None:
        self._work = work
        self._told: queue.SimpleQueue[ProgressForm | BaseException] = queue.SimpleQueue()
        self._stop = threading.Event()

    def cancel(self) -> None:
        """Ask for an end."""
        self._stop.set()

    def states(self) -> Iterator[ProgressForm]:
        """Begin, and yield the newest state as long as it changes; the last one is "done" or
        "cancelled". A reader who leaves cancels it.

        Raises:
            TaueError: for whatever went wrong, in a sentence.
        """
        thread = threading.Thread(target=self._run, name="taue-studio-run", daemon=True)
        thread.start()
        last = state("loading")
        try:
            yield last
            while True:
                news = self._newest()
                if isinstance(news, BaseException):
                    raise told_plainly(news) from news
                last = news or last
                yield last
                if last["state"] in ("done", "cancelled"):
                    return
        finally:
            self.cancel()
            thread.join()

    def _newest(self) -> ProgressForm | BaseException | None:
        """What was told last, waiting a little for it; previews of what is skipped are kept."""
        try:
            news = self._told.get(timeout=PATIENCE)
            for _ in range(self._told.qsize()):
                if isinstance(news, BaseException):
                    break
                older, news = news, self._told.get()
                if not isinstance(news, BaseException) and not news["previews"]:
                    news["previews"] = older["previews"]
        except queue.Empty:
            return None
        return news

    def _run(self) -> None:
        try:
            result = self._work(self._tell)
            self._told.put({**state("done"), "left": 0.0, "result": result})
        except Cancelled:
            self._told.put(state("cancelled"))
        except BaseException as error:  # noqa: BLE001 (it is raised where it is read)
            self._told.put(error)

    def _tell(self, news: ProgressForm) -> None:
        if self._stop.is_set():
            raise Cancelled
        self._told.put(news)


def state(name: Any) -> ProgressForm:
    """A state without anything besides."""
    return ProgressForm(state=name, stages=[], left=-1.0, previews=[], result=None)


def told_plainly(error: BaseException) -> TaueError:
    """Whatever went wrong as a user is told of it; what nobody foresaw goes into the log."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in FULL:
            return TaueError(
                "the server's disk is full; remove results that you do not need, or ask whoever "
                "runs it."
            )
        cause = cause.__cause__
    if isinstance(error, TaueError):
        return error
    if isinstance(error, MemoryError):
        return TaueError("memory ran out; choose a smaller canvas or fewer subjects.")
    LOG.error("a run failed", exc_info=error)
    return TaueError("this was not foreseen; the server's log says more, and the server goes on.")
