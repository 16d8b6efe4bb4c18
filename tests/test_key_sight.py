"""The key colour by sight: what has the key's hue is drawn on the other key."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from taue import TauePipeline, settings
from taue.context import StageResult
from taue.flaws import Flaw
from taue.generation import Generation
from taue.key_sight import LIKE, close_to_key, like_key, likeness, middle
from taue.painted_key import KEYS
from taue.scene import Request
from taue.settings import Settings
from taue.watch import StageWatch

GREEN, MAGENTA = KEYS["green"], KEYS["magenta"]

OBJECTS = {
    "broccoli": (80, 125, 55), "frog": (75, 180, 50), "cactus": (50, 120, 70),
    "tennis ball": (204, 240, 50), "grape": (106, 42, 160), "tomato": (214, 38, 36),
    "lemon": (250, 214, 48), "snowman": (240, 240, 236), "hat": (42, 42, 48), "box": (112, 70, 40),
}  # fmt: skip
"""Things whose words say no colour, in sRGB."""


def picture(colour: tuple[int, int, int], ground: tuple[float, float, float]) -> np.ndarray:
    """A shaded disc on a dull key [64, 64, 3], and half of its light below."""
    rows, columns = np.indices((64, 64)) - 31.5
    shading = np.where(rows < 0, 1.0, 0.55)[..., None]
    inside = (np.hypot(rows, columns) < 18)[..., None]
    dull = 0.25 + 0.5 * np.array(ground)
    return np.where(inside, np.array(colour) / 255 * shading, dull).astype(np.float32)


def mask(radius: float = 5.0) -> np.ndarray:
    """Where the disc is [16, 16]."""
    rows, columns = np.indices((16, 16)) - 7.5
    return (np.hypot(rows, columns) < radius).astype(np.float32)


@pytest.mark.parametrize("thing", OBJECTS)
def test_green_things_leave_green_and_no_others(thing: str) -> None:
    green = thing in ("broccoli", "frog", "cactus", "tennis ball")
    assert like_key(picture(OBJECTS[thing], GREEN), mask(), GREEN) == green
    on_magenta = picture(OBJECTS[thing], MAGENTA)
    assert like_key(on_magenta, mask(), MAGENTA) == (thing == "grape")


def test_likeness_by_hand() -> None:
    colours = np.array([[GREEN, MAGENTA, (0.5, 0.5, 0.5), (0.2, 0.6, 0.2), (0, 0, 0)]], np.float32)
    np.testing.assert_allclose(likeness(colours, GREEN), [[1, -1, 0, 2 / 3, 0]], atol=1e-6)
    np.testing.assert_allclose(likeness(colours, MAGENTA), [[-1, 1, 0, -2 / 3, 0]], atol=1e-6)


@given(st.floats(0, 1), st.floats(0.1, 1))
def test_a_primary_colour_is_not_like_its_neighbours(pale: float, bright: float) -> None:
    """Red, blue and yellow have half of a key's hue at most, and stand out from it."""
    pure = np.array([(1, 0, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 0)], np.float32)
    colours = (bright * (pale + (1 - pale) * pure))[None]
    of_magenta, of_green = close_to_key(colours, MAGENTA)[0], close_to_key(colours, GREEN)[0]
    assert not (of_magenta[:3].any() or of_green[:3].any() or of_magenta[4] or of_green[3])
    assert of_magenta[3] == of_green[4] == (likeness(colours, GREEN)[0, 4] > LIKE)


def test_only_the_object_counts() -> None:
    assert not like_key(picture(OBJECTS["tomato"], GREEN), mask(), GREEN)
    assert not like_key(picture(OBJECTS["frog"], GREEN), np.zeros((16, 16), np.float32), GREEN)


def test_the_middle_of_a_region() -> None:
    region = np.zeros((5, 5), bool)
    region[1:4, 1:4] = True
    assert np.argwhere(middle(region)).tolist() == [[2, 2]]
    thin = np.zeros((5, 5), bool)
    thin[2] = True
    assert (middle(thin) == thin).all()


def drawn(pipe: TauePipeline, prompt: str, **options: Any) -> tuple[StageResult, str]:
    """How stage 1 ended, and the key colour that the canvas's corner has."""
    chosen = Settings(**{"num_inference_steps": 10, "tries": 1, **options})
    backbone = pipe.backbone()
    asked = Request.of(chosen, subjects=[{"prompt": prompt}], background="a desert")
    asked = asked.on_canvas(*backbone.size)
    pipe._interrupt = False
    with torch.no_grad():
        generation = Generation(backbone, asked, 5, StageWatch(pipe, None))
        one = generation.subjects("latent")[0]
        corner = backbone.decode(one.latents)[0, :, :8, :8].mean(dim=(1, 2))
    return one, max(("green", "magenta"), key=lambda name: float(corner @ torch.tensor(KEYS[name])))


@pytest.mark.slow
def test_what_was_looked_at_is_decoded_no_second_time(
    painter: TauePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode, seen = painter.vae.decode, list[bytes]()

    def noted(latents: torch.Tensor, **options: Any) -> Any:
        seen.append(latents.numpy().tobytes())
        return decode(latents, **options)

    monkeypatch.setattr(painter.vae, "decode", noted)
    chosen = Settings(num_inference_steps=4, layering="difference", tries=1)
    noise = torch.Generator().manual_seed(5)
    layers = painter(["a red apple"], "a desert", settings=chosen, generator=noise)
    assert layers.seedlings[0].mask.any() and len(seen) == len(set(seen)) == 3


@pytest.mark.slow
def test_a_purple_object_by_no_word_begins_anew_on_green(
    painter: TauePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "LIKE_MAGENTA", frozenset())  # as if nothing called it so
    heart, key = drawn(painter, "a purple heart")
    assert key == "green"
    apple, key = drawn(painter, "a red apple")
    assert key == "magenta"
    assert heart.evaluations == 2 * apple.evaluations  # what was begun in vain is counted
    stays, key = drawn(painter, "a purple heart", key="magenta")
    assert key == "magenta"
    assert stays.evaluations == apple.evaluations


@pytest.mark.slow
def test_what_the_key_swallows_begins_anew_on_the_other(painter: TauePipeline) -> None:
    """An object that cannot be told from its key may be of its colour."""
    nothing = "a a a"  # paddy draws the bare key for it
    once, key = drawn(painter, nothing)
    assert once.flaws == (Flaw.UNTOLD,) and key == "magenta"
    twice, key = drawn(painter, nothing, tries=2)
    assert key == "green"
    assert twice.evaluations == 2 * once.evaluations
    chosen, key = drawn(painter, nothing, tries=2, key="green")
    assert key == "green"
    assert chosen.evaluations == 2 * once.evaluations
