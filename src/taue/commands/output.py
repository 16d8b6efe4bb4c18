"""What a command tells: lines for people or one JSON object for scripts. All of it goes through
here, so that every command is quiet and speaks JSON alike."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from taue.commands.signals import silence
from taue.disk.streams import is_standard_output
from taue.errors import TaueError
from taue.readable import readable

if TYPE_CHECKING:
    from taue.commands.patient import PatientConsole


class Output:
    """What one command has to tell.

    Args:
        command: its name.
        as_json: whether standard output gets one JSON object at the end, and nothing else.
        quiet: whether nothing but errors is told.
    """

    def __init__(self, command: str = "", *, as_json: bool = False, quiet: bool = False) -> None:
        self.command, self.as_json, self.quiet = command, as_json, quiet
        self.paths: list[str] = []
        self.warnings: list[str] = []
        self.fields: dict[str, Any] = {}
        self.instead: str | None = None
        self.began = time.perf_counter()

    def document(self) -> str:
        """All of it, for scripts: JSON."""
        if self.instead is not None:
            return self.instead
        told = {
            "command": self.command,
            "paths": self.paths,
            "seconds": round(time.perf_counter() - self.began, 3),
            "warnings": self.warnings,
            **self.fields,
        }
        return json.dumps(told, indent=2, ensure_ascii=False, default=str) + "\n"


_current: ContextVar[Output] = ContextVar("output", default=Output())  # noqa: B039 (tells at once)


@contextmanager
def telling(command: str, *, as_json: bool, quiet: bool) -> Iterator[None]:
    """Let what the block tells be told so; JSON comes if it ends well."""
    output = Output(command, as_json=as_json, quiet=quiet)
    token = _current.set(output)
    try:
        yield
        if as_json:
            _print_exactly(output.document())
    finally:
        _current.reset(token)


def tell(text: str) -> None:
    """A line of the result for people, shortened, with nothing that a terminal would obey."""
    tell_text(readable(text))


def tell_text(text: str) -> None:
    """The program's own text for people, as it is laid out."""
    output = _current.get()
    if not (output.quiet or output.as_json):
        print_line(text, err=False)


def tell_path(path: Path, *, shown: bool = True) -> None:
    """A path that was made, in full; ``shown`` to people, too."""
    output = _current.get()
    output.paths.append(str(path))
    if shown:
        tell_text(readable(str(path), None))


def tell_fields(**fields: Any) -> None:
    """Parts of the result for scripts alone."""
    _current.get().fields |= fields


def warn(text: str, *, kind: str = "Warning") -> None:
    """What the user should know, on standard error."""
    output = _current.get()
    output.warnings.append(text)
    if not output.quiet:
        print_line(readable(f"{kind}: {text}"), err=True)


def tell_document(text: str, as_json: str) -> None:
    """A result that is a file's content, as it is; ``as_json`` is the same for scripts, whole."""
    output = _current.get()
    output.instead = as_json
    if not (output.quiet or output.as_json):
        _print_exactly(text)


def console(*, err: bool = True) -> PatientConsole:
    """Where bars and tables are drawn, if at all."""
    from taue.commands.patient import PatientConsole

    output = _current.get()
    return PatientConsole(stderr=err, quiet=output.quiet or (output.as_json and not err))


def require_output_free(path: Path, option: str) -> None:
    """Make sure that a file does not go where JSON goes.

    Raises:
        TaueError: naming the option, if it does.
    """
    if _current.get().as_json and is_standard_output(path):
        raise TaueError(
            f"{option} is {str(path)!r}, where --json prints; name a file or leave --json out."
        )


def print_line(line: str, *, err: bool) -> None:
    """Print a line in whatever the terminal can show."""
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    try:
        typer.echo(line.encode(encoding, "backslashreplace").decode(encoding), err=err)
    except BrokenPipeError:
        silence(2 if err else 1)


def _print_exactly(text: str) -> None:
    """Print in UTF-8 and with the text's own line ends on every system."""
    try:
        typer.echo(text.encode("utf-8", "backslashreplace"), nl=False)
    except BrokenPipeError:
        silence(1)
