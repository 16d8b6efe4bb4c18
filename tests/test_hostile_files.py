"""Files that mean harm: clear errors, bounded memory and time, nothing written elsewhere."""

import io
import json
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from made_scenes import leftovers, overlapping, png_of
from taue.disk.png import read_png
from taue.errors import TaueError
from taue.files.layered import flatten_file, save
from taue.files.saved import read_pictures
from taue.scene import Scene, Subject
from taue.stack import exact

MEBIBYTE = 2**20


def ora(path: Path, document: str, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "image/openraster", zipfile.ZIP_STORED)
        archive.writestr("stack.xml", document)
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def image(inner: str, size: int = 4) -> str:
    return f'<image w="{size}" h="{size}"><stack>{inner}</stack></image>'


def small_png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGBA", (4, 4), (9, 8, 7, 255)).save(stream, "PNG")
    return stream.getvalue()


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {n} "{f"&{m};" * 10}">' for m, n in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (image('<layer src="../../etc/passwd"/>'), "outside it"),
        (image('<layer src="/etc/passwd"/>'), "outside it"),
        (image('<layer src="a\\..\\..\\b"/>'), "outside it"),
        (image('<layer src="C:/b.png"/>'), "outside it"),
        (image('<layer src="missing.png"/>'), "no readable ORA"),
        (image('<layer src="a" opacity="nan"/>'), "impossible place or opacity"),
        (image('<layer src="a" x="99999999"/>'), "impossible place or opacity"),
        (image('<layer src="a" composite-op="svg:multiply"/>'), "merge it in an editor"),
        (image('<layer src="a"/>', 10**9), "says that it is 1000000000 x"),
        (image('<layer src="a"/>', 0), "says that it is 0 x"),
        (image('<layer src="a" visibility="hidden"/>'), "no visible layers"),
        (image("<stack>" * 99 + '<layer src="a"/>' + "</stack>" * 99), "too deeply"),
        (image('<layer src="a"/>' * 1001), "too many layers"),
        (LAUGHS + image("&i;"), "no readable ORA"),
        ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + image("&e;"), "no readable"),
        ("<image", "no readable ORA"),
        (" " * 2 * MEBIBYTE + "<image/>", "larger than 1048576 bytes"),
    ],
)
def test_hostile_stacks(document: str, says: str, tmp_path: Path) -> None:
    path = ora(tmp_path / "x.ora", document, a=small_png())
    with pytest.raises(TaueError, match=says) as refusal:
        flatten_file(path)
    assert "\n" not in str(refusal.value)
    assert leftovers(tmp_path) == ["x.ora"]


def test_an_honest_small_file_is_read(tmp_path: Path) -> None:
    path = ora(
        tmp_path / "x.ora", image('<layer src="a" x="-2"/><layer src="a" y="1"/>'), a=small_png()
    )
    assert flatten_file(path)[..., 3].tolist() == [
        [255, 255, 0, 0], [255] * 4, [255] * 4, [255] * 4
    ]  # fmt: skip


