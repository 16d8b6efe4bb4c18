"""``taue batch`` as users call it, with a real model: what is kept of a result, and retrying."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from batches import prepared, scenes_file, sleeping
from taue.batch.driver import drive
from taue.batch.engines import StoreInProcess
from taue.cli import app


def batch(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["batch", *map(str, arguments)])


def files_of(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_what_speaks_against_a_batch_is_said_before_it_runs(tmp_path: Path) -> None:
    file, there = scenes_file(tmp_path, 3, background="a qwxyz beach"), tmp_path / "store"
    store, tasks = prepared(there, file)
    drive(store, tasks, StoreInProcess(store, sleeping()))
    half = ("--device", "cpu", "--dtype", "float16")
    looked = batch("run", file, "--check")
    for done in (batch("run", file, "--out", there, *half), batch("retry", there, *half), looked):
        assert done.exit_code == 0, done.stderr
        assert done.stderr.count('does not know the word "qwxyz"') == 1
        assert (done is looked) != ("dtype float16 on a CPU is slow" in done.stderr)


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for a device that is not there")
def test_a_device_that_is_not_there_is_refused_before_a_store_is_touched(tmp_path: Path) -> None:
    file, there = scenes_file(tmp_path, 2), tmp_path / "store"
    new = batch("run", file, "--out", tmp_path / "new", "--device", "cuda")
    assert new.exit_code == 2 and "device cuda is not available" in new.stderr
    assert not (tmp_path / "new").exists()
    store, tasks = prepared(there, file)
    drive(store, tasks, StoreInProcess(store, sleeping()))
    next(there.glob("results/*/*/composite.png")).write_bytes(b"no picture")
    before = files_of(there)
    again = batch("retry", there, "--device", "cuda")
    assert again.exit_code == 2 and "device cuda is not available" in again.stderr
    assert files_of(there) == before


@pytest.mark.slow
def test_what_is_kept_and_what_a_retry_makes_again(tiny_sdxl: Path, tmp_path: Path) -> None:
    file, store = scenes_file(tmp_path, 2, model=str(tiny_sdxl), method="paper"), tmp_path / "store"
    more = ("--keep", "psd", "--device", "cpu")
    done = batch("run", file, "--out", store, *more)
    assert done.exit_code == 0, done.stderr
    results = sorted((store / "results").glob("*/*"))
    small = {"composite.png", "background.png", "layers.psd", "scene.toml", "report.json"}
    for one in results:
        assert small <= files_of(one) <= small | {f"layers/{p.name}" for p in one.glob("layers/*")}
        assert (one / "layers.psd").read_bytes()[:4] == b"8BPS"
    whole = {one: {name: (one / name).read_bytes() for name in files_of(one)} for one in results}
    # One loses a file, one has other bytes.
    (results[0] / "layers.psd").unlink()
    (results[1] / "composite.png").write_bytes(b"no picture")
    assert batch("audit", store).exit_code == 1
    again = batch("run", file, "--out", store, *more)  # which believes the markers
    assert again.exit_code == 0 and "0 made" in again.stdout
    mended = batch("retry", store, *more)
    assert mended.exit_code == 0, mended.stderr
    assert "0 failed and 2 corrupt are made again." in mended.stdout
    assert "2 made" in mended.stdout
    assert batch("audit", store).exit_code == 0
    for one, content in whole.items():
        assert files_of(one) == set(content)
        for name in set(content) - {"report.json"}:  # which has times
            assert (one / name).read_bytes() == content[name]
    nothing = batch("retry", store, *more, "--json")
    assert nothing.exit_code == 0 and json.loads(nothing.stdout)["made"] == 0

    everything = tmp_path / "all"
    done = batch("run", file, "--out", everything, "--shard", "1/2", "--keep", "all", *more[2:])
    assert done.exit_code == 0, done.stderr
    (one,) = (everything / "results").glob("*/*")
    single = tmp_path / "single"
    told = ["generate", str(one / "scene.toml"), "--out", str(single), "--device", "cpu"]
    made = CliRunner().invoke(app, told)
    assert made.exit_code == 0, made.stderr
    assert files_of(one) == files_of(single)
    for name in files_of(one) - {"report.json"}:
        assert (one / name).read_bytes() == (single / name).read_bytes()
