"""What kills, full disks and jumping clocks do to a batch: nothing is lost, doubled or corrupt.

python -m benchmarks.faults [OUT.json]

A model that sleeps in the worker code of real runs; as root, for a disk of its own and another
user. ``libfaketime`` is taken where Debian puts it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sleeping import MAKER
from taue.batch.audit import audit
from taue.batch.driver import drive
from taue.batch.engines import StoreInProcess, StoreProcesses
from taue.batch.index import part_of
from taue.batch.maker import Recipe
from taue.batch.plan import planned, save_plan, tasks_of
from taue.batch.scenes import read_scenes
from taue.batch.store import ATTEMPTS, DONE, Store
from taue.batch.stores import open_store
from taue.errors import TaueError
from taue.work.tried import Attempt

SCENES, KILLS, SECONDS, WORKERS = 200, 20, 0.1, 2
NOBODY = 65534
CHANCE = np.random.default_rng(19)
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


class Trial:
    """A store that 200 scenes are asked of, and who makes them."""

    def __init__(self, folder: Path, count: int = SCENES) -> None:
        self.where, self.log = folder / "store", folder / "log"
        self.folder = folder
        file = folder / "scenes.jsonl"
        scene = {"background": "a sea", "subjects": [{"prompt": "a ball"}]}
        file.write_text(json.dumps({**scene, "seed": {"range": [1, count]}}))
        self.store = open_store(str(self.where))
        self.store.prepare()
        save_plan(self.store, tasks_of(read_scenes(file)))
        self.recipe = Recipe(maker=MAKER, options={"seconds": SECONDS, "log": str(self.log)})

    def run(self) -> None:
        """A driver with two workers, to its end."""
        store = open_store(str(self.where))
        store.prepare()
        engine = StoreProcesses(str(self.where), self.recipe, WORKERS, "fork")
        drive(store, list(planned(store).values()), engine)

    def start(self) -> int:
        """The same in a process of its own."""
        return forked(self.run)

    @property
    def done(self) -> int:
        return len(self.store.names(DONE))

    def outcome(self, **more: Any) -> dict[str, Any]:
        """What an audit finds, and how much was made in vain."""
        found = audit(open_store(str(self.where)))
        begun = Counter(self.log.read_text().split())
        return {
            "scenes": found.status.asked,
            **more,
            "lost": len(found.missing) + len(found.status.failed),
            "doubled": found.doubled,
            "corrupt": len(found.corrupt),
            "begun again": sum(begun.values()) - len(begun),
        }


def forked(work: Callable[[], None]) -> int:
    """Do something in a process of its own; its id."""
    child = os.fork()
    if child:
        with suppress(OSError):  # the child was faster
            os.setpgid(child, child)
        return child
    code = 1
    try:
        os.setpgid(0, 0)
        work()
        code = 0
    except TaueError as error:
        sys.stderr.write(f"  {error}\n")
        code = 2
    finally:
        os._exit(code)


def has_ended(child: int) -> bool:
    return os.waitpid(child, os.WNOHANG)[0] == child


def worker(store: Store) -> int | None:
    """The process of some worker at work."""
    for name in CHANCE.permutation(store.names(ATTEMPTS)).tolist():
        data = store.read(name)
        if data and not (told := Attempt.model_validate_json(data)).error:
            return int(told.worker.rpartition(":")[2])
    return None


def workers_killed(trial: Trial) -> dict[str, Any]:
    """Each at a random moment, by what is done and not by the clock: all come before the end."""
    driver, killed = trial.start(), 0
    for goal in sorted(CHANCE.uniform(0, SCENES - 2 * KILLS, KILLS)):
        while trial.done < goal:
            time.sleep(SECONDS / 10)
        time.sleep(CHANCE.uniform(0, SECONDS))
        killed += _worker_killed(trial.store)
    os.waitpid(driver, 0)
    return trial.outcome(kills=killed)


def _worker_killed(store: Store) -> bool:
    """Kill some worker at work, once there is one."""
    while True:
        if (pid := worker(store)) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
        time.sleep(SECONDS / 10)


def drivers_killed(trial: Trial) -> dict[str, Any]:
    killed = 0
    while killed < KILLS and trial.done < SCENES - 5:
        driver = trial.start()
        time.sleep(CHANCE.uniform(0.05, 2 * SECONDS * SCENES / KILLS / WORKERS))
        # Alone, so that its workers have to see that it is gone; or all, as when a machine ends.
        (os.killpg if killed % 2 else os.kill)(driver, signal.SIGKILL)
        os.waitpid(driver, 0)
        killed += 1
    code = os.waitpid(trial.start(), 0)[1]
    return trial.outcome(kills=killed, **{"last run": code})


def two_drivers(trial: Trial) -> dict[str, Any]:
    one, two = trial.start(), trial.start()
    time.sleep(SECONDS * SCENES / 8)
    os.kill(one, signal.SIGKILL)
    os.waitpid(one, 0)
    os.waitpid(two, 0)
    return trial.outcome(kills=1)


def disk_full(trial: Trial) -> dict[str, Any]:
    """The trial's folder is a disk of 3 MB, which grows once it was full."""
    first = os.waitstatus_to_exitcode(os.waitpid(trial.start(), 0)[1])
    full = trial.done
    subprocess.run(["/bin/mount", "-o", "remount,size=64m", str(trial.folder)], check=True)  # noqa: S603
    os.waitpid(trial.start(), 0)
    return trial.outcome(**{"exit code when full": first, "done by then": full})


