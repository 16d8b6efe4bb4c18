"""`taue eval capabilities`: every tick by a measurement, which a bad picture does not pass."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from taue.cli import app
from taue.evaluation.capabilities import CAPABILITIES, CHANGED, Drawn, measured, ticked
from taue.evaluation.capability_page import document, page
from taue.evaluation.capability_sets import LEFT, RIGHT, SETS, asked, companion, other_ground
from taue.evaluation.dataset import Pair, read_data
from taue.evaluation.items import Item, two_layers
from taue.evaluation.rendered import write_rendered
from taue.paddy import scenes
from taue.paddy.judge import Judge
from tiny_networks import save_layerdiffuse

SIDE = 256
FIRST, SECOND = "a red apple", "a blue ball"


def rendered(pair: Pair, beside: str | None = None) -> Item:
    """The truth of a pair: what a perfect method would leave."""
    things = [(pair.foreground, pair.box)] + ([(beside, RIGHT)] if beside else [])
    specs = tuple(
        scenes.ObjectSpec(words.split()[2], words.split()[1], scenes.Box(*box))
        for words, box in things
    )
    whole = scenes.render(scenes.SceneSpec(specs, pair.background, None, 3), SIDE)
    empty = scenes.render(scenes.SceneSpec((), pair.background, None, 3), SIDE).composite
    layers = [one.rgba for one in whole.objects]
    front, mask = layers[0][..., :3], layers[0][..., 3]
    flat = [np.dstack([empty, np.full(mask.shape, 255, np.uint8)]), *layers]
    shown = None if beside is None else whole.composite
    item = Item(whole.composite, empty, front, mask, tuple(flat), shown)
    if beside is None:
        return replace(item, shown=pasted(empty, front, mask))
    return replace(item, subjects=2)


def pasted(ground: np.ndarray, front: np.ndarray, mask: np.ndarray) -> np.ndarray:
    alpha = mask[..., None] / 255
    return (alpha * front + (1 - alpha) * ground).round().astype(np.uint8)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.load()


@pytest.fixture(scope="module")
def truth() -> Drawn:
    told = {
        "id": "1", "image": "images/1.png", "annotation": 1, "foreground": FIRST,
        "background": "a sunny beach", "scene": "a red apple on a sunny beach", "seed": 1,
    }  # fmt: skip
    left = Pair.model_validate({**told, "box": LEFT})
    right, elsewhere = (
        left.model_copy(update=change)
        for change in ({"box": RIGHT}, {"background": "a green meadow"})
    )
    return Drawn(
        pair=left, right_pair=right, elsewhere_pair=elsewhere, second=SECOND,
        left=rendered(left), right=rendered(right), elsewhere=rendered(elsewhere),
        two=rendered(left, SECOND),
    )  # fmt: skip


def test_the_truth_has_every_tick(judge: Judge, truth: Drawn) -> None:
    told = measured(judge, [truth], weights=False)
    assert told == {key: {"of": 1, "yes": 1} for key in CAPABILITIES}
    assert measured(judge, [truth], weights=True)["training_free"] == {"of": 1, "yes": 0}


@pytest.mark.slow
def test_each_tick_is_lost_by_what_it_is_for(judge: Judge, truth: Drawn) -> None:
    good = truth.left
    assert good.background is not None and good.foreground is not None and good.mask is not None
    grey = np.full_like(good.composite, 128)
    opaque = np.full_like(good.mask, 255)
    faults = {
        "foreground": replace(good, mask=opaque),
        "background": replace(good, background=good.composite),
        "composite": replace(good, composite=good.background),
        "adds_up": replace(good, layers=two_layers(grey, good.foreground, good.mask)),
        "training_free": replace(good, cost=good.cost.model_copy(update={"warnings": [CHANGED]})),
    }
    for key, item in faults.items():
        told = measured(judge, [replace(truth, left=item)], weights=False)
        assert told[key]["yes"] == 0, key
    moved = replace(truth, right=truth.left)
    assert measured(judge, [moved], weights=False)["layout"]["yes"] == 0
    for other in (truth.left, replace(truth.elsewhere, foreground=grey), truth.right):
        kept = replace(truth, elsewhere=other)
        assert measured(judge, [kept], weights=False)["replacement"]["yes"] == 0
    assert truth.two is not None
    ground, one, two = truth.two.layers
    both = np.where(one[..., 3:] > 0, one, two)
    for pair in (None, replace(truth.two, layers=(ground, both, both)), replace(good, subjects=1)):
        assert measured(judge, [replace(truth, two=pair)], weights=False)["several"]["yes"] == 0
    bare = Item(good.composite)
    without = measured(judge, [replace(truth, left=bare, elsewhere=bare)], weights=False)
    assert [key for key, told in without.items() if told["yes"]] == [
        "composite", "layout", "several", "training_free",
    ]  # fmt: skip


def test_the_page_says_what_was_counted() -> None:
    assert ticked({"of": 5, "yes": 4}) and not ticked({"of": 5, "yes": 3})
    assert not ticked({"of": 0, "yes": 0})
    counts = {key: {"of": 5, "yes": place} for place, key in enumerate(CAPABILITIES)}
    methods = {
        "ours": {"source": "x", "measured": counts},
        "other": {"source": "y", "missing": "its weights are not there"},
    }
    text = page(document("paddy", 5, methods))
    (row,) = [line for line in text.splitlines() if line.startswith("| `ours`")]
    assert row.startswith("| `ours` | - 0/5 | - 1/5 | - 2/5 | - 3/5 | ✓ 4/5 | ✓ 5/5 |")
    assert "`other` was not measured: its weights are not there." in text
    (other,) = [line for line in text.splitlines() if line.startswith("| `other`")]
    assert other.count("| not measured ") == len(CAPABILITIES)
    assert all(f"**{one.title}**" in text for one in CAPABILITIES.values())


def test_the_pages_figures_are_the_committed_ones() -> None:
    docs = Path(__file__).parent.parent / "docs"
    told = json.loads((docs / "capabilities.json").read_text(encoding="utf-8"))
    assert (docs / "capabilities.md").read_text(encoding="utf-8") == page(told)
    from taue.evaluation.methods import methods_of

    assert list(told["methods"]) == methods_of("sdxl")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "paddy"
    write_rendered(out, 2, seed=3, side=64)
    return out


def call(data: Path, out: Path, model: Path, *more: str | Path) -> Result:
    options = ["--data", data, "--out", out, "--model", model, "--steps", "2", "--width", "64"]
    options += ["--height", "64", "--device", "cpu", *more]
    return CliRunner().invoke(app, ["eval", "capabilities", *map(str, options)])


@pytest.mark.parametrize(
    "wrong", [("--model", "./nothing"), ("--width", "63"), ("--device", "gpu")]
)
def test_what_cannot_be_drawn_is_refused_before_anything_is_written(
    wrong: tuple[str, str], data: Path, tmp_path: Path
) -> None:
    done = call(data, tmp_path / "out", Path("paddy"), *wrong)
    assert done.exit_code == 2 and wrong[0][2:] in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_sets_ask_for_what_their_names_say(data: Path) -> None:
    pairs = read_data(data).pairs
    for name in SETS:
        for one, own in zip(asked(pairs, name), pairs, strict=True):
            assert one.box == (RIGHT if name == "right" else LEFT)
            assert (one.background != own.background) == (name == "elsewhere")
            assert one.background in one.scene and one.foreground == own.foreground
    assert other_ground(pairs, 0) == pairs[1].background
    assert companion(pairs, 1) == pairs[0].foreground


@pytest.mark.slow
def test_every_method_is_measured_at_tiny_size_and_it_goes_on(
    data: Path, tiny_sdxl: Path, tmp_path: Path
) -> None:
    from taue.pipeline import TauePipeline

    unet = TauePipeline.from_pretrained(tiny_sdxl).unet
    weights = save_layerdiffuse(tmp_path / "weights", unet)
    names = ["taue", "tkg", "layerdiffuse"]
    more = [*(part for name in names for part in ("--method", name)), "--layerdiffuse", weights]
    out = tmp_path / "out"
    done = call(data, out, tiny_sdxl, *more)
    assert done.exit_code == 0, done.stderr
    told = json.loads((out / "capabilities.json").read_text())
    assert list(told["methods"]) == names
    rows = {name: one["measured"] for name, one in told["methods"].items()}
    assert {name: row["training_free"]["yes"] for name, row in rows.items()} == {
        "taue": 2, "tkg": 2, "layerdiffuse": 0,
    }  # fmt: skip
    # Random weights draw no apples, but tkg and ours paste and cut as they should.
    assert rows["tkg"]["adds_up"]["yes"] == rows["taue"]["adds_up"]["yes"] == 2
    assert not any(row["foreground"]["yes"] for row in rows.values())
    assert (out / "runs/taue/two").is_dir() and not (out / "runs/tkg/two").exists()
    text = (out / "capabilities.md").read_text(encoding="utf-8")
    again = call(data, out, tiny_sdxl, *more)
    assert again.stdout.count("0 made, 2 of 2 are there") == 10
    assert (out / "capabilities.md").read_text(encoding="utf-8") == text
    left_out = call(data, out, tiny_sdxl, "--method", "layerdiffuse")
    assert left_out.exit_code == 0
    assert "its weights are not there" in (out / "capabilities.md").read_text(encoding="utf-8")


def test_what_the_judge_has_no_words_for_is_one_sentence(
    data: Path, tiny_sdxl: Path, tmp_path: Path
) -> None:
    import shutil

    strange = tmp_path / "strange"
    shutil.copytree(data, strange)
    path = strange / "pairs.jsonl"
    own = read_data(data).pairs[0].foreground
    path.write_text(path.read_text().replace(f'"{own}"', '"a giraffe"'))
    for source, more, sentence in (
        (strange, [], "pair 000001 is not in paddy's words, which alone the judge knows"),
        (data, ["--method", "magic"], "method is 'magic'; choose among taue"),
        (tmp_path, [], "is no evaluation set"),
    ):
        done = call(source, tmp_path / "out", tiny_sdxl, *more)
        assert done.exit_code == 2
        assert sentence in done.stderr
        assert len(done.stderr.splitlines()) == 1
