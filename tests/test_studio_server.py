"""The studio's server: who comes in, what is taken, what programs see, and that it lives on."""

from __future__ import annotations

import base64
import io
import json
import struct
import subprocess
import urllib.error
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studios import PYTHON, ROOT, asked, serving

KEY = "Basic " + base64.b64encode(b"me:secret").decode()
HEADERS = {"Authorization": KEY}
SCENE: dict[str, Any] = {
    "subjects": [{"prompt": "a red apple"}],
    "background": "a green meadow",
    "canvas": {"width": 64, "height": 64},
    "steps": 2,
}
LARGEST = 800_000
"""Bytes of a file that the server may write: a disk that is full for all but small results."""


def queued(address: str, name: str, *data: Any) -> tuple[str, Any]:
    """How a call by the queue ends: "complete" or "error", and with what."""
    call = f"{address}/gradio_api/call/{name}"
    status, told = asked(call, {"data": list(data)}, HEADERS)
    assert status == 200, told
    _, stream = asked(f"{call}/{json.loads(told)['event_id']}", None, HEADERS)
    kind, _, rest = stream.decode().rstrip().rpartition("event: ")[2].partition("\n")
    return kind, json.loads(rest.removeprefix("data: "))


def only_those_with_the_password_come_in(address: str) -> None:
    assert asked(f"{address}/health")[0] == 200
    for path in ("/", "/config", "/gradio_api/info", "/studio/offered", "/studio/page/main.js"):
        assert asked(address + path)[0] == 401
        assert asked(address + path, headers=HEADERS)[0] == 200
    wrong = {"Authorization": KEY[:-4] + "AAAA"}
    assert asked(address, headers=wrong)[0] == 401
    assert asked(address, headers={**HEADERS, "Host": "evil.example"})[0] == 421


