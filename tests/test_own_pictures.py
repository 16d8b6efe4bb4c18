"""Users' own pictures: read from whatever they are, on the canvas, and in a scene with light."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from called import call, pictures_and_scene, worked
from taue import Box, Layers, Scene, Subject, TauePipeline
from taue.disk import pictures
from taue.disk.pictures import read_own
from taue.errors import TaueError
from taue.own_pictures import covering, standing
from taue.settings import Settings

WIDTH, HEIGHT = 72, 96
RED, CLEAR = (200, 40, 30, 255), (0, 0, 0, 0)


def cut_out(side: int = 40) -> Image.Image:
    """A red square on nothing, half as wide as it is, with a soft rim."""
    picture = Image.new("RGBA", (side, side), CLEAR)
    picture.paste((*RED[:3], 200), (side // 4, side // 4, 3 * side // 4, 3 * side // 4))
    inner = side // 4 + 2
    picture.paste(RED, (inner, inner, side - inner, side - inner))
    return picture


def photo(width: int = 150, height: int = 100) -> Image.Image:
    """No two columns alike."""
    rows, columns = np.indices((height, width))
    return Image.fromarray(
        np.dstack([255 * columns // width, 255 * rows // height, 0 * rows]).astype(np.uint8)
    )


def saved(picture: Image.Image, path: Path, **options: Any) -> Path:
    picture.save(path, **options)
    return path


# --- files of any kind ---------------------------------------------------------------------------


def test_a_picture_stands_as_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    lying = photo().transpose(Image.Transpose.ROTATE_90)
    path = saved(lying, tmp_path / "phone.jpg", exif=exif, quality=98)
    read = read_own(path)
    assert read.size == (150, 100)
    assert np.abs(np.asarray(read).astype(int) - np.asarray(photo())).mean() < 3
    assert not read.getexif()


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    values = np.array([[0, 257, 128 * 257, 65_535]], np.uint16)
    path = saved(Image.fromarray(values), tmp_path / "deep.png")
    assert np.asarray(read_own(path))[0, :, 0].tolist() == [0, 1, 128, 255]


@pytest.mark.parametrize(
    ("mode", "ending"), [("CMYK", "jpg"), ("CMYK", "tif"), ("L", "png"), ("P", "gif"), ("1", "bmp")]
)
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str, ending: str) -> None:
    grey = Image.new("RGB", (8, 8), (255, 255, 255))
    read = read_own(saved(grey.convert(mode), tmp_path / f"white.{ending}"))
    assert read.mode == "RGB"
    assert np.asarray(read).min() >= 250


def test_transparency_of_a_palette_is_alpha(tmp_path: Path) -> None:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    picture.putpixel((0, 0), 0)
    read = read_own(saved(picture, tmp_path / "web.png", transparency=0))
    assert read.mode == "RGBA"
    pixels = np.asarray(read)
    assert pixels[0, 0, 3] == 0
    assert pixels[1, 1].tolist() == [255, 0, 0, 255]


def test_a_profile_is_heeded(tmp_path: Path) -> None:
    """In a Lab-like profile the same numbers are another colour; sRGB's own change nothing."""
    told = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    stream = io.BytesIO()
    photo().save(stream, "PNG", icc_profile=told.tobytes())
    (tmp_path / "srgb.png").write_bytes(stream.getvalue())
    np.testing.assert_array_equal(read_own(tmp_path / "srgb.png"), photo())
    broken = saved(photo(), tmp_path / "broken.png", icc_profile=b"no profile")
    np.testing.assert_array_equal(read_own(broken), photo())


def test_many_pixels_are_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LARGEST_AREA", 4000)
    for ending in ("png", "jpg"):
        read = read_own(saved(photo(), tmp_path / f"large.{ending}"))
        assert read.size == (75, 50)
        assert np.abs(np.asarray(read.resize((150, 100))).astype(int) - photo()).mean() < 4
    monkeypatch.setattr(pictures, "LARGEST_PHOTO", 10_000)
    with pytest.raises(TaueError, match="is too large; give at most"):
        read_own(tmp_path / "large.png")


@pytest.mark.slow
def test_a_hundred_megapixels_are_read_in_one_piece(tmp_path: Path) -> None:
    path = tmp_path / "hundred.png"
    Image.new("1", (12_500, 8_000)).save(path)
    assert read_own(path).size == (6250, 4000)


def test_what_is_no_picture_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("words")
    whole = saved(photo(), tmp_path / "whole.png").read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "float.tif")
    says = {
        "words.png": "is no picture that can be read; save it as one of JPEG, PNG",
        "half.png": "is no readable picture",
        "float.tif": "floating point; save it in 8 bits a channel",
        "none.png": "is missing or no file",
    }
    for name, sentence in says.items():
        with pytest.raises(TaueError, match=sentence) as caught:
            read_own(tmp_path / name)
        assert len(str(caught.value).splitlines()) == 1


# --- on the canvas -------------------------------------------------------------------------------


