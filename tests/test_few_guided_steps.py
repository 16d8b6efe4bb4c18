"""Foregrounds of few steps have the colours that they were asked for: guidance that is stronger
than a step is short leads away from the key, to another colour."""

from __future__ import annotations

import pytest
import torch

from taue import Subject, TauePipeline
from taue.paddy.judge import Judge
from taue.settings import Settings

STRAYED = [
    ("paddy", "fast", "brown", "bell", "snowy mountains", 372),
    ("paddy-dit", "balanced", "brown", "heart", "a kitchen", 927119594),
    ("paddy-dit", "balanced", "brown", "lamp", "an autumn park", 813593027),
    ("paddy-dit", "fast", "brown", "lamp", "an autumn park", 813593027),
]
"""Orange, teal and green before."""


@pytest.mark.slow
@pytest.mark.parametrize(("model", "quality", "colour", "kind", "background", "seed"), STRAYED)
def test_a_foreground_of_few_steps_has_its_colour(
    model: str, quality: str, colour: str, kind: str, background: str, seed: int
) -> None:
    pipe = TauePipeline.from_pretrained(model)
    pipe.set_progress_bar_config(disable=True)
    layers = pipe(
        [Subject(f"a {colour} {kind}")],
        background,
        generator=torch.Generator().manual_seed(seed),
        settings=Settings(quality=quality),
        output_type="np",
    )
    (seen,) = Judge.load().look([(255 * layers.foregrounds[0]).round().astype("uint8")])
    assert [(thing.colour, thing.kind) for thing in seen.objects] == [(colour, kind)]
