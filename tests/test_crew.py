"""Benchmarks share their work out over processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from benchmarks.crew import share_out
from taue import TauePipeline
from taue.paddy.judge import Judge


def look(pipe: TauePipeline, judge: Judge, job: int) -> tuple[int, int, int, tuple[int, int]]:
    """The job, and who did it with what."""
    assert isinstance(pipe, TauePipeline) and isinstance(judge, Judge)
    return job, os.getpid(), torch.get_num_threads(), (id(pipe), id(judge))


@pytest.mark.slow
def test_each_process_has_one_thread_and_loads_once(
    tiny_sdxl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # what processes would take by themselves
    answers = share_out(look, range(6), str(tiny_sdxl), "looks", workers=2)
    jobs, processes, threads, tools = zip(*answers, strict=True)
    assert jobs == tuple(range(6))
    assert os.getpid() not in processes and len(set(processes)) <= 2
    assert set(threads) == {1}
    assert len(set(zip(processes, tools, strict=True))) == len(set(processes))


def refuse(pipe: TauePipeline, judge: Judge, job: str) -> str:
    raise LookupError(job)


@pytest.mark.slow
def test_what_goes_wrong_in_a_process_is_raised_here(tiny_sdxl: Path) -> None:
    with pytest.raises(LookupError, match="the second drawer"):
        share_out(refuse, ["the second drawer"], str(tiny_sdxl), "looks", workers=1)
