"""The studio as people start it, and the browser that it is opened in."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PYTHON = Path(os.environ.get("TAUE_STUDIO_PYTHON", ROOT / ".venv-studio" / "bin" / "python"))
CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --font-render-hinting=none --hide-scrollbars"
).split()
"""The browser's, everywhere."""

STARTS, STEPS = 120, 50
"""Seconds that a start and a step may take on a busy machine."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def serving(folder: Path, *options: str, before: Sequence[str] = ()) -> Iterator[str]:
    """``taue studio`` in a process of its own; its address. ``before`` stands before the command,
    such as a limit."""
    assert PYTHON.exists(), f"{PYTHON} is missing; make studio-environment makes it"
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    environment.pop("TAUE_STUDIO_PASSWORD", None)
    log = folder.with_suffix(".log")
    command = [str(PYTHON), "-m", "taue", "studio", "--device", "cpu"]
    command += ["--port", str(port), "--folder", str(folder)]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*before, *command, *options],
            env=environment,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        ends = time.monotonic() + STARTS
        while not answers(f"{address}/health"):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < ends, log.read_text(encoding="utf-8")
            time.sleep(0.1)
        yield address
        assert process.poll() is None, "the server ended by itself"
        told = log.read_text(encoding="utf-8")
        assert "Traceback" not in told, told
    finally:
        process.terminate()
        process.wait(20)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def asked(url: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of an answer; ``body`` is sent as it is, or as JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    given = {"content-type": "application/json", **(headers or {})}
    request = urllib.request.Request(url, data=data, headers=given)
    try:
        with urllib.request.urlopen(request, timeout=STEPS) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def call(address: str, name: str, *data: Any) -> Any:
    """What an endpoint that answers at once gives."""
    status, told = asked(f"{address}/gradio_api/run/{name}", {"data": list(data)})
    assert status == 200, told
    return json.loads(told)["data"][0]


@contextmanager
def browsing() -> Iterator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "chromium is missing; tests/install_readers.sh installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def watched(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """A page of a fresh user; nothing may reach its console or ask another server."""
    wrong: list[str] = []
    context = browser.new_context(**options)
    context.set_default_timeout(STEPS * 1000)
    page = context.new_page()
    page.on("console", lambda m: wrong.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda r: None if _own(r.url, address) else wrong.append(r.url))
    page.goto(address)
    page.wait_for_selector(".studio[data-ready]")
    yield page
    assert wrong == []
    context.close()


def _own(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:"))