def programs_see_typed_endpoints(address: str, tmp_path: Path) -> None:
    script = [PYTHON, ROOT / "tests/mcp_tools.py", address, KEY, json.dumps(SCENE)]
    done = subprocess.run(script, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    actions = {"generate", "regrow", "cancel", "new_session", "history", "remove"}
    assert set(told["tools"]) == actions
    generate = told["tools"]["generate"]
    assert generate["required"] == ["scene"]
    scene = generate["properties"]["scene"]
    assert scene["required"] == ["subjects", "background"]
    subject = scene["properties"]["subjects"]["items"]
    assert subject["properties"]["box"] == {"type": "array", "items": {"type": "number"}}
    assert subject["required"] == ["prompt"]
    assert not told["wrong"], told["text"]
    assert '"composite.png"' in told["text"] or "composite.png" in told["text"]
    info = json.loads(asked(f"{address}/gradio_api/info", headers=HEADERS)[1])
    assert {f"/{name}" for name in actions} == set(info["named_endpoints"])
    paths = json.loads(asked(f"{address}/openapi.json", headers=HEADERS)[1])["paths"]
    assert {"/health", "/studio/scene", "/studio/zip/{session}/{result}"} <= set(paths)


def bomb(side: int) -> bytes:
    """A PNG of few bytes that says it is very large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    lines = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + lines


def refused(url: str, size: int) -> bool:
    """Whether so many bytes are too many: said so, or the line is cut while they are sent."""
    try:
        return asked(url, b"x" * size, HEADERS)[0] == 413
    except urllib.error.URLError as error:
        return isinstance(error.reason, (ConnectionResetError, BrokenPipeError))


def uploads_are_checked(address: str) -> None:
    def scene(data: bytes, name: str) -> tuple[int, str]:
        status, told = asked(f"{address}/studio/scene?name={name}", data, HEADERS)
        return status, json.loads(told)["error"] if status == 200 else ""

    assert scene(json.dumps(SCENE).encode(), "scene.json") == (200, "")
    for data, name, says in (
        (b"\xff\xfe", "scene.toml", "not UTF-8"),
        (b"x" * 2**21, "scene.toml", "disk is full"),
        (b"{}", "scene.exe", "is no scene"),
        (b"{}", "..%2f..%2fetc%2fpasswd", "is no scene"),
        (bomb(10), "scene.png", "carries no scene"),
        (b"GIF89a", "scene.png", "cannot be read"),
        (json.dumps({**SCENE, "background_image": "/etc/passwd"}).encode(), "s.json", "pictures"),
    ):
        status, error = scene(data, name)
        assert status == 200
        assert says in error
        assert "/tmp" not in error
    assert refused(f"{address}/studio/scene?name=scene.png", 17 * 2**20)
    session = json.loads(asked(f"{address}/gradio_api/run/new_session", {"data": []}, HEADERS)[1])
    pictures = f"{address}/studio/pictures/{session['data'][0]}"
    for data, says in ((bomb(40_000), "pixels"), (b"no picture", "no picture")):
        told = json.loads(asked(pictures, data, HEADERS)[1])
        assert says in told["error"]
        assert "/tmp" not in told["error"]
    assert refused(pictures, 70 * 2**20)
    stream = io.BytesIO()
    Image.new("RGBA", (20, 10), (9, 9, 9, 9)).save(stream, "PNG")
    told = json.loads(asked(pictures, stream.getvalue(), HEADERS)[1])
    assert (told["width"], told["height"], told["cut_out"]) == (20, 10, True)
    assert asked(f"{pictures}/{told['name']}", None, HEADERS)[0] == 200
    assert asked(f"{address}/gradio_api/upload", b"x", HEADERS)[0] != 200


def paths_stay_in_their_session(address: str) -> None:
    kind, told = queued(address, "generate", SCENE, "")
    assert kind == "complete", told
    result = told[0]["result"]
    files = f"{address}/studio/files/{result['session']}/{result['id']}"
    assert asked(f"{files}/composite.png", None, HEADERS)[0] == 200
    for path in (
        f"{files}/../../../../etc/passwd",
        f"{files}/..%2f..%2f..%2fetc%2fpasswd",
        f"{files}/seedlings/subject-1.safetensors",
        f"{files}/studio.json",
        f"{address}/studio/files/{'0' * 32}/{result['id']}/composite.png",
        f"{address}/studio/files/..%2f/{result['id']}/composite.png",
        f"{address}/studio/zip/{'0' * 32}/{result['id']}",
        f"{address}/studio/page/..%2fserver.py",
        f"{address}/studio/page/../server.py",
        f"{address}/gradio_api/file=/etc/passwd",
    ):
        assert asked(path, None, HEADERS)[0] in (403, 404), path
    kind, told = queued(address, "regrow", result["id"], "0" * 32, [], "a beach", "")
    assert kind == "error"
    assert "not in this session" in told["error"]


def what_is_too_much_is_told_and_the_server_lives(address: str) -> None:
    large = {**SCENE, "canvas": {"width": 512, "height": 512}}
    kind, told = queued(address, "generate", large, "")
    assert (kind, "disk is full" in told["error"]) == ("error", True), told
    huge = {**SCENE, "canvas": {"width": 8192, "height": 8192}}
    kind, told = queued(address, "generate", {**huge, "subjects": SCENE["subjects"] * 8}, "")
    assert kind == "error"
    assert "GiB" in told["error"] or "memory" in told["error"], told
    kind, told = queued(address, "generate", {**SCENE, "model": "/etc"}, "")
    assert (kind, "not served" in told["error"]) == ("error", True)
    assert queued(address, "generate", SCENE, "")[0] == "complete"
    told = json.loads(asked(f"{address}/health")[1])
    assert told["running"] == 0


@pytest.mark.slow
def test_a_server_that_many_use(tmp_path: Path) -> None:
    options = ["--user", "me", "--password", "secret", "--largest", "8192", "--model", "paddy"]
    limit = ["prlimit", f"--fsize={LARGEST}"]
    with serving(tmp_path / "results", *options, before=limit) as address:
        only_those_with_the_password_come_in(address)
        programs_see_typed_endpoints(address, tmp_path)
        uploads_are_checked(address)
        paths_stay_in_their_session(address)
        what_is_too_much_is_told_and_the_server_lives(address)
    left = list((tmp_path / "results").rglob(".taue-*"))
    assert left == []
