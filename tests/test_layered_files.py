"""PSD, ORA, PNG and WebP: what is written is what is read, and files are whole."""

import io
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image, ImageCms
from psd_tools import PSDImage
from psd_tools.constants import BlendMode, Resource

from made_scenes import NAMES, apart, leftovers, overlapping
from taue.disk.writing import whole_file
from taue.errors import TaueError
from taue.files.layered import flatten_file, save
from taue.stack import Pictures, Stack, exact, flatten, largest_error, raw


@pytest.fixture(scope="module")
def stack() -> Stack:
    return exact(overlapping())


def png(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("ending", ["psd", "ora"])
@pytest.mark.parametrize("make", [exact, raw])
def test_reading_back_shows_the_same(make: object, ending: str, tmp_path: Path) -> None:
    for number, pictures in enumerate((overlapping(), apart())):
        stack = (exact if make is exact else raw)(pictures)
        path = save(stack, tmp_path / f"{number}.{ending}")
        np.testing.assert_array_equal(flatten_file(path), flatten(stack.layers))
        if make is exact:
            assert largest_error(flatten_file(path), pictures.composite) <= 1


def test_psd_tools_reads_identical_layers(stack: Stack, tmp_path: Path) -> None:
    document = PSDImage.open(save(stack, tmp_path / "x.psd"))
    groups = stack.groups()
    assert [child.name for child in document] == [name or "background" for name, _ in groups]
    for child, (name, layers) in zip(document, groups, strict=True):
        assert child.is_group() == (name is not None)
        assert name is None or child.blend_mode == BlendMode.PASS_THROUGH
        found = list(child) if child.is_group() else [child]
        assert [layer.name for layer in found] == [layer.name for layer in layers]
        for layer, given in zip(found, layers, strict=True):
            assert layer.bbox == given.bounds
            values = layer.numpy()
            assert values is not None
            np.testing.assert_array_equal((values * 255).round().astype(np.uint8), given.cropped)
    merged = document.topil(apply_icc=False)
    assert merged is not None
    np.testing.assert_array_equal(np.asarray(merged), stack.merged)
    profile = ImageCms.ImageCmsProfile(
        io.BytesIO(document.image_resources.get_data(Resource.ICC_PROFILE))
    )
    assert "sRGB" in ImageCms.getProfileDescription(profile)


def test_ora_is_as_the_format_wants_it(stack: Stack, tmp_path: Path) -> None:
    path = save(stack, tmp_path / "x.ora")
    assert path.read_bytes()[30:54] == b"mimetypeimage/openraster"  # where file(1) looks
    with zipfile.ZipFile(path) as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type) == ("mimetype", zipfile.ZIP_STORED)
        np.testing.assert_array_equal(png(archive.read("mergedimage.png")), stack.merged)
        assert max(png(archive.read("Thumbnails/thumbnail.png")).shape) <= 256
        image = ET.fromstring(archive.read("stack.xml"))
        assert (image.get("w"), image.get("h")) == ("160", "96")
        root = image.find("stack")
        assert root is not None
        assert [child.get("name") for child in root] == [*NAMES[::-1], "effects", "background"]
        assert [child.get("isolation") for child in root] == ["auto", "auto", "auto", None]
        by_name = {layer.name: layer for layer in stack.layers}
        for element in root.iter("layer"):
            layer = by_name.pop(element.attrib["name"])
            assert (int(element.attrib["x"]), int(element.attrib["y"])) == layer.bounds[:2]
            pixels = png(archive.read(element.attrib["src"]))
            np.testing.assert_array_equal(pixels, layer.cropped)
        assert not by_name


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_folders_hold_every_layer_in_order(stack: Stack, kind: str, tmp_path: Path) -> None:
    folder = save(stack, tmp_path / ("x.webp" if kind == "webp" else "x"))
    names = sorted(path.name for path in folder.iterdir())
    parts = ("background", "effects-1", "effects-2", "subject-1", "subject-2")
    assert names == [f"{i}-{part}.{kind}" for i, part in enumerate(parts)]
    for name, layer in zip(names, stack.layers, strict=True):
        with Image.open(folder / name) as image:
            np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), layer.pixels)
    with pytest.raises(TaueError, match="exists already"):
        save(stack, folder)


@pytest.mark.parametrize("ending", ["psd", "ora"])
def test_equal_stacks_give_equal_bytes(stack: Stack, ending: str, tmp_path: Path) -> None:
    one, two = (save(stack, tmp_path / f"{n}.{ending}").read_bytes() for n in "ab")
    assert one == two


@pytest.mark.parametrize("ending", ["psd", "ora"])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (64, 2)])
def test_any_size_and_empty_layers(ending: str, size: tuple[int, int], tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    composite = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    pictures = Pictures(composite, composite, (np.zeros((*size, 4), np.uint8),), ("nothing",))
    path = save(exact(pictures), tmp_path / f"x.{ending}")
    np.testing.assert_array_equal(flatten_file(path), composite)


def test_unknown_endings_and_places(stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(TaueError, match=r"ending that is not known; end it in \.psd"):
        save(stack, tmp_path / "x.jpg")
    (tmp_path / "folder.psd").mkdir()
    with pytest.raises(TaueError, match="is a folder"):
        save(stack, tmp_path / "folder.psd")
    (tmp_path / "file").touch()
    with pytest.raises(TaueError, match="cannot be written"):
        save(stack, tmp_path / "file" / "x.psd")
    assert leftovers(tmp_path) == ["file", "folder.psd"]


def test_an_older_file_is_replaced(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.ora"
    path.parent.mkdir()
    path.write_bytes(b"old")
    save(stack, path)
    assert zipfile.is_zipfile(path)
    assert leftovers(path.parent) == ["x.ora"]


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def write(error: BaseException) -> None:
        with whole_file(path) as stream:
            stream.write(b"new")
            raise error

    for error in (RuntimeError("no"), KeyboardInterrupt()):
        with pytest.raises(type(error)):
            write(error)
    with pytest.raises(TaueError, match=r"cannot be written .No space left"):
        write(OSError(28, "No space left on device"))
    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == ["x"]


WRITE_TOO_MUCH = """
import resource, signal, sys
from taue.disk.writing import whole_file
signal.signal(signal.SIGXFSZ, getattr(signal, sys.argv[2]))
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with whole_file(sys.argv[1]) as stream:
    stream.write(bytes(1_000_000))
"""


@pytest.mark.parametrize("manner", ["SIG_IGN", "SIG_DFL"])
def test_no_more_space_or_a_crash_leaves_the_old_file(manner: str, tmp_path: Path) -> None:
    """The system refuses to write on, or kills the process in the middle of it."""
    path = tmp_path / "x.psd"
    path.write_bytes(b"old")
    arguments = [sys.executable, "-c", WRITE_TOO_MUCH, str(path), manner]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert path.read_bytes() == b"old"
    if manner == "SIG_IGN":
        assert "cannot be written (File too large)" in done.stderr
        assert leftovers(tmp_path) == ["x.psd"]
    else:
        assert done.returncode == -signal.SIGXFSZ
