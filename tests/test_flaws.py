"""What is wrong with a subject, told from its shape and its box."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from taue import Subject
from taue.box import Box
from taue.flaws import Flaw, flaws, warning
from taue.settings import Settings

SIDES = (32, 256, pytest.param(1024, marks=pytest.mark.slow))


def discs(side: int, *places: tuple[float, float, float]) -> NDArray[np.float32]:
    """1 inside circles (x, y, radius), in fractions of the side."""
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side
    inside = [np.hypot(columns - x, rows - y) <= radius for x, y, radius in places]
    return np.any(inside, axis=0).astype(np.float32)


@pytest.mark.parametrize("side", SIDES)
def test_each_flaw_is_found_at_every_size(side: int) -> None:
    whole, box = (0.5, 0.5, 0.2), Box(0.3, 0.3, 0.4, 0.4)
    assert flaws(discs(side, whole)) == flaws(discs(side, whole), box) == ()
    assert flaws(np.zeros((side, side))) == (Flaw.MISSING,)
    assert flaws(discs(side, (0.5, 0.5, 0.09)), box) == (Flaw.MISSING,)
    assert flaws(discs(side, (0.3, 0.5, 0.15), (0.7, 0.5, 0.12))) == (Flaw.DOUBLED,)
    assert flaws(discs(side, (0.5, 0.95, 0.2))) == (Flaw.CUT_OFF,)
    assert flaws(discs(side, (0.5, 0.5, 0.4)), box) == (Flaw.OVERSIZED,)


@pytest.mark.parametrize("side", SIDES[1:])  # on 32 cells a ball's foot is a third of it
def test_specks_touching_and_asked_for_borders_are_no_flaws(side: int) -> None:
    assert flaws(discs(side, (0.4, 0.5, 0.2), (0.8, 0.5, 0.06))) == ()  # a speck
    assert flaws(discs(side, (0.5, 0.803, 0.2))) == ()  # a ball that touches the border
    foot = np.zeros((side, side))
    foot[side // 2 :, side // 3 : 2 * side // 3] = 1
    assert flaws(foot) == (Flaw.CUT_OFF,)
    assert flaws(foot, Box(1 / 3, 0.5, 1 / 3, 0.5)) == ()  # it was asked to stand there


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("turns", range(4))
def test_what_was_brought_to_a_border_may_end_there(side: int, turns: int) -> None:
    wall = np.zeros((side, side))  # a house's, flush with the canvas
    wall[side // 3 : 2 * side // 3, : side // 4] = 1
    wall = np.rot90(wall, turns)
    x, y, w, h = [
        (0, 1 / 3, 1 / 4, 1 / 3), (1 / 3, 3 / 4, 1 / 3, 1 / 4),
        (3 / 4, 1 / 3, 1 / 4, 1 / 3), (1 / 3, 0, 1 / 3, 1 / 4),
    ][turns]  # fmt: skip
    box, within = Box(x, y, w, h), 0.8 / side  # less than a cell from the border
    nearly = Box(x + within * (x == 0), y + within * (y == 0), w - within, h - within)
    assert flaws(wall, box, brought=True) == flaws(wall, nearly, brought=True) == ()
    assert flaws(wall, Box(0.3, 0.3, 0.4, 0.4), brought=True) == (Flaw.CUT_OFF,)
    assert flaws(wall, box) == (() if turns == 1 else (Flaw.CUT_OFF,))


@pytest.mark.parametrize("side", SIDES[1:])
@pytest.mark.parametrize("turns", range(4))
def test_a_tip_that_the_canvas_cuts_is_told(side: int, turns: int) -> None:
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side

    def cone(beyond: float) -> NDArray[np.bool_]:  # half a canvas high, as wide at its foot
        within = (rows + beyond > 0) & (rows + beyond < 0.5)
        return np.rot90(within & (abs(columns - 0.5) < (rows + beyond) / 2), turns)

    assert flaws(cone(0.0)) == flaws(cone(0.01)) == ()
    assert flaws(cone(0.05)) == flaws(cone(0.1)) == (Flaw.CUT_OFF,)


@given(st.floats(0.25, 0.75), st.floats(0.25, 0.75), st.floats(0.08, 0.2))
def test_one_whole_object_inside_the_canvas_has_none(x: float, y: float, radius: float) -> None:
    assert flaws(discs(64, (x, y, radius))) == ()


@pytest.mark.parametrize("flaw", Flaw)
def test_a_warning_names_the_subject_and_what_to_try(flaw: Flaw) -> None:
    told = warning(2, "a red apple", flaw)
    assert told.startswith("subject 2 (a red apple) ")
    assert "; try " in told


def foreground_samples(
    painter: Any, subjects: list[Subject], ground: str, seed: int, **options: Any
) -> int:
    """What the subjects of a scene, which is not decoded, send through the network."""
    layers = painter(
        subjects,
        ground,
        generator=torch.Generator().manual_seed(seed),
        output_type="latent",
        **options,
    )
    return sum(r.unet_evaluations for r in layers.records if r.stage == "foreground")


@pytest.mark.slow
def test_what_was_brought_to_a_border_is_not_begun_anew(painter: Any) -> None:
    def samples(tries: int) -> int:
        ball = [Subject("a blue ball", box=Box(0.68, 0.6, 0.32, 0.32))]
        wish = {"num_inference_steps": 10, "settings": Settings(tries=tries)}
        return foreground_samples(painter, ball, "a desert", 0, **wish)

    assert samples(tries=2) == samples(tries=1)


@pytest.mark.slow
def test_what_is_wrong_before_it_comes_into_its_box_goes_there_only_if_it_counts(
    painter: Any,
) -> None:
    """Two boats begin, the first of them one of two; that is not drawn where it would belong."""
    duck, boat = Box(0.05, 0.3, 0.42, 0.42), Box(0.53, 0.3, 0.42, 0.42)
    before, after = 7 * 2, 3 * 2 + 2  # samples: all of the last two steps follow the prompt alone

    def samples(tries: int) -> int:
        both = [Subject("a yellow duck", box=duck), Subject("a white boat", box=boat)]
        wish = {"num_inference_steps": 12, "settings": Settings(tries=tries)}
        return foreground_samples(painter, both, "a meadow", 3, **wish)

    assert samples(tries=1) == 2 * (before + after)
    assert samples(tries=2) == 3 * before + 2 * after
