"""Every command of the program, by the names that call it."""

from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from taue.cli import app
from taue.commands.deferred import Deferred


def commands(group: Any, *names: str) -> list[tuple[list[str], Any]]:
    """The commands of a group and of the groups in it, each with its names."""
    found = []
    for name, named in group.commands.items():
        one = named.whole if isinstance(named, Deferred) else named
        if isinstance(one, TyperGroup):
            found += commands(one, *names, name)
        else:
            found.append(([*names, name], one))
    return found


ALL = commands(get_command(app))
