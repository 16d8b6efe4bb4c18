"""The server: routes, page and guard put together."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from taue.devices import Machine
from taue.errors import TaueError
from taue.scene import Scene
from taue.studio.actions import Actions
from taue.studio.guard import Guard, key_of
from taue.studio.kept_models import KeptModels
from taue.studio.limits import MEBIBYTE, Limits
from taue.studio.memory import keep_few_pools
from taue.studio.sessions import Sessions

LOCAL = ("127.0.0.1", "localhost", "::1")
STYLES = ("studio", "parts", "canvas")
"""Style sheets of the page, in order."""

BETWEEN_SWEEPS = 600.0
"""Seconds."""

WARM = Scene.from_data({"subjects": [{"prompt": "a red apple"}], "background": "a beach"})


def application(actions: Actions, host: str, port: int, login: tuple[str, str] | None) -> Any:
    """The ASGI application.

    Args:
        actions: what it does.
        host: the address that it is served at; on this machine alone it answers to local names
            and nothing else.
        port: there.
        login: user and password, or None.
    """
    # Before gradio is imported: it asks its makers' server for news otherwise, and keeps when the
    # last ten thousand calls began and ended.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "100"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import gradio as gr
    from fastapi import FastAPI

    from taue import __version__
    from taue.studio.blocks import CSS, blocks
    from taue.studio.routes import routes
    from taue.studio.settings import PAGE

    app = FastAPI(title="taue studio", version=__version__, docs_url=None, redoc_url=None)
    app.include_router(routes(actions))
    page = blocks(actions)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=True,
        enable_monitoring=False,
        max_file_size=1,  # gradio's own uploads are not used
        favicon_path=str(PAGE / "favicon.png"),
        theme=gr.themes.Base(font="sans-serif", font_mono="monospace"),
        css=CSS,
        head="".join(f'<link rel="stylesheet" href="/studio/page/{name}.css">' for name in STYLES),
    )
    _let_tools_in(page, _from_here(host, port), login)
    known = LOCAL if host in LOCAL else ()
    return Guard(app, known, login, max(actions.limits.upload, actions.limits.photo) + MEBIBYTE)


def _let_tools_in(page: Any, address: str, login: tuple[str, str] | None) -> None:
    """gradio's tools use the endpoints by HTTP: at this address, whatever a request's headers say
    of it, and with the password that the request was let in by."""
    from gradio_client import Client

    headers = {"x-gradio-user": "mcp"}
    if login is not None:
        headers["Authorization"] = key_of(login).decode()

    @cache
    def client() -> Any:
        told = {"download_files": False, "verbose": False, "analytics_enabled": False}
        return Client(address, headers=headers, **told)

    page.mcp_server_obj._get_or_create_client = client


def _from_here(host: str, port: int) -> str:
    """An address that a process of this machine reaches the server at."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


def serve(
    limits: Limits,
    folder: Path,
    host: str,
    port: int,
    machine: Machine,
    login: tuple[str, str] | None,
) -> None:
    """Serve until the process is told to end.

    Raises:
        TaueError: if device, folder or address are not to be had.
    """
    import uvicorn

    keep_few_pools()
    try:
        sessions = Sessions(folder)
    except OSError as error:
        raise TaueError(
            f"folder {str(folder)!r} cannot be used ({error.strerror}); choose another."
        ) from error
    actions = Actions(KeptModels(machine), sessions, limits)
    listening = _listening(host, port)
    app = application(actions, host, port, login)
    threading.Thread(target=_warm, args=(actions,), daemon=True).start()
    threading.Thread(target=_sweep_now_and_then, args=(actions,), daemon=True).start()
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2)
    uvicorn.Server(config).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    """The address, taken before models are loaded."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise TaueError(
            f"port {port} of {host} cannot be used ({reason}); choose another by --port."
        ) from error
    return listening


def _warm(actions: Actions) -> None:
    """Load the first model, so that the first picture is soon there; who asks for it is told what
    is wrong with it."""
    with suppress(TaueError):
        actions.loaded.of(WARM.model_copy(update={"model": actions.limits.models[0]}))


def _sweep_now_and_then(actions: Actions) -> None:
    stop = threading.Event()
    while True:
        with suppress(OSError):
            actions.sweep()
        stop.wait(BETWEEN_SWEEPS)
