"""Memory is estimated before anything runs; threads do not disturb each other."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from taue import Subject, TauePipeline
from taue.cli import app
from taue.errors import TaueError
from taue.memory import needed, running_out_said
from taue.scene import Request
from taue.settings import Settings


@pytest.fixture(scope="module")
def pipe(tiny_sdxl: Path) -> TauePipeline:
    made = TauePipeline.from_pretrained(tiny_sdxl)
    made.set_progress_bar_config(disable=True)
    return made


def request(side: int, subjects: int = 1) -> Request:
    given = tuple(Subject("x") for _ in range(subjects))
    return Request.from_data({"subjects": given, "background": "y"}).on_canvas(side, side)


def call(pipe: TauePipeline, seed: int, **changes: Any) -> np.ndarray:
    wish: dict[str, Any] = {
        "background": "a beach",
        "num_inference_steps": 2,
        "height": 64,
        "width": 64,
    }
    wish["settings"] = Settings(tries=1)  # random weights paint no object, however often they try
    layers = pipe(["an apple"], generator=torch.Generator().manual_seed(seed), **wish | changes)
    return np.asarray(layers.composite)


def test_the_estimate_grows_with_canvas_and_subjects(pipe: TauePipeline) -> None:
    def takes(side: int, subjects: int = 1) -> int:
        return needed(pipe.backbone(side, side), request(side, subjects))

    one = takes(64)
    assert takes(128) == 4 * one
    assert one < takes(64, 3) < takes(64, 9)


def test_what_does_not_fit_is_refused_with_the_number(pipe: TauePipeline, tiny_sdxl: Path) -> None:
    said = r"^width and height are 1048576 and 64000: with 1 subject that takes about \d+\.\d GiB, "
    with pytest.raises(TaueError, match=said):
        call(pipe, 0, width=2**20, height=64_000)
    arguments = ["generate", "--subject=x", "--background=y", f"--model={tiny_sdxl}", "--out=o"]
    for _ in range(30):
        arguments += ["--subject", "x"]
    done = CliRunner().invoke(app, [*arguments, "--width=16384", "--height=16384", "--device=cpu"])
    assert done.exit_code == 2
    assert (
        "GiB free; choose a smaller canvas, fewer subjects or low memory (--memory low, "
        in done.stderr
    )
    arguments.append("--memory=low")
    done = CliRunner().invoke(app, [*arguments, "--width=16384", "--height=16384", "--device=cpu"])
    assert done.exit_code == 2
    assert "GiB free; choose a smaller canvas or fewer subjects." in done.stderr


def test_running_out_is_a_sentence() -> None:
    def fail(error: BaseException) -> None:
        with running_out_said("cpu"):
            raise error

    for error in (
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:121] DefaultCPUAllocator: can't allocate"),
    ):
        with pytest.raises(TaueError, match="device cpu has too little memory; choose a smaller"):
            fail(error)
    with pytest.raises(RuntimeError, match="shapes"):
        fail(RuntimeError("shapes differ"))


@pytest.fixture(scope="module")
def alone(pipe: TauePipeline) -> dict[int, np.ndarray]:
    """By seed."""
    return {seed: call(pipe, seed) for seed in range(4)}


@pytest.mark.slow
@pytest.mark.parametrize("shared", ["pipeline", "unet"])
def test_two_threads_make_the_pictures_of_one(
    pipe: TauePipeline, alone: dict[int, np.ndarray], shared: str
) -> None:
    other = pipe if shared == "pipeline" else TauePipeline.from_pipe(pipe)
    other.set_progress_bar_config(disable=True)
    before = dict(pipe.network.attn_processors)
    together: dict[int, np.ndarray] = {}

    def work(own: TauePipeline, seeds: tuple[int, ...]) -> None:
        for seed in seeds:
            together[seed] = call(own, seed)

    threads = [threading.Thread(target=work, args=one) for one in ((pipe, (0, 1)), (other, (2, 3)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for seed, picture in alone.items():
        np.testing.assert_array_equal(together[seed], picture)
    assert pipe.network.attn_processors == before
