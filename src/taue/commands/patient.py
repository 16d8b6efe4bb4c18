"""A console that goes on when nobody listens; apart, because few commands need rich at once."""

from __future__ import annotations

from rich.console import Console

from taue.commands.signals import silence


class PatientConsole(Console):
    """Goes on in silence when nobody reads any more; rich would end the process, and the work."""

    def on_broken_pipe(self) -> None:
        """Print nothing from now on."""
        self.quiet = True
        silence(2 if self.stderr else 1)
