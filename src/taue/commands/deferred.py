"""Commands that wait: the overview shows their summaries, and a module is imported when its command
is called, or its own help or a completion of its options is asked for."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand
from typer.main import get_group


class Deferred(TyperCommand):
    """Stands for a command until it is needed.

    Args:
        name: of the command.
        where: ``module:name`` of its function, or of the ``Typer`` of a command that has commands.
        summary: how its docstring begins, for the overview.
    """

    def __init__(self, name: str, where: str, summary: str) -> None:
        super().__init__(name, help=summary)
        self.called, self.where = name, where

    @cached_property
    def whole(self) -> Any:
        """The command itself."""
        from taue.commands.conventions import register

        module, _, name = self.where.partition(":")
        found = getattr(import_module(module), name)
        parent = typer.Typer()
        if isinstance(found, typer.Typer):
            parent.add_typer(found, name=self.called)
        else:
            register(parent, self.called, found)
        return get_group(parent).commands[self.called]

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """The command's own, so that what is parsed, completed and invoked is all its own."""
        return self.whole.make_context(*args, **extra)
