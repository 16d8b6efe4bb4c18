"""``taue studio``."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Annotated

import typer

from taue import models
from taue.commands.conventions import MODELS, Device, Dtype, Memory, quiet_libraries
from taue.commands.output import tell, warn
from taue.devices import Machine
from taue.disk.paths import expanded
from taue.errors import TaueError

PASSWORD = "TAUE_STUDIO_PASSWORD"  # noqa: S105 (the name of a variable)
LOCAL = ("127.0.0.1", "localhost", "::1")
OFFLINE = ("paddy", "paddy-dit")


def studio(
    *,
    host: Annotated[
        str, typer.Option(help="The address to serve at; 0.0.0.0 for the whole network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to serve at.")] = 7860,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="paddy, sdxl, a hub id, a folder or FILE.safetensors to choose from, the first by "
            "default; may be repeated. Without: paddy and paddy-dit.",
            autocompletion=MODELS,
        ),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Who may come in, with --password.")] = None,
    password: Annotated[
        str | None,
        typer.Option(help=f"For --user; better as {PASSWORD}, which nobody else here can read."),
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where results are kept.")] = Path(
        "~/.cache/taue/studio"
    ),
    keep_hours: Annotated[float, typer.Option(help="How long results are kept.", min=0.01)] = 24.0,
    keep_gib: Annotated[float, typer.Option(help="How much of them, in GiB.", min=0.01)] = 4.0,
    largest: Annotated[
        int, typer.Option(help="Pixels of a square canvas's side, at most.", min=64, max=8192)
    ] = 2048,
    device: Device = "auto",
    dtype: Dtype = "auto",
    memory: Memory = "normal",
) -> None:
    """Open the studio: lay a scene out in the browser, get its layers. Stop it by Ctrl-C."""
    machine = Machine(device, dtype, memory)
    machine.check()
    login = _login(user, password or os.environ.get(PASSWORD))
    try:
        kept = expanded(folder)
    except OSError as error:
        reason = error.strerror or error
        raise TaueError(
            f"folder {str(folder)!r} cannot be used ({reason}); choose another."
        ) from error
    served = tuple(dict.fromkeys(model or OFFLINE))
    for name in served:
        models.resolve(name)
    if any(importlib.util.find_spec(name) is None for name in ("gradio", "uvicorn", "mcp")):
        raise TaueError("the studio is not installed; get it by pip install 'taue[studio]'.")
    if host not in LOCAL and login is None:
        warn(f"whoever reaches {host} can use this studio; give --user and --password.")
    with quiet_libraries():
        from taue.studio.limits import GIBIBYTE, Limits
        from taue.studio.server import serve

        limits = Limits(
            models=served,
            pixels=largest**2,
            hours=keep_hours,
            stored=int(keep_gib * GIBIBYTE),
        )
        shown = f"[{host}]" if ":" in host else host
        tell(f"The studio is at http://{shown}:{port} (stop it by Ctrl-C).")
        serve(limits, kept, host, port, machine, login)


def _login(user: str | None, password: str | None) -> tuple[str, str] | None:
    if user is None and password is None:
        return None
    if not user or not password:
        raise TaueError(f"user and password belong together; give both (or {PASSWORD}).")
    if ":" in user:
        raise TaueError(f"user is {user!r}; leave the colon out.")
    return user, password