def test_a_photo_covers_the_canvas_from_its_middle() -> None:
    fitted = np.asarray(covering(photo(300, 100), (50, 50))).astype(int)
    assert fitted.shape == (50, 50, 3)
    assert abs(fitted[:, 0, 0].mean() - 85) < 4  # the middle third
    assert abs(fitted[:, -1, 0].mean() - 170) < 4
    same = photo(72, 96)
    assert covering(same, (96, 72)) is same


@settings(deadline=None, max_examples=25)
@given(
    st.integers(8, 300),
    st.floats(0.1, 0.9),
    st.floats(0.1, 0.9),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
)
@example(side=8, width=0.875, height=0.75, across=0.0, down=0.0)
def test_a_cut_out_stands_in_its_box(
    side: int, width: float, height: float, across: float, down: float
) -> None:
    box = Box(across * (1 - width), down * (1 - height), width, height)
    edge = 200 / 255 / 2  # half of what its rim has, so wherever enlarging blurs it
    alpha = standing(cut_out(side), box, (HEIGHT, WIDTH))[..., 3] > edge
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    room = box.width * WIDTH, box.height * HEIGHT
    assert abs(rows[-1] + 1 - (box.y + box.height) * HEIGHT) <= 3
    assert abs((columns[0] + columns[-1] + 1) / 2 - box.centre[0] * WIDTH) <= 2
    assert abs(len(columns) - min(room)) <= 4 + min(room) / 8


def test_a_cut_out_of_the_right_size_keeps_its_pixels() -> None:
    picture = cut_out(40)
    box = Box(10 / WIDTH, 30 / HEIGHT, 20 / WIDTH, 20 / HEIGHT)
    placed = (standing(picture, box, (HEIGHT, WIDTH)) * 255).round().astype(np.uint8)
    there, own = placed[30:50, 10:30], np.asarray(picture)[10:30, 10:30]
    np.testing.assert_array_equal(there, own)
    assert placed[..., 3].sum() == own[..., 3].sum(dtype=int)


def test_a_speck_enlarged_takes_no_more_than_the_canvas() -> None:
    picture = Image.new("RGBA", (5000, 5000), (9, 9, 9, 1))
    picture.putpixel((2500, 2500), RED)
    assert standing(picture, Box(0, 0, 1, 1), (HEIGHT, WIDTH))[..., 3].max() == 1


# --- in a scene ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pipe(tiny_sdxl: Path) -> TauePipeline:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def made(pipe: TauePipeline, subjects: Any, **changes: Any) -> Layers:
    given: dict[str, Any] = {
        "background": "desert",
        "num_inference_steps": 3,
        "height": HEIGHT,
        "width": WIDTH,
        "generator": torch.Generator().manual_seed(1),
    }
    return pipe(subjects, **{**given, **changes})


@pytest.mark.slow
def test_a_photo_is_the_background_to_the_last_bit(pipe: TauePipeline) -> None:
    layers = made(pipe, ["a red apple"], background_image=photo())
    np.testing.assert_array_equal(layers.background, covering(photo(), (HEIGHT, WIDTH)))
    assert [r.stage for r in layers.records][:2] == ["foreground", "composite"]
    assert not any(record.stage == "background" for record in layers.records)
    stack = layers.stack()
    np.testing.assert_array_equal(stack.merged, layers.composite)
    untouched = np.all([np.asarray(e)[..., 3] == 0 for e in layers.effects], axis=0)
    untouched &= np.asarray(layers.subjects[0].image)[..., 3] == 0
    np.testing.assert_array_equal(
        np.asarray(layers.composite)[untouched], np.asarray(layers.background)[untouched]
    )


def test_far_from_its_subjects_a_composite_is_the_photo(pipe: TauePipeline) -> None:
    """What the model draws around them is released with them; the rest is held to the end."""
    small = Subject("a red apple", image=cut_out(), box=Box(0.1, 0.4, 0.2, 0.2))
    # On a grid of 16 x 16 two cells and a half around the subject are free.
    layers = made(
        pipe, [small], background_image=photo(), height=128, width=128, output_type="latent"
    )
    seedling, composite = layers.seedlings[0], layers.composite[0]
    assert seedling.final is not None
    columns = torch.arange(16)[None].expand(16, 16)
    far = columns > torch.where(seedling.mask > 0, columns, 0).max() + 3
    assert far.any()
    torch.testing.assert_close(composite[:, far], layers.background[0][:, far])
    near = (seedling.mask == 0) & ~far
    assert (composite - layers.background[0])[:, near].abs().amax() > 0.1


@pytest.mark.slow
def test_without_harmony_a_cut_out_keeps_its_pixels(pipe: TauePipeline) -> None:
    whole = Image.new("RGBA", (WIDTH, HEIGHT), CLEAR)
    whole.paste(cut_out(), (10, 30))
    one = Subject("a red apple", image=whole)
    layers = made(pipe, [one, "a blue ball"], settings=Settings(harmony=0))
    seen = np.asarray(whole)[..., 3] > 0
    np.testing.assert_array_equal(
        np.asarray(layers.subjects[0].image)[seen], np.asarray(whole)[seen]
    )
    np.testing.assert_array_equal(np.asarray(layers.subjects[0].image)[..., 3], whole.getchannel(3))
    assert layers.records[0].subjects == (2,)  # the ball alone is grown


