"""The driver's book: every task ends once, whatever workers do."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.batch_simulated import simulated
from taue.batch.plan import Task
from taue.work.jobs import DONE, ELSEWHERE, FAILED, Outcome
from taue.work.queue import Queue


def tasks(count: int) -> list[Task]:
    return [Task(f"{i:032x}", 1, "m", "{}") for i in range(count)]


@pytest.mark.slow
@given(
    st.integers(0, 20),
    st.integers(1, 5),
    st.integers(1, 4),
    st.dictionaries(st.integers(0, 19), st.integers(1, 5), max_size=5),
    st.randoms(use_true_random=False),
)
def test_every_task_ends_once_and_is_tried_at_most_so_often(
    count: int, size: int, limit: int, tried: dict[int, int], chance: random.Random
) -> None:
    """Outcomes, failures and deaths at random, of several workers at once."""
    own = tasks(count)
    parts = [tuple(own[i : i + size]) for i in range(0, count, size)]
    before = {f"{i:032x}": number for i, number in tried.items()}
    queue = Queue(parts, before, limit)
    attempts = {task.id: before.get(task.id, 0) for task in own}
    out: list[list[Task]] = []
    ended: list[str] = []
    while not queue.finished:
        part = queue.next()
        if part is not None:
            out.append(list(part))
        if not out or (part is not None and chance.random() < 0.4):
            continue
        working = chance.choice(out)
        task = working[0]
        attempts[task.id] += 1
        assert task.attempt == attempts[task.id] or task.id not in before
        what = chance.choice([DONE, FAILED, "final", "death", ELSEWHERE])
        if what == "death":
            out.remove(working)
            queue.lost(working, lambda one, dead=task: one.id == dead.id)
            continue
        working.pop(0)
        if not working:
            out.remove(working)
        if queue.ended(Outcome(task, FAILED if what == "final" else what, final=what == "final")):
            ended.append(task.id)
    ended += [task.id for task in queue.given_up]
    assert sorted(ended) == [task.id for task in own]
    assert all(attempts[key] <= max(limit, before.get(key, 0)) for key in attempts)


def test_what_ended_its_process_comes_last_and_alone() -> None:
    own = tasks(6)
    queue = Queue([tuple(own[:3]), tuple(own[3:])], {own[1].id: 1}, 3)
    first = queue.next()
    assert first == (own[0], own[2])
    queue.lost(first, lambda task: task.id == own[0].id)
    given_out = []
    while (part := queue.next()) is not None:
        given_out.append([(task.id, task.attempt) for task in part])
        for task in part:
            queue.ended(Outcome(task, DONE))
    assert given_out == [
        [(own[2].id, 1)],
        [(task.id, 1) for task in own[3:]],
        [(own[1].id, 2)],
        [(own[0].id, 2)],
    ]
    assert queue.finished


def test_simulated_workers_end_every_scene_once() -> None:
    told = simulated(60, 900)
    assert told["made"] == 900 and told["workers that died"] == 1
    assert 0.5 < told["workers' busy share"] <= 1
