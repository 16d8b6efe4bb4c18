"""Shapes in annotations are checked while tests run: a wrong one is refused where it comes in."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from taue import equations, rows, space, transplant
from taue.matte import closed_form, colour, line, story, trimap
from taue.settings import Settings

LATENTS, CELLS = torch.zeros(1, 4, 8, 8), torch.zeros(8, 8)
PICTURE, ALPHA = np.zeros((8, 9, 3), np.float32), np.zeros((8, 9), np.float32)
MASK = np.ones((8, 9), bool)
LEVEL = space.Level(1.0, 1.0)

WRONG: dict[str, Callable[[], Any]] = {
    "equations: a mask of another grid": lambda: equations.inject_key(
        LATENTS, torch.zeros(8, 9), torch.zeros(4), 0.5
    ),
    "equations: latents without channels": lambda: equations.high_pass(CELLS, 1.0),
    "equations: two of different shapes": lambda: equations.guidance(CELLS, LATENTS, 2.0),
    "space: noise of another shape": lambda: LEVEL.mix(LATENTS, torch.zeros(1, 4, 8, 9)),
    "rows: a harvest that is no batch": lambda: rows.Harvest(
        LATENTS[0], LATENTS, LATENTS, LEVEL, None, 1, 0.0
    ),
    "transplant: a region with channels": lambda: transplant.filtered(
        space.Estimate(LATENTS, LATENTS, LEVEL), LATENTS, Settings()
    ),
    "matte: a guess of another size": lambda: closed_form.closed_form(PICTURE, ALPHA.T, MASK),
    "matte: a mask of another size": lambda: story.cut_out(PICTURE, MASK.T, 8),
    "matte: a picture without colours": lambda: colour.own_colour(ALPHA, ALPHA, PICTURE),
    "matte: alpha for a key": lambda: line.projected(PICTURE, ALPHA, PICTURE, 0.1),
    "matte: another mask": lambda: trimap.trimap(ALPHA, 0.1, MASK.T, 3),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_shape_is_refused(name: str) -> None:
    with pytest.raises(TypeCheckError):
        WRONG[name]()


@pytest.mark.parametrize(
    "module",
    [
        "equations.paper",
        "equations.ours",
        "equations.grid",
        "cultivate",
        "growth",
        "rows",
        "solver",
        "space",
        "transplant",
        "matte.story",
    ],
)
def test_a_module_is_checked(module: str) -> None:
    loader = import_module(f"taue.{module}").__loader__
    assert type(loader).__module__.startswith("jaxtyping")
