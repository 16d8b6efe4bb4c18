"""`taue eval generate`: every method on tiny models; runs that are killed, shared and refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from drawn_runs import arguments, call
from made_items import perfect
from taue.box import Box
from taue.cli import app
from taue.errors import TaueError
from taue.evaluation.ablation import FACTORS, variants
from taue.evaluation.dataset import DataSet, Pair, read_data
from taue.evaluation.drawn import RunWorkers, draw_run
from taue.evaluation.generate import ATTEMPTS, LOCKS, PairJob, RunPlace, begin, missing
from taue.evaluation.items import Item, read_item
from taue.evaluation.methods import METHODS, ComparedMethod, Drawing
from taue.evaluation.rendered import write_rendered
from taue.evaluation.runs import ITEMS, item_folders, read_run
from taue.scene import Method, Scene
from taue.settings import Settings
from taue.shard import Shard
from taue.work.engines import InProcess, Processes
from taue.work.jobs import DONE, ELSEWHERE, FAILED, THERE
from taue.work.tried import Attempt
from taue.work.worker import Worker

COUNT, KILLS = 3, 10


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "paddy"
    write_rendered(out, COUNT, seed=5, side=64)
    return out


def pictures(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in (run / ITEMS).rglob("*.png")}


# A plain picture costs 2 x 2 samples at 2 steps with guidance; an inpainted one as many.
COSTS = {
    "plain": 4,
    "paper": 12,
    "paper-layout": 12,
    "composite-then-cut": 8,
    "tkg": 8,
    "alfie": 12,
}


@pytest.mark.slow
@pytest.mark.parametrize("method", [*COSTS, "taue"])
def test_every_method_leaves_items_that_can_be_scored(
    method: str, data: Path, tiny_sdxl: Path, tmp_path: Path
) -> None:
    run = tmp_path / method
    done = call(data, run, tiny_sdxl, method=method)
    assert done.exit_code == 0, done.stderr
    assert done.stdout == f"{COUNT} made, {COUNT} of {COUNT} are there: {run}\n"
    about = read_run(run)
    assert (about.method, about.digest) == (method, read_data(data).digest)
    assert about.copies == (method in ("composite-then-cut", "tkg"))
    for folder in item_folders(run / ITEMS).values():
        item = read_item(folder)
        assert item.composite.shape == (64, 64, 3)
        assert item.cost.seconds is not None and item.cost.seconds > 0
        if method == "taue":
            assert item.shown is not None and len(item.layers) == 3
        else:
            assert item.cost.unet_evaluations == COSTS[method]
        if method != "plain":
            assert item.mask is not None and item.foreground is not None
    # The same seed, the same pictures, also without the pair before it.
    second = call(data, tmp_path / "again", tiny_sdxl, "--shard", "2/3", method=method)
    assert second.exit_code == 0
    again = pictures(tmp_path / "again")
    assert again and again.items() <= pictures(run).items()
    scores = CliRunner().invoke(
        app, ["eval", "score", str(run), "--out", str(tmp_path / "t.md"), "--device", "cpu"]
    )
    assert scores.exit_code == 0, scores.stderr
    columns = json.loads((tmp_path / "t.json").read_text())["runs"][0]["columns"]
    assert (columns["psnr_fg"] is None) == (method == "plain")
    if method == "composite-then-cut":
        assert columns["psnr_fg"]["value"] == "infinity"
        assert columns["psnr_bg"] is None or columns["psnr_bg"]["value"] == "infinity"
    if method == "tkg":
        assert columns["recomposition"]["value"] <= 1


@pytest.mark.slow
def test_paddys_own_autoencoder_can_be_inpainted_with(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = call(data, run, Path("paddy"), "--shard", "1/3", method="composite-then-cut")
    assert done.exit_code == 0, done.stderr
    item = read_item(run / ITEMS / "000001")
    assert item.background is not None and not np.array_equal(item.background, item.composite)


@pytest.mark.slow
def test_a_second_call_makes_nothing_again_and_shards_share_the_work(
    data: Path, tiny_sdxl: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert "1 made, 1 of 3 are there" in call(data, run, tiny_sdxl, "--shard", "2/3").stdout
    times = {path: path.stat().st_mtime_ns for path in (run / ITEMS).rglob("*")}
    assert "2 made, 3 of 3 are there" in call(data, run, tiny_sdxl).stdout
    whole = pictures(run)
    assert "0 made, 3 of 3 are there" in call(data, run, tiny_sdxl).stdout
    assert pictures(run) == whole
    assert all(path.stat().st_mtime_ns == old for path, old in times.items())


@pytest.mark.slow
def test_a_command_that_is_killed_ten_times_ends_as_if_it_had_not_been(
    tiny_sdxl: Path, tmp_path: Path
) -> None:
    """Each time when there is an item more, and a little later each time: while the next is drawn
    or written."""
    data, whole, run = tmp_path / "data", tmp_path / "whole", tmp_path / "run"
    # More than are drawn before the last death, however fast the machine.
    write_rendered(data, 5 * KILLS, seed=6, side=64)
    assert call(data, whole, tiny_sdxl).exit_code == 0
    program = [sys.executable, "-c", "from taue.cli import app; app()"]
    finished: dict[Path, tuple[int, int]] = {}
    for time_of_death in range(KILLS):
        before = len(item_folders(run / ITEMS))
        process = subprocess.Popen(
            [*program, *arguments(data, run, tiny_sdxl)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + 120
        while len(item_folders(run / ITEMS)) == before and time.monotonic() < until:
            if process.poll() is not None:
                break
            time.sleep(0.002)
        time.sleep(0.01 * time_of_death)
        process.kill()
        process.wait()
        assert len(item_folders(run / ITEMS)) > before
        now = {
            path: told(path) for one in item_folders(run / ITEMS).values() for path in files(one)
        }
        assert finished.items() <= now.items()  # nothing is drawn again, and nothing lost
        finished = now
    assert call(data, run, tiny_sdxl).exit_code == 0
    assert finished.items() <= {path: told(path) for path in files(run / ITEMS)}.items()
    assert pictures(run) == pictures(whole)
    assert sorted(path.name for path in (run / ITEMS).iterdir()) == sorted(
        item_folders(run / ITEMS)
    )


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def told(path: Path) -> tuple[int, int]:
    """What is another one once a file is written again."""
    about = path.stat()
    return about.st_ino, about.st_mtime_ns


@pytest.mark.slow
def test_an_interrupted_command_says_that_it_goes_on(
    data: Path, tiny_sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taue.evaluation import generate

    real, run = generate.write_item, tmp_path / "run"

    def interrupted_at_the_second(item: Item, folder: Path) -> None:
        real(item, folder)
        if item_folders(run / ITEMS):
            raise KeyboardInterrupt

    monkeypatch.setattr(generate, "write_item", interrupted_at_the_second)
    done = call(data, run, tiny_sdxl)
    assert done.exit_code == 130
    last = done.stderr.splitlines()[-1]
    assert last == "Interrupted; the same command goes on where it was."
    assert list(item_folders(run / ITEMS)) == ["000001"]
    monkeypatch.undo()
    assert "2 made, 3 of 3 are there" in call(data, run, tiny_sdxl).stdout


SCENE = Scene.from_data({"background": "a beach", "subjects": [{"prompt": "a ball"}]})


def made(out: Path, pair: Pair, make: Callable[[Pair], Item]) -> str:
    """What becomes of a pair that a worker of a run is given."""
    worker = Worker(RunPlace(out), lambda jobs: [make(one.pair) for one in jobs])
    [outcome] = worker.work([PairJob(pair.id, 1, pair, SCENE)])
    return outcome.kind


def start(out: Path, data: DataSet, **options: object) -> None:
    begin(out, data, "plain", False, options)


@pytest.mark.slow
def test_ten_kills_lose_and_double_nothing(data: Path, tmp_path: Path) -> None:
    """Killed at each of its ten places, while drawing and while writing."""
    read, run, log = read_data(data), tmp_path / "run", tmp_path / "made.txt"
    start(run, read)

    def work(fatal: int) -> None:
        """What one process does until it is killed at its ``fatal``-th place."""
        passed = 0

        def place() -> None:
            nonlocal passed
            passed += 1
            if passed == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

        def make(pair: Pair) -> Item:
            place()
            with log.open("a") as stream:
                stream.write(f"{pair.id}\n")
            return perfect(read, pair)

        from taue.evaluation import items

        real = items.write_png

        def write_and_perhaps_die(*given: object) -> None:
            real(*given)
            place()

        if fatal:
            items.write_png = write_and_perhaps_die
        for pair in missing(run, read.pairs):
            made(run, pair, make)

    settled: dict[str, int] = {}
    for fatal in range(1, KILLS + 1):
        child = os.fork()
        if child == 0:
            work(fatal)
            os._exit(0)
        os.waitpid(child, 0)
        whole = item_folders(run / ITEMS)
        assert all(read_item(folder).mask is not None for folder in whole.values())
        drawn = Counter(log.read_text().split() if log.exists() else [])
        assert all(drawn[name] == times for name, times in settled.items())
        settled = {name: drawn[name] for name in whole}
    work(0)
    assert missing(run, read.pairs) == []
    assert sorted(path.name for path in (run / ITEMS).iterdir()) == [p.id for p in read.pairs]
    drawn = Counter(log.read_text().split())
    assert all(drawn[name] == times for name, times in settled.items())
    work(0)
    assert Counter(log.read_text().split()) == drawn


def test_an_item_that_another_process_is_at_is_left_to_it(data: Path, tmp_path: Path) -> None:
    read, run = read_data(data), tmp_path / "run"
    start(run, read)
    pair = read.pairs[0]
    with FileLock(run / LOCKS / pair.id):
        assert made(run, pair, lambda _: pytest.fail("made twice")) == ELSEWHERE
    assert made(run, pair, lambda one: perfect(read, one)) == DONE
    assert made(run, pair, lambda _: pytest.fail("made again")) == THERE


def test_a_failure_leaves_no_item(data: Path, tmp_path: Path) -> None:
    read, run = read_data(data), tmp_path / "run"
    start(run, read)

    def fail(_: Pair) -> Item:
        raise TaueError("no memory.")

    assert made(run, read.pairs[0], fail) == FAILED
    assert item_folders(run / ITEMS) == {}
    [noted] = (run / ATTEMPTS).iterdir()
    told = Attempt.model_validate_json(noted.read_bytes())
    assert (told.error, told.final) == ("no memory.", True)


def plainly(model: Path, run: Path, method: Callable[[], ComparedMethod]) -> RunWorkers:
    """Workers that draw at 64 pixels with two steps, in one thread."""
    told = {"model": str(model), "steps": 2, "canvas": {"width": 64, "height": 64}}
    return RunWorkers(
        run, method, Scene.from_data({**SCENE.model_dump(), **told}), "cpu", "auto", 1
    )


@pytest.mark.slow
def test_workers_draw_what_one_process_does_and_a_fatal_pair_is_given_up(
    data: Path, tiny_sdxl: Path, tmp_path: Path
) -> None:
    read, runs = read_data(data), [tmp_path / name for name in ("one", "two")]
    plain = METHODS["plain"]

    def fatal_at_the_second(drawing: Drawing) -> Item:
        if drawing.pair == read.pairs[1]:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain.make(drawing)

    def jobs(crew: RunWorkers) -> list[PairJob]:
        return [
            PairJob(pair.id, n, pair, crew.scene.model_copy(update={"seed": pair.seed}))
            for n, pair in enumerate(read.pairs, 1)
        ]

    for run in runs:
        start(run, read)
    one, two = (plainly(tiny_sdxl, run, lambda: plain) for run in runs)
    assert draw_run(runs[0], jobs(one), InProcess(partial(one.worker, 0))).made == COUNT
    deadly = plainly(tiny_sdxl, runs[1], lambda: replace(plain, make=fatal_at_the_second))
    drawn = draw_run(runs[1], jobs(deadly), Processes(deadly, 2, "fork"))
    assert drawn.made == COUNT - 1
    assert [(job.id, error) for job, error in drawn.failed] == [
        ("000002", "the process that made it ended, 3 times")
    ]
    # What was given up is tried anew, where it is asked for again.
    assert draw_run(runs[1], jobs(two)[1:2], Processes(two, 1, "fork")).made == 1
    assert pictures(runs[1]) == pictures(runs[0])
    assert list((runs[1] / ATTEMPTS).iterdir()) == []


@pytest.mark.slow
def test_a_pair_that_fails_stops_no_other_and_is_tried_again(
    data: Path, tiny_sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, plain, tries = tmp_path / "run", METHODS["plain"], list[str]()

    def failing_at_the_first(drawing: Drawing) -> Item:
        tries.append(drawing.pair.id)
        if drawing.pair.id == "000001":
            raise RuntimeError("it does not converge")
        return perfect(read_data(data), drawing.pair)

    monkeypatch.setitem(METHODS, "plain", replace(plain, make=failing_at_the_first))
    done = call(data, run, tiny_sdxl)
    assert done.exit_code == 2
    assert "2 made, 2 of 3 are there" in done.stdout
    assert "pair 000001 failed (RuntimeError('it does not converge')); all that" in done.stderr
    assert tries == ["000001", "000002", "000003", "000001", "000001"]
    monkeypatch.undo()
    again = call(data, run, tiny_sdxl)
    assert again.exit_code == 0 and "1 made, 3 of 3 are there" in again.stdout
    assert list((run / ATTEMPTS).iterdir()) == []


@pytest.mark.slow
@given(st.integers(0, 40), st.integers(1, 9))
def test_shards_part_a_set(length: int, count: int) -> None:
    pairs = [str(i) for i in range(length)]
    parts = [Shard.parse(f"{k}/{count}").of(pairs) for k in range(1, count + 1)]
    assert sorted(one for part in parts for one in part) == sorted(pairs)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_another_run_and_bad_options_are_one_sentence(
    data: Path, tiny_sdxl: Path, tmp_path: Path
) -> None:
    read, run, other = read_data(data), tmp_path / "run", tmp_path / "other"
    begin(run, read, "plain", False, {"steps": 2})
    begin(run, read, "plain", False, {"steps": 2})
    write_rendered(other, 2, seed=6, side=64)
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").touch()
    for method, options, source, out, sentence in (
        ("taue", {"steps": 2}, read, run, "is of method plain and not taue"),
        ("plain", {"steps": 3}, read, run, "is of steps 2 and not 3"),
        ("plain", {"steps": 2}, read_data(other), run, "is of another data set"),
        ("plain", {"steps": 2}, read, full, "exists and is no run"),
    ):
        with pytest.raises(TaueError, match=sentence):
            begin(out, source, method, False, options)
    out = tmp_path / "new"
    for more, sentence in (
        (["--shard", "4/3"], "shard is '4/3'; give K/N"),
        (["--shard", "0/3"], "shard is '0/3'; give K/N"),
        (["--method", "magic"], "method is 'magic'; choose among taue, paper, paper-layout, plain"),
        (["--workers", "0"], "workers is 0; give a whole number from 1"),
        (["--steps", "1"], "steps"),
        (["--data", str(tmp_path)], "is no evaluation set"),
        (["--model", "no/such/model"], "model no/such/model is missing"),
    ):
        done = call(data, out, tiny_sdxl, *more)
        assert done.exit_code == 2, more
        assert sentence in done.stderr
        assert not out.exists()


def test_alfie_asks_for_a_plain_ground_where_the_model_knows_the_words(tiny_sdxl: Path) -> None:
    from taue.evaluation.methods.alfie import alone_prompt

    assert alone_prompt(str(tiny_sdxl), "a cup") == "a cup on a white background"
    assert alone_prompt("paddy", "a red cup") == "a red cup"


def test_alfie_names_what_it_needs(
    data: Path, tiny_sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    done = call(data, tmp_path / "run", tiny_sdxl, method="alfie")
    assert done.exit_code == 2
    assert "method alfie needs OpenCV for GrabCut" in done.stderr


def test_otsu_parts_two_classes_and_the_largest_part_is_whole() -> None:
    from taue.evaluation.methods.regions import grown, largest_part, otsu

    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0.2, 0.03, 500), rng.normal(0.7, 0.03, 100)])
    assert 0.3 < otsu(values.astype(np.float32)) < 0.6
    assert 0 <= otsu(np.zeros((4, 4), np.float32)) <= 1
    region = np.zeros((40, 40), bool)
    region[5:20, 5:20] = True
    region[10:12, 10:12] = False
    region[30:33, 30:33] = True
    part = largest_part(region)
    assert part.sum() == 15 * 15
    assert not largest_part(np.zeros((4, 4), bool)).any()
    assert grown(part).sum() == 28 * 28


def test_tkg_shifts_its_channels_away_from_the_box_until_their_share_has_grown() -> None:
    import torch

    from taue.evaluation.methods.tkg import GROWTH, keyed, keyed_alpha, shift_of

    noise = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(0))
    for channel in range(4):
        plane = noise[:, channel]
        grown = (plane + shift_of(plane, GROWTH) > 0).float().mean() - (plane > 0).float().mean()
        assert grown.item() == pytest.approx(GROWTH, abs=1e-3)
        assert shift_of(plane, GROWTH) == pytest.approx(0.28, abs=0.03)
    moved = keyed(noise, Box(0.5, 0.5, 0.5, 0.5)) - noise
    assert moved[:, [0, 3]].abs().max() == 0
    assert moved[0, 1, 48, 48] < 0.01
    assert moved[0, 1, 0, 0] > 0.25
    picture = np.full((32, 32, 3), (20, 230, 20), np.uint8)
    picture[8:24, 8:24] = (200, 20, 200)
    alpha = keyed_alpha(picture)
    assert np.array_equal(alpha > 0.5, (picture == (200, 20, 200)).all(-1))


def ablation(data: Path, out: Path, model: Path, *more: str) -> Result:
    given = arguments(data, out, model)
    del given[given.index("--method") : given.index("--method") + 2]
    given[1] = "ablation"
    return CliRunner().invoke(app, [*given, *more])


@pytest.mark.slow
def test_an_ablation_changes_one_factor_at_a_time_and_goes_on(
    tiny_sdxl: Path, tmp_path: Path
) -> None:
    data, pairs = tmp_path / "pairs", 2
    write_rendered(data, pairs, seed=5, side=64)
    out, asked = tmp_path / "out", ["--method", "paper", "--steps", "4", "--factor", "colour"]
    done = ablation(data, out, tiny_sdxl, *asked, "--factor", "crop", "--factor", "blending")
    assert done.exit_code == 0, done.stderr
    # The paper's own key and ratio are the method as it is.
    names = ["paper", "on-magenta", "crop-25", "crop-75", "noise-free", "attention-free"]
    wanted = ["paper", *(f"paper-{name}" for name in names[1:])]
    rows = json.loads((out / "table.json").read_text())["runs"]
    assert [row["name"] for row in rows] == [row["method"] for row in rows] == wanted
    drawn = [pictures(out / "runs" / name) for name in wanted]
    assert all(drawn[0] != other for other in drawn[1:])
    page = (out / "ablation.md").read_text(encoding="utf-8")
    assert "| **paper** | 2 |" in page and "| crop-25 | 2 |" in page
    cells = json.loads((out / "ablation.json").read_text())["cells"]
    assert [cell["run"] for cell in cells] == wanted
    again = ablation(data, out, tiny_sdxl, *asked, "--no-score")
    assert again.stdout.count(f"0 made, {pairs} of {pairs} are there") == 2
    # Shards draw and leave the scores to a last call, which draws nothing.
    # Its base is the method's own run, wherever that was drawn.
    shared = tmp_path / "shared"
    base = call(data, shared / "runs/paper", tiny_sdxl, "--steps", "4", method="paper")
    assert base.exit_code == 0, base.stderr
    for part in (["--shard", "1/2"], ["--shard", "2/2", "--workers", "2"]):
        done = ablation(data, shared, tiny_sdxl, *asked, *part, "--no-score")
        assert done.exit_code == 0, done.stderr
        assert [line.split(",")[0] for line in done.stdout.splitlines()] == ["0 made", "1 made"]
        assert not (shared / "table.md").exists()
    none = ablation(data, tmp_path / "none", tiny_sdxl, *asked, "--no-draw")
    assert none.exit_code == 2 and "has no pictures to score" in none.stderr
    done = ablation(data, shared, tiny_sdxl, *asked, "--no-draw")
    assert done.exit_code == 0, done.stderr
    assert pictures(shared / "runs/paper-on-magenta") == pictures(out / "runs/paper-on-magenta")
    assert "| on-magenta | 2 |" in (shared / "ablation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            ["--factor", "hue"],
            "choose among crop, filter, unfiltered, noise, blending,",
        ),
        (["--method", "tkg"], "method is 'tkg'; choose among taue, paper, paper-layout."),
    ],
)
def test_what_an_ablation_cannot_do_is_said(
    data: Path, tiny_sdxl: Path, tmp_path: Path, more: list[str], message: str
) -> None:
    done = ablation(data, tmp_path / "out", tiny_sdxl, *more)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "out").exists()


def test_every_factor_has_settings_that_both_methods_take() -> None:
    for base in ("taue", "paper"):
        own = Settings.of(base)
        for one in variants([base], list(FACTORS)):
            changed = Settings.of(base, **one.changes)
            assert (changed == own) == (one.name == base)
            assert Method.model_validate({"base": base, **one.changes})
