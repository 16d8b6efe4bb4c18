"""``taue batch``: its commands, each in a module of its own."""

from __future__ import annotations

import typer

from taue.commands.batch_export import export_store
from taue.commands.batch_run import retry, run_batch
from taue.commands.batch_state import audit_store, show_status
from taue.commands.conventions import register
from taue.commands.groups import OneSentence, help_alone

batch = typer.Typer(cls=OneSentence, help="Many scenes into one store: run, look, mend, export.")


batch.callback(invoke_without_command=True)(help_alone)
register(batch, "run", run_batch)
register(batch, "status", show_status)
register(batch, "audit", audit_store)
register(batch, "retry", retry)
register(batch, "export", export_store)
