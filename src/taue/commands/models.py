"""``taue models``."""

from __future__ import annotations

import typer

from taue import models
from taue.families import known_titles


def list_models() -> None:
    """List the models, and the words that paddy knows."""
    from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS

    typer.echo("Models:")
    typer.echo("  paddy      embedded, works offline: illustrated scenes of a few words")
    typer.echo("  paddy-dit  the same as a transformer with flow matching, of SD3's classes")
    typer.echo(f"  sdxl       {models.NAMED['sdxl']}, downloaded once")
    typer.echo("  or a hub id (org/name), a diffusers folder, or a .safetensors file, of a family")
    typer.echo(f"\nFamilies: {known_titles()}")
    typer.echo("\nWhat paddy and paddy-dit know:")
    for group, words in (("kinds", KINDS), ("colours", COLOURS), ("backgrounds", BACKGROUNDS)):
        typer.echo(f"  {group}: {', '.join(words)}")
