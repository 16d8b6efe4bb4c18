"""Screenshots compared with the last accepted ones; generated pictures are masked.

``TAUE_ACCEPT=1`` accepts what is there now.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ACCEPTED = Path(__file__).parent / "studio_pictures"
FAR, MOST = 40, 0.004
"""Levels of 255 from which a pixel is another one, and the share of them that is let pass: edges of
letters, not a box that moved."""

GENERATED = "canvas, .sheet > img, .previews, .tile img, .thumb, .facts, .own img"

LOADED = """[...document.images].every((image) => {
  const { top, left } = image.getBoundingClientRect();
  return image.complete || !image.checkVisibility() || top > innerHeight || left > innerWidth;
})"""
"""Whether every picture in sight has come: before, a mask lies where it is not."""


def require_look(page: Any, name: str, tmp_path: Path) -> None:
    """Fail if a page looks otherwise than last time; the new look is kept in ``tmp_path``."""
    page.mouse.move(2, 2)
    page.wait_for_function(LOADED)
    shown = page.screenshot(
        mask=[page.locator(GENERATED)], animations="disabled", caret="hide", mask_color="#888888"
    )
    path = ACCEPTED / f"{name}.png"
    image = Image.open(io.BytesIO(shown)).convert("RGB")
    if os.environ.get("TAUE_ACCEPT"):
        ACCEPTED.mkdir(exist_ok=True)
        image.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
        return
    image.save(tmp_path / path.name)
    accepted = Image.open(path).convert("RGB")
    assert accepted.size == image.size
    share = difference(np.asarray(accepted), np.asarray(image))
    assert share <= MOST, f"{share:.2%} of {name} look otherwise, see {tmp_path / path.name}"


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The share of pixels [H, W, 3] that differ."""
    far = np.abs(one.astype(int) - other.astype(int)).max(axis=-1) > FAR
    return float(far.mean())
