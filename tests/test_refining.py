"""``taue regrow``: what is kept stays, what is edited in a layered file counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from called import call, worked
from taue import Layers, Scene
from taue.edits import edits_of, shifted_pixels
from taue.errors import TaueError
from taue.files.layered import save
from taue.stack.model import Layer, Stack

SIDE = 24


def layer(name: str, role: str, subject: int | None, left: int, top: int, size: int) -> Layer:
    """A square of two colours, so that a turned one is another."""
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    pixels[top : top + size, left : left + size] = (200, 10 * len(name), 30, 255)
    pixels[top, left : left + size // 2, :3] = 9
    return Layer(name, role, subject, pixels, str(subject))


def stack(*, shadow: int = 4, apple: tuple[int, int] = (2, 3), grey: int = 120) -> Stack:
    """A background, two subjects with their shadows, the first of them at (left, top)."""
    ground = np.full((SIDE, SIDE, 4), (grey, 140, 90, 255), np.uint8)
    layers = (
        Layer("background", "background", None, ground),
        layer("effects of apple", "effects", 1, 2, 10, shadow),
        layer("effects of ball", "effects", 2, 12, 20, 3),
        layer("apple", "subject", 1, *apple, 6),
        layer("ball", "subject", 2, 12, 12, 5),
    )
    return Stack("exact", layers, ground[..., :3])


def only(changed: Stack, *names: str) -> Stack:
    """A stack with these layers alone, in this order."""
    by_name = {one.name: one for one in changed.layers}
    return Stack(changed.mode, tuple(by_name[name] for name in names), changed.merged)


@pytest.mark.parametrize("ending", ["psd", "ora"])
def test_a_file_that_nobody_touched_changes_nothing(tmp_path: Path, ending: str) -> None:
    edits = edits_of(save(stack(), tmp_path / f"same.{ending}"), stack())
    assert [(one.number, one.moved_by, one.pixels) for one in edits.subjects] == [
        (1, (0, 0), None),
        (2, (0, 0), None),
    ]
    assert edits.background is None
    assert edits.said == ()


@pytest.mark.parametrize("ending", ["psd", "ora"])
def test_what_was_changed_is_found(tmp_path: Path, ending: str) -> None:
    changed = stack(shadow=7, apple=(9, 1), grey=60)
    edits = edits_of(save(changed, tmp_path / f"changed.{ending}"), stack())
    assert edits.subjects[0].moved_by == (-2, 7)
    assert edits.subjects[0].pixels is None
    assert edits.background is not None
    assert (edits.background[..., 0] == 60).all()
    assert edits.said == (
        "the background was repainted.",
        "layer 'effects of apple' was edited, but light and shadow are made anew.",
        "subject 'apple' was moved.",
    )


def test_order_strangers_and_what_is_gone_are_told(tmp_path: Path) -> None:
    sketch = layer("sketch", "subject", 3, 1, 1, 3)
    whole = stack()
    whole = Stack(whole.mode, (*whole.layers, sketch), whole.merged)
    # Written as the file has them: one subject to a group, from the lowest.
    path = save(only(whole, "background", "ball", "sketch"), tmp_path / "some.ora")
    edits = edits_of(path, stack())
    assert [one.number for one in edits.subjects] == [2]
    assert edits.said == (
        "layer 'sketch' is unknown, and left out.",
        "subject 'apple' is not in the file, and removed.",
    )
    turned = save(only(whole, "background", "ball", "apple"), tmp_path / "turned.ora")
    assert [one.number for one in edits_of(turned, stack()).subjects] == [2, 1]


def test_a_repainted_subject_has_the_files_pixels(tmp_path: Path) -> None:
    own, other = stack(), stack()
    pixels = other.layers[3].pixels
    pixels[4, 4] = (1, 2, 3, 128)
    edits = edits_of(save(other, tmp_path / "painted.psd"), own)
    found = edits.subjects[0].pixels
    assert found is not None
    assert found[4, 4].tolist() == [1, 2, 3, 128]
    assert edits.said == ("subject 'apple' was changed: it is taken from the file.",)


def test_files_that_cannot_be_are_refused(tmp_path: Path) -> None:
    bare = Layer("apple", "subject", 1, np.ones((8, 8, 4), np.uint8))
    small = Stack("exact", (bare,), np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(TaueError, match="8 x 8 pixels, and the result 24 x 24; keep its size"):
        edits_of(save(small, tmp_path / "small.ora"), stack())
    with pytest.raises(TaueError, match="shows none of the subjects; keep their names"):
        edits_of(save(only(stack(), "background"), tmp_path / "bare.ora"), stack())
    holes = stack()
    holes.layers[0].pixels[3, 3, 3] = 0
    with pytest.raises(TaueError, match="has a background with holes; fill them"):
        edits_of(save(holes, tmp_path / "holes.ora"), stack())


def test_shifting_brings_nothing_from_beyond() -> None:
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 3, 4) + 1
    assert (
        shifted_pixels(shifted_pixels(pixels, (1, -1)), (-1, 1))[:3, 1:] == pixels[:3, 1:]
    ).all()
    assert not shifted_pixels(pixels, (4, 0)).any()


# --- the command ---------------------------------------------------------------------------------


def pixels(path: Path | str) -> np.ndarray:
    return np.asarray(Image.open(path))


@pytest.fixture(scope="module")
def made(tiny_sdxl: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A result with two subjects, of which tiny models show something."""
    out = tmp_path_factory.mktemp("made") / "first"
    worked(
        "generate", "--model", tiny_sdxl, "--steps", 2, "--width", 72, "--height", 96,
        "--subject", "a blue ball", "--name", "ball", "--subject", "a red apple", "--name", "apple",
        "--background", "desert", "--out", out,
    )  # fmt: skip
    return out