def test_a_cut_out_keeps_its_shape_whatever_the_light(pipe: TauePipeline) -> None:
    box = Box(0.1, 0.3, 0.6, 0.5)
    one = Subject("a red apple", image=cut_out(), box=box)
    layers = made(pipe, [one], background_image=photo())
    shape = standing(cut_out(), box, (HEIGHT, WIDTH))[..., 3]
    np.testing.assert_array_equal(
        np.asarray(layers.subjects[0].image)[..., 3], (shape * 255).round()
    )
    assert layers.sources == []
    assert not layers.warnings


def test_pictures_that_do_not_do_are_refused_by_their_field(pipe: TauePipeline) -> None:
    opaque, empty = Image.new("RGB", (9, 9)), Image.new("RGBA", (9, 9))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"subjects": [Subject("a ball", image=opaque)]}, "has no transparent parts; cut the obj"),
        ({"subjects": [Subject("a ball", image=empty)]}, "is transparent everywhere; give one"),
        ({"background_image": cut_out()}, "has transparent parts; flatten it first"),
        ({"background_image": 3}, "background_image is 3; give a path or, in Python, a picture"),
        (
            {"background_image": photo(), "settings": Settings.paper()},
            'background_image needs layering "first"',
        ),
    ]
    for changes, says in wrong:
        with pytest.raises(TaueError, match=says):
            made(pipe, **{"subjects": ["a blue ball"], **changes})


# --- on the command line -------------------------------------------------------------------------


def refused(*arguments: Any) -> str:
    done = call(*arguments)
    assert done.exit_code == 2, done.output
    return done.stderr


@pytest.mark.slow
def test_a_result_of_own_pictures_repeats_moves_and_goes_elsewhere(
    tiny_sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(photo(), tmp_path / "desert.png")
    saved(cut_out(), tmp_path / "apple.png")
    worked(
        "generate", "--model", tiny_sdxl, "--width", WIDTH, "--height", HEIGHT, "--steps", 2,
        "--subject", "a blue ball", "--subject-image", "",
        "--subject", "a red apple", "--subject-image", "apple.png",
        "--background", "desert", "--background-image", "desert.png", "--out", "one",
    )  # fmt: skip
    (tmp_path / "desert.png").unlink()
    (tmp_path / "apple.png").unlink()
    text = (tmp_path / "one" / "scene.toml").read_text()
    assert 'background_image = "pictures/background.png"' in text
    assert 'image = "pictures/subject-2.png"' in text
    report = json.loads((tmp_path / "one" / "report.json").read_text())
    assert report["subjects"][1] == {"subject": 2, "cut_from": "image"}
    inside = Scene.load(next((tmp_path / "one" / "layers").glob("*.png")))
    assert inside.background_image is not None
    assert inside.background_image.whole().size == (WIDTH, HEIGHT)

    worked("generate", "one/composite.png", "--out", "twin")
    assert pictures_and_scene(tmp_path / "one") == pictures_and_scene(tmp_path / "twin")
    worked("move", "one", "--subject", "2", "--box", "0.5,0.1,0.4,0.4", "--out", "moved")
    worked("rebackground", "moved", "--background", "dark meadow", "--out", "other")
    other = Scene.load(tmp_path / "other")
    assert other.background_image is None
    assert other.first_background_image is not None
    worked("generate", "other", "--out", "other-twin")
    assert pictures_and_scene(tmp_path / "other") == pictures_and_scene(tmp_path / "other-twin")


def test_bad_pictures_are_refused_before_the_model_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    saved(photo(), tmp_path / "photo.jpg")
    given = ["generate", "--model", "/no/such/model", "--out", "out"]
    apple = ["--subject", "a red apple", "--background", "desert"]
    says = refused(*given, *apple, "--subject-image", "photo.jpg")
    assert "photo.jpg' has no transparent parts; cut the object out first" in says
    says = refused(*given, *apple, "--background-image", "none.jpg")
    assert "none.jpg' is missing or no file; check its name" in says
    says = refused(*given, *apple, "--subject-image", "a.png", "--subject-image", "b.png")
    assert "subject-image is given 2 times for 1 subject;" in says
    assert not Path("out").exists()


def test_what_the_method_cannot_use_is_said_before_a_model_is_loaded(tmp_path: Path) -> None:
    saved(photo(), tmp_path / "photo.png")
    told = refused(
        "generate", "--subject", "a", "--background", "b", "--method", "paper",
        "--background-image", tmp_path / "photo.png", "--model", "nobody/nothing",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert told.startswith('Error: background_image needs layering "first"')