@pytest.mark.slow
def test_zip_bombs_are_not_unpacked(tmp_path: Path) -> None:
    bomb = bytes(200 * MEBIBYTE)
    path = ora(tmp_path / "x.ora", image('<layer src="bomb"/>'), bomb=bomb)
    many = tmp_path / "many.ora"
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number:060}", b"")
    wide = ora(tmp_path / "wide.ora", image('<layer src="a"/>'), a=png_of(50_000, 50_000))
    del bomb
    for file in (path, many, wide):
        assert file.stat().st_size < 4 * MEBIBYTE
        tracemalloc.start()
        with pytest.raises(TaueError):
            flatten_file(file)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 350 * MEBIBYTE


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (2**31 - 1, 1), (0, 5)])
def test_absurd_pictures(width: int, height: int, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(png_of(width, height))
    with pytest.raises(TaueError, match=r"says that it is|no readable PNG"):
        read_png(path, "RGB")


def test_absurd_documents(tmp_path: Path) -> None:
    path = save(exact(overlapping()), tmp_path / "x.psd")
    whole = path.read_bytes()
    for place, value, says in (
        (14, 30_000, "says that it is 160 x 30000"),
        (18, 2**31 - 1, "is no readable PSD|says that it is"),
        (22, 16 << 16 | 3, "not 8-bit RGB|no readable PSD"),
    ):
        path.write_bytes(whole[:place] + struct.pack(">I", value) + whole[place + 4 :])
        with pytest.raises(TaueError, match=says):
            flatten_file(path)
    # The first layer's record comes after its name's length: let it claim to be huge.
    start = whole.index(struct.pack(">IIII", 0, 0, 96, 160))
    huge = struct.pack(">IIII", 0, 0, 30_000, 30_000)
    path.write_bytes(whole[:start] + huge + whole[start + 16 :])
    with pytest.raises(TaueError, match="says that it is 30000 x 30000"):
        flatten_file(path)


def test_what_is_no_layered_file(tmp_path: Path) -> None:
    for name, data in (("x.psd", b""), ("x.ora", b""), ("y.psd", b"8BPS"), ("y.ora", b"PK\5\6")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(TaueError, match="no readable"):
            flatten_file(tmp_path / name)
    for path, says in (
        (tmp_path / "missing.psd", "is missing"),
        (tmp_path, "neither .psd nor .ora"),
        (Path("/dev/zero"), "neither .psd nor .ora"),
    ):
        with pytest.raises(TaueError, match=says):
            flatten_file(path)
    (tmp_path / "zero.psd").symlink_to("/dev/zero")
    with pytest.raises(TaueError, match="is missing or no file"):
        flatten_file(tmp_path / "zero.psd")


def result(folder: Path, *subjects: Subject) -> Path:
    pictures, subjects = overlapping((64, 64)), subjects or (Subject("one"), Subject("another"))
    folder.mkdir()
    for name, pixels in (
        ("composite", pictures.composite), ("background", pictures.background),
        ("subject-1", pictures.subjects[0]), ("subject-2", pictures.subjects[1]),
    ):  # fmt: skip
        Image.fromarray(pixels).save(folder / f"{name}.png")
    scene = Scene.from_data({"subjects": subjects, "background": "a beach"})
    (folder / "scene.toml").write_text(scene.dumps())
    return folder


def test_a_result_is_read_back(tmp_path: Path) -> None:
    apple = Subject("a red apple")
    folder, pictures = result(tmp_path / "r", apple, Subject("x")), overlapping((64, 64))
    read = read_pictures(folder)
    np.testing.assert_array_equal(read.composite, pictures.composite)
    np.testing.assert_array_equal(read.subjects[1], pictures.subjects[1])
    assert read.names == ("a red apple", "x")
    told = {"settings": {"subjects": [{"prompt": "a red apple", "name": None}, {"prompt": "x"}]}}
    (folder / "report.json").write_text(json.dumps(told))
    assert read_pictures(folder).names == ("a red apple", "x")
    for odd, says in (
        ("[]", "has no settings"),
        ('{"settings": []}', "has no settings"),
        ('{"settings": {"subjects": [1]}}', "disagree about subjects;"),
        ('{"settings": {"subjects": [1, 2]}}', r"disagree about subjects\[0\];"),
    ):
        (folder / "report.json").write_text(odd)
        with pytest.raises(TaueError, match=says):
            read_pictures(folder)


def test_broken_results(tmp_path: Path) -> None:
    folder = result(tmp_path / "r")
    (folder / "report.json").write_text("[" * 100_000)
    with pytest.raises(TaueError, match="no readable report"):
        read_pictures(folder)
    (folder / "report.json").unlink()
    Image.new("RGB", (5, 5)).save(folder / "background.png")
    with pytest.raises(TaueError, match=r"background is uint8 \[5, 5, 3\]; give uint8 \[64, 64"):
        read_pictures(folder)
    (folder / "composite.png").unlink()
    with pytest.raises(TaueError, match=r"composite.png' is missing"):
        read_pictures(folder)
    with pytest.raises(TaueError, match="is missing or no folder"):
        read_pictures(tmp_path / "nothing")
    with pytest.raises(TaueError, match=r"has no scene\.toml; name a folder"):
        read_pictures(tmp_path)


@pytest.mark.slow
def test_six_hundred_mutated_files(tmp_path: Path) -> None:
    stack = exact(overlapping((64, 64)))
    folder = tmp_path / "only"
    folder.mkdir()
    for ending in ("psd", "ora"):
        save(stack, folder / f"x.{ending}")
    result(folder / "result")
    script = Path(__file__).parent / "hostile.py"
    done = subprocess.run(
        [sys.executable, str(script), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *kinds, memory = [json.loads(line) for line in done.stdout.splitlines()]
    assert sum(kind["refused"] + kind["read"] for kind in kinds) == 600
    for kind in kinds:
        assert kind["refused"] > 20, kind
        assert kind["slowest"] < 5, kind
    assert memory["MiB"] < 1000
    assert leftovers(tmp_path) == ["only"]
    assert leftovers(folder) == ["result", "x.ora", "x.psd"]