def read_only(trial: Trial) -> dict[str, Any]:
    trial_done = trial.done

    def as_nobody() -> None:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        engine = StoreInProcess(trial.store, trial.recipe)
        drive(trial.store, list(planned(trial.store).values()), engine)

    code = os.waitstatus_to_exitcode(os.waitpid(forked(as_nobody), 0)[1])
    assert trial.done == trial_done
    os.waitpid(trial.start(), 0)
    return trial.outcome(**{"exit code of the other user": code})


def clock_jumps(trial: Trial) -> dict[str, Any]:
    """The clock, also the one that should not, jumps by days to and fro while it runs."""
    clock = trial.folder / "clock"
    clock.write_text("+0")
    program = "import sys; from benchmarks.faults import again; again(sys.argv[1], sys.argv[2])"
    environment = {
        **os.environ,
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    arguments = [sys.executable, "-c", program, str(trial.where), str(trial.log)]
    process = subprocess.Popen(arguments, env=environment)  # noqa: S603
    jumps = 0
    while process.poll() is None:
        time.sleep(0.3)
        clock.write_text(CHANCE.choice(["+0", "-3d", "+10d", "-1y", "+1h"]))
        jumps += 1
    return trial.outcome(jumps=jumps)


def again(where: str, log: str) -> None:
    """A driver on a store that is there."""
    store = open_store(where)
    store.prepare()
    recipe = Recipe(maker=MAKER, options={"seconds": SECONDS, "log": log})
    engine = StoreProcesses(where, recipe, WORKERS, "fork")
    drive(store, list(planned(store).values()), engine)


@contextmanager
def disk(folder: Path, size: str) -> Iterator[None]:
    """A small disk at a folder."""
    subprocess.run(  # noqa: S603
        ["/bin/mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True
    )
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", str(folder)], check=True)  # noqa: S603


TRIALS: dict[str, Callable[[Trial], dict[str, Any]]] = {
    "SIGKILL to workers": workers_killed,
    "SIGKILL to the driver": drivers_killed,
    "two drivers, one killed": two_drivers,
    "disk full, then larger": disk_full,
    "read-only for another user": read_only,
    "clock jumps": clock_jumps,
}


def main() -> None:
    results: dict[str, Any] = {}
    part_of([])  # what is imported here no trial waits for, nor does another user look for it
    for name, trial in TRIALS.items():
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            folder.chmod(0o755)
            if trial is clock_jumps and not Path(FAKETIME).exists():
                results[name] = {"not run": "libfaketime is not installed"}
            elif trial is disk_full:
                with disk(folder, "3m"):
                    results[name] = trial(Trial(folder))
            else:
                results[name] = trial(Trial(folder))
        sys.stdout.write(f"{name}: {json.dumps(results[name])}\n")
        sys.stdout.flush()
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(results, indent=2) + "\n")
    if any(one.get(bad) for one in results.values() for bad in ("lost", "doubled", "corrupt")):
        sys.exit(1)


if __name__ == "__main__":
    main()
