"""``taue models``."""

from __future__ import annotations

from taue import models
from taue.commands.output import tell_fields, tell_text
from taue.families import FAMILIES, known_titles


def list_models() -> None:
    """List the models, and the words that paddy knows."""
    from taue.paddy.scenes import BACKGROUNDS, COLOURS, KINDS

    words = {"kinds": KINDS, "colours": COLOURS, "backgrounds": BACKGROUNDS}
    tell_text("Models:")
    tell_text("  paddy      embedded, works offline: illustrated scenes of a few words")
    tell_text("  paddy-dit  the same as a transformer with flow matching, of SD3's classes")
    tell_text(f"  sdxl       {models.NAMED['sdxl']}, downloaded once")
    tell_text("  or a hub id (org/name), a diffusers folder, or a .safetensors file, of a family")
    tell_text(f"\nFamilies: {known_titles()}")
    tell_text("\nWhat paddy and paddy-dit know:")
    for group, known in words.items():
        tell_text(f"  {group}: {', '.join(known)}")
    tell_fields(
        models=list(models.NAMED),
        families=[one.title for one in FAMILIES.values()],
        words={group: list(known) for group, known in words.items()},
    )
