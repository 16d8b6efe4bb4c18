"""``taue models``."""

from __future__ import annotations

import typer

from taue import models


def list_models() -> None:
    """List the models, and the words that paddy knows."""
    from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS

    typer.echo("Models:")
    typer.echo("  paddy   embedded, works offline: illustrated scenes of a few words")
    typer.echo(f"  sdxl    {models.NAMED['sdxl']}, downloaded once")
    typer.echo("  or a hub id (org/name), a diffusers folder, or a .safetensors file of an SDXL")
    typer.echo("\nWhat paddy knows:")
    for group, words in (("kinds", KINDS), ("colours", COLOURS), ("backgrounds", BACKGROUNDS)):
        typer.echo(f"  {group}: {', '.join(words)}")
