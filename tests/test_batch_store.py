"""Stores and workers of batches: complete or absent, recorded, never made twice."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

from batches import done, forked, prepared, scenes_file, sleeping, until
from benchmarks.sleeping import Slept
from taue.batch import driver
from taue.batch.audit import audit, forget, status_of
from taue.batch.driver import Summary, drive
from taue.batch.engines import StoreInProcess, StoreProcesses
from taue.batch.index import Index
from taue.batch.maker import Recipe
from taue.batch.plan import Task
from taue.batch.records import Marker
from taue.batch.store import Store, StoreError
from taue.batch.stores import open_store
from taue.batch.worker import StoreWorker
from taue.cli import app
from taue.devices import Machine
from taue.errors import LittleMemoryError, TaueError
from taue.scene import Scene


def here(store: Store, tasks: Sequence[Task], recipe: Recipe | None = None) -> Summary:
    recipe = recipe or sleeping()
    return drive(store, tasks, StoreInProcess(store, recipe))


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_a_second_run_makes_nothing_and_a_larger_one_what_is_missing(tmp_path: Path) -> None:
    root, log = tmp_path / "store", tmp_path / "log"
    store, tasks = prepared(root, scenes_file(tmp_path, 5))
    summary = here(store, tasks, sleeping(log=str(log)))
    assert (summary.made, summary.there, summary.whole) == (5, 0, True)
    before = contents(root)
    again = here(store, tasks, sleeping(log=str(log)))
    assert (again.made, again.there) == (0, 5) and contents(root) == before
    store, more = prepared(root, scenes_file(tmp_path, 8))
    assert (here(store, more, sleeping(log=str(log))).made) == 3
    assert Counter(log.read_text().split()) == {str(seed): 1 for seed in range(1, 9)}
    found = audit(store)
    assert found.whole and (found.checked, found.doubled, found.unindexed) == (8, 0, 0)
    frame = pd.read_parquet(root / "index")
    assert sorted(frame["seed"]) == list(range(1, 9)) and frame["id"].is_unique
    assert not list((root / "attempts").iterdir()) and not list((root / "unfinished").iterdir())


def test_an_audit_says_what_is_wrong_and_a_retry_mends_it(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store, tasks = prepared(root, scenes_file(tmp_path, 6))
    here(store, tasks, sleeping(failing=[6], attempts=1))
    places = [root / Marker.model_validate_json(store.read(name) or b"").place
              for name in done(store)]  # fmt: skip
    picture = places[0] / "composite.png"
    picture.write_bytes(picture.read_bytes()[:-1] + b"x")
    (places[1] / "background.png").unlink()
    (places[1] / "layers" / "0-background.png").write_bytes(b"")
    (places[2] / "report.json").write_bytes(b"")
    (root / done(store)[3]).write_bytes(b"{")
    result = CliRunner().invoke(app, ["batch", "audit", str(root)])
    assert result.exit_code == 1
    assert "6 asked for, 5 done, 0 missing, 1 failed, 4 corrupt, 0 doubled" in result.stdout
    for sentence in (
        "composite.png has other bytes than were written",
        "background.png is missing, layers/0-background.png has 0 bytes instead of",
        "report.json has 0 bytes instead of",
        "its marker is broken",
        "failed: RuntimeError('seed 6 is one that fails')",
    ):
        assert sentence in result.stderr
    status = CliRunner().invoke(app, ["batch", "status", str(root)])
    assert status.exit_code == 0 and "5 of 6 done, 1 failed, 0 begun" in status.stdout
    found = audit(store)
    forget(store, [*found.status.failed, *found.corrupt])
    assert here(store, tasks).made == 5
    found = audit(store)
    assert found.whole and (found.checked, found.doubled, found.unindexed) == (6, 0, 0)


def test_what_fails_is_recorded_and_the_rest_is_made(tmp_path: Path) -> None:
    log = tmp_path / "log"
    store, tasks = prepared(tmp_path / "store", scenes_file(tmp_path, 6))
    summary = here(store, tasks, sleeping(log=str(log), failing=[2, 5]))
    assert summary.made == 4
    assert [(task.read().seed, error) for task, error in summary.failed] == [
        (seed, f"RuntimeError('seed {seed} is one that fails')") for seed in (2, 5)
    ]
    tried = Counter(log.read_text().split())
    assert tried == {"1": 1, "2": 3, "3": 1, "4": 1, "5": 3, "6": 1}
    again = here(store, tasks)
    assert (again.made, again.refused, again.whole) == (0, 2, False)
    assert len(status_of(store).failed) == 2


@pytest.mark.slow
def test_a_poison_scene_cannot_loop(tmp_path: Path) -> None:
    log, where = tmp_path / "log", tmp_path / "store"
    store, tasks = prepared(where, scenes_file(tmp_path, 12))
    recipe = sleeping(log=str(log), fatal=[3], attempts=2)
    summary = drive(store, tasks, StoreProcesses(str(where), recipe, 2, "fork"))
    assert summary.made == 11
    assert [error for _, error in summary.failed] == ["the process that made it ended, 2 times"]
    assert Counter(log.read_text().split()) == {str(s): 1 + (s == 3) for s in range(1, 13)}
    # A driver that dies of it itself stops there, too.
    other, tasks = prepared(tmp_path / "other", scenes_file(tmp_path, 3))
    for _ in range(2):
        assert os.waitpid(forked(lambda: here(other, tasks, recipe)), 0)[1] == signal.SIGKILL
    assert here(other, tasks, recipe).failed[0][1] == "the process that made it ended, 2 times"
    assert len(done(other)) == 2


class Narrow:
    """A maker whose memory holds so many scenes at once, and none of one seed."""

    def __init__(self, recipe: Recipe, number: int) -> None:
        self.recipe, self.batches = recipe, list[list[int]]()

    def make(self, scenes: Sequence[Scene]) -> list[Slept]:
        self.batches.append([scene.seed for scene in scenes])
        large = self.recipe.options["large"]
        if len(scenes) > self.recipe.options["room"] or large in self.batches[-1]:
            raise LittleMemoryError("memory ran out.")
        return [Slept(scene) for scene in scenes]


def test_out_of_memory_halves_the_batch_then_makes_each_alone(tmp_path: Path) -> None:
    store, tasks = prepared(tmp_path / "store", scenes_file(tmp_path, 8))
    recipe = Recipe(
        maker="test_batch_store:Narrow", together=8, attempts=1, options={"room": 2, "large": 6}
    )
    engine = StoreInProcess(store, recipe)
    summary = drive(store, tasks, engine)
    maker: Any = engine._worker.maker if engine._worker else None
    assert summary.made == 7 and [error for _, error in summary.failed] == ["memory ran out."]
    assert [len(batch) for batch in maker.batches] == [8, 4, 2, 2, 4, 2, 1, 1, 2]
    assert audit(store).status.done == 7


def test_a_result_is_there_only_if_its_marker_is(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store, tasks = prepared(root, scenes_file(tmp_path, 2))
    key = tasks[0].id
    # What is left if the power goes between the files and the marker.
    with store.filling() as folder:
        (folder / "composite.png").write_bytes(b"half")
        store.place(key, folder)
    assert audit(store).missing == sorted(task.id for task in tasks)
    store.put_new(f"attempts/{key}.1.json", b'{"number": 1}')
    told = CliRunner().invoke(app, ["batch", "audit", str(root)])
    assert told.exit_code == 1
    assert f"line 1 ({key}) is missing: begun 1 time, and not ended" in told.stderr
    assert f"line 1 ({tasks[1].id}) is missing: not begun" in told.stderr
    here(store, tasks)
    assert audit(store).whole and not list((root / "unfinished").iterdir())


@pytest.mark.slow
def test_two_runs_at_once_share_the_work(tmp_path: Path) -> None:
    where, log = tmp_path / "store", tmp_path / "log"
    store, tasks = prepared(where, scenes_file(tmp_path, 20))
    recipe = sleeping(log=str(log), seconds=0.02)
    children = [forked(lambda: here(open_store(str(where)), tasks, recipe)) for _ in range(2)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert Counter(log.read_text().split()) == {str(seed): 1 for seed in range(1, 21)}
    found = audit(store)
    assert found.whole and (found.checked, found.doubled, found.unindexed) == (20, 0, 0)


@pytest.mark.slow
def test_what_another_run_is_at_for_the_last_time_is_not_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "WAIT", 0.02)
    where, begun = tmp_path / "store", tmp_path / "begun"
    store, tasks = prepared(where, scenes_file(tmp_path, 3))
    for number in (1, 2):  # two processes ended with it
        store.put_new(f"attempts/{tasks[0].id}.{number}.json", b'{"number": %d}' % number)

    def other() -> None:
        recipe = sleeping(seconds=0.3, log=str(begun))
        worker = StoreWorker(open_store(str(where)), recipe)
        assert [one.kind for one in worker.work(tasks[:1])] == ["done"]

    child = forked(other)
    until(begun.exists)
    summary = here(store, tasks)
    assert (summary.made, summary.there, summary.failed) == (2, 1, [])
    assert os.waitpid(child, 0)[1] == 0
    assert audit(store).whole and not store.names("attempts")


@pytest.mark.slow
def test_the_index_is_whole_while_it_is_written_by_several(tmp_path: Path) -> None:
    store, tasks = prepared(tmp_path / "store", scenes_file(tmp_path, 40))
    rows = [{"id": task.id, "seed": n} for n, task in enumerate(tasks)]

    def write(part: list[dict[str, Any]]) -> None:
        with Index(store, []) as index:
            for row in part:
                index.add(row)
                index.flush()
                assert pd.read_parquet(tmp_path / "store" / "index")["id"].is_unique

    threads = [threading.Thread(target=write, args=(rows[i::2],)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frame = pd.read_parquet(tmp_path / "store" / "index")
    assert sorted(frame["seed"]) == list(range(40))


def test_the_index_of_a_killed_run_is_mended_by_the_next(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store, tasks = prepared(root, scenes_file(tmp_path, 4))
    here(store, tasks)
    for part in (root / "index").iterdir():
        part.unlink()
    assert audit(store).unindexed == 4
    here(store, tasks)
    found = audit(store)
    assert (found.unindexed, found.doubled) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run", "{file}"], "out is missing"),
        (["run", "{file}", "--out", "{used}"], "exists and is none; name another folder"),
        (["run", "{file}", "--out", "{store}", "--workers", "0"], "workers is 0; give"),
        (["run", "{file}", "--out", "{store}", "--attempts", "0"], "attempts is 0; give"),
        (["run", "{file}", "--out", "{store}", "--shard", "0/2"], "shard is '0/2'; give K/N"),
        (["run", "{file}", "--out", "{store}", "--keep", "most"], "keep is 'most'; choose among"),
        (["run", "{file}", "--out", "{store}", "--device", "tpu"], "device 'tpu' is unknown"),
        (["status", "{store}"], "is none; make one with taue batch run"),
        (["audit", "{used}"], "is none; make one with taue batch run"),
        (["retry", "{store}"], "is none; make one with taue batch run"),
    ],
)
def test_bad_options_are_one_sentence_and_leave_nothing(
    arguments: list[str], sentence: str, tmp_path: Path
) -> None:
    used = tmp_path / "used"
    used.mkdir()
    (used / "thesis.txt").touch()
    names = {"file": scenes_file(tmp_path, 2), "used": used, "store": tmp_path / "store"}
    told = [one.format(**names) for one in arguments]
    result = CliRunner().invoke(app, ["batch", *told])
    assert result.exit_code == 2, result.stderr
    assert sentence in result.stderr
    assert not (tmp_path / "store").exists() and [p.name for p in used.iterdir()] == ["thesis.txt"]


def test_a_store_that_cannot_be_written_stops_the_run_and_blames_no_scene(tmp_path: Path) -> None:
    root = tmp_path / "store"
    store, tasks = prepared(root, scenes_file(tmp_path, 3))
    (root / "results").rmdir()
    (root / "results").write_text("in the way")
    with pytest.raises(StoreError, match="the same command goes on where it was"):
        here(store, tasks)
    (root / "results").unlink()
    (root / "results").mkdir()
    summary = here(store, tasks)
    assert summary.made == 3 and audit(store).whole


def test_workers_are_told_to_be_quiet_before_they_are_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names, found = ("TRANSFORMERS_VERBOSITY", "DIFFUSERS_VERBOSITY"), list[str | None]()
    for name in names:
        monkeypatch.setenv(name, "")  # so that it is as before afterwards
        monkeypatch.delenv(name)

    def look(*_: object) -> None:
        found.extend(os.environ.get(name) for name in names)
        raise StoreError("that is enough.")

    monkeypatch.setattr(StoreProcesses, "run", look)
    told = [str(scenes_file(tmp_path, 1)), "--out", str(tmp_path / "s"), "--workers", "2"]
    result = CliRunner().invoke(app, ["batch", "run", *told, "--batch-size", "1"])
    assert "that is enough" in result.stderr
    assert found == ["error", "error"]


def test_workers_that_cannot_begin_are_told_of(tmp_path: Path) -> None:
    where = tmp_path / "store"
    store, tasks = prepared(where, scenes_file(tmp_path, 3))
    recipe = Recipe(maker="test_batch_store:Stillborn")
    with pytest.raises(TaueError, match="workers end before they make anything"):
        drive(store, tasks, StoreProcesses(str(where), recipe, 2, "fork"))


class Stillborn:
    def __init__(self, recipe: Recipe, number: int) -> None:
        os._exit(7)


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def worker_at_work(store: Store) -> int | None:
    """The process of a worker that has begun a scene and not ended it."""
    for name in store.names("attempts"):
        data = store.read(name)
        told = json.loads(data) if data else {}
        if told.get("error") is None and told.get("worker"):
            return int(told["worker"].rpartition(":")[2])
    return None


@pytest.fixture(scope="module")
def loaded(tiny_sdxl: Path) -> Callable[[], Path]:
    """What real workers import, imported here so that processes forked from this one have it."""
    import taue.batch.making

    assert taue.batch.making
    return lambda: tiny_sdxl


@pytest.mark.slow
def test_kills_of_workers_and_drivers_lose_and_double_nothing(
    loaded: Callable[[], Path], tmp_path: Path
) -> None:
    """24 scenes of a real model, 3 kills of workers, 3 of drivers: as if nothing had been."""
    count, where = 24, tmp_path / "store"
    file = scenes_file(tmp_path, count, model=str(loaded()), method="paper")
    store, tasks = prepared(where, file)
    recipe = Recipe(machine=Machine("cpu"), threads=1)

    def work() -> None:
        drive(open_store(str(where)), tasks, StoreProcesses(str(where), recipe, 2, "fork"))

    killed = 0

    def wait_for(more: int) -> None:
        goal = len(done(store)) + more
        until(lambda: len(done(store)) >= goal)

    for _ in range(3):
        driver = forked(work)
        wait_for(2)
        until(lambda: worker_at_work(store) is not None)
        if (pid := worker_at_work(store)) is not None:
            kill(pid)
            killed += 1
        wait_for(2)
        kill(driver)
        os.waitpid(driver, 0)
    assert killed == 3
    assert 0 < len(done(store)) < count
    assert not audit(store).corrupt
    driver = forked(work)
    assert os.waitpid(driver, 0)[1] == 0
    found = audit(store)
    assert found.whole, found
    assert (found.checked, found.doubled, found.unindexed) == (count, 0, 0)
    # One that nothing happened to has the same bytes.
    other, _ = prepared(tmp_path / "other", file)
    drive(other, tasks[::8], StoreInProcess(other, recipe))
    for name in done(other):
        one, two = (json.loads(s.read(name) or b"") for s in (other, store))
        pictures = {k: v for k, v in one["files"].items() if k.endswith(".png")}
        assert pictures == {k: v for k, v in two["files"].items() if k.endswith(".png")}
        assert len(pictures) >= 4