@pytest.fixture
def first(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return made


@pytest.mark.slow
def test_one_subject_anew_another_gone_a_third_added(first: Path) -> None:
    before = Layers.load(first)
    kept = before.seedlings[0].layer
    assert kept is not None
    worked(
        "regrow", first, "--subject", "apple", "--seed", 5, "--add", "a red car", "--box",
        "0.1,0.1,0.5,0.5", "--order", 3, "--order", "ball", "--order", "apple", "--out", "second",
    )  # fmt: skip
    scene = Scene.load("second")
    assert [one.prompt for one in scene.subjects] == ["a red car", "a blue ball", "a red apple"]
    assert [one.image is None for one in scene.subjects] == [True, False, True]
    assert scene.subjects[2].seed == 5
    np.testing.assert_array_equal(pixels(first / "background.png"), pixels("second/background.png"))
    own = (kept.permute(1, 2, 0).numpy() * 255).round()[..., 3]
    np.testing.assert_array_equal(pixels("second/pictures/subject-ball.png")[..., 3], own)
    np.testing.assert_array_equal(pixels("second/subject-ball.png")[..., 3], own)
    told = json.loads(Path("second/report.json").read_text())
    drawn = [one["subjects"] for one in told["stages"] if one["stage"] == "foreground"]
    assert drawn == [[1, 3]]
    worked("generate", "second", "--out", "again")
    for path in Path("second").rglob("*.png"):
        assert path.read_bytes() == (Path("again") / path.relative_to("second")).read_bytes()


@pytest.mark.slow
def test_another_name_changes_no_pixel(first: Path) -> None:
    worked("regrow", first, "--rename", "ball=round thing", "--out", "second")
    for name in ("composite", "background", "subject-apple"):
        np.testing.assert_array_equal(pixels(first / f"{name}.png"), pixels(f"second/{name}.png"))
    np.testing.assert_array_equal(
        pixels(first / "subject-ball.png"), pixels("second/subject-round-thing.png")
    )
    assert [one.name for one in Layers.load("second").scene.subjects] == ["round thing", "apple"]


@pytest.mark.slow
def test_an_edited_file_grows_again(first: Path) -> None:
    stacked = Layers.load(first).stack()
    ground = stacked.of("background")[0].pixels
    ground[:5, :, :3] = 200
    save(stacked, Path("edited.psd"))
    told = worked("regrow", first, "--from", "edited.psd", "--out", "second").output
    assert "the background was repainted." in told
    changed = pixels("second/background.png")
    assert (changed[:5] == 200).all()
    np.testing.assert_array_equal(changed[5:], pixels(first / "background.png")[5:])
    untouched = call("regrow", first, "--from", first / "layers.psd", "--out", "third")
    assert untouched.exit_code == 2
    assert "shows nothing that was changed" in untouched.output


BAD: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "nothing is to be changed; give --subject, --add"),
    "unknown": (["--subject", "pear"], "subject is 'pear'; give a number from 1 to 2 or a name"),
    "gone": (["--remove", "ball", "--subject", "ball"], "subject 'ball' was removed; leave it out"),
    "all gone": (["--remove", "1", "--remove", "2"], "subjects is empty; give at least one"),
    "half an order": (["--order", "ball"], "order has 1 of 2 subjects; give each of them once"),
    "no new name": (["--rename", "ball"], "rename is 'ball'; give OLD=NEW"),
    "a name twice": (["--rename", "ball=apple"], "would both be called subject-apple"),
    "boxes": (["--box", "0,0,1,1"], "box is given 1 time for 0 subjects"),
}


@pytest.mark.slow
def test_bad_changes_are_one_sentence(first: Path) -> None:
    for given, says in BAD.values():
        done = call("regrow", first, *given, "--out", "second")
        assert done.exit_code == 2, given
        assert says in done.output, done.output
        assert not Path("second").exists()
