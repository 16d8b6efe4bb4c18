"""Previews: what a stage's latents are without their noise, small and often enough."""

from __future__ import annotations

import base64
import io
import time
from typing import Any

import torch
from PIL import Image

from taue.backbones import Backbone
from taue.studio.forms import PreviewForm

SIDE = 384
"""Pixels of a preview's longer side, at most."""

SHARE = 0.15
"""Of a run's time that previews may take."""

SOONEST = 0.35
"""Seconds between two."""


class Previews:
    """Decodes what a callback is handed, as long as that is cheap.

    Args:
        backbone: the model on the canvas of the run.

    Attributes:
        next: the moment of the next one, of ``time.perf_counter``.
    """

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self.next = 0.0

    @torch.no_grad()
    def of(self, told: dict[str, Any]) -> list[PreviewForm] | None:
        """The pictures of a step, one for each row; None if it is too soon for more."""
        began = time.perf_counter()
        if began < self.next:
            return None
        pictures = self.backbone.decode(told["denoised"]).clamp(0, 1)
        subjects = told["subjects"] or (0,)
        (rows, columns), (height, width) = self.backbone.shape[2:], told["denoised"].shape[2:]
        made = [
            PreviewForm(
                subject=subject,
                image=_url(picture),
                box=[left / columns, top / rows, width / columns, height / rows],
            )
            for subject, (top, left), picture in zip(
                subjects, told["corners"], pictures, strict=False
            )
        ]
        ended = time.perf_counter()
        self.next = ended + max(SOONEST, (ended - began) / SHARE)
        return made


def _url(picture: torch.Tensor) -> str:
    """[3, H, W] in [0, 1] as the URL of a JPEG."""
    pixels = (picture.float().cpu().permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    image.save(stream, format="JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()
