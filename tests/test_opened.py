"""The figures of opened layers, on layers whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from taue.evaluation.opened import figures, pasted, shadow_figures, weighted_psnr

SIDE = 128


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Composite, background, RGBA subject and shadow's alpha of a red square with a shadow."""
    background = np.full((SIDE, SIDE, 3), 160, np.uint8)
    subject = np.zeros((SIDE, SIDE, 4), np.uint8)
    subject[40:80, 40:80] = (200, 30, 30, 255)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    shadow = 0.6 * np.exp(-(((columns - 75) / 25) ** 2) - ((rows - 84) / 10) ** 2)
    shadow[subject[..., 3] > 0] = 0
    composite = (background * (1 - shadow[..., None])).round().astype(np.uint8)
    composite[subject[..., 3] > 0] = (200, 30, 30)
    return composite, background, subject, shadow


def test_true_layers_have_no_fault() -> None:
    composite, background, subject, shadow = scene()
    found = figures(composite, background, subject, subject, shadow, subject[..., 3] > 0)
    assert found["iou"] == 1
    assert (found["left"], found["bites"], found["far"]) == (0, 0, 0)
    assert found["structure"] < 3
    assert found["cutout_db"] == found["rawcut_db"] == pytest.approx(90)
    assert found["coverage"] == pytest.approx(shadow.mean())


def test_each_fault_has_its_figure() -> None:
    composite, background, subject, shadow = scene()
    mask = subject[..., 3] > 0
    bitten = subject.copy()
    bitten[58:62, 58:62, 3] = 0
    assert figures(composite, background, bitten, bitten, shadow, mask)["bites"] > 0.005
    stolen = np.where(mask, 0.9, 0)
    assert figures(composite, background, subject, subject, stolen, mask)["left"] > 0.5
    redrawn = composite.copy()
    redrawn[:10, :10] = 250
    assert figures(redrawn, background, subject, subject, shadow, mask)["far"] > 0.003
    rough = composite.astype(int)
    rough[82:100, ::2] -= 40
    rough = rough.clip(0, 255).astype(np.uint8)
    assert figures(rough, background, subject, subject, shadow, mask)["structure"] > 10
    assert figures(composite, background, subject, subject, shadow, ~mask)["iou"] == 0


def test_the_models_own_shadow_is_held_and_a_pasted_one_is_not() -> None:
    composite, background, subject, shadow = scene()
    alpha = subject[..., 3] / 255
    own = shadow_figures(composite, background, alpha, shadow)
    control = shadow_figures(composite, background, alpha, pasted(alpha))
    # Not all of it: the blur lets a dark object's rim pass for shadow.
    assert own["shadow_held"] is not None and own["shadow_held"] > 0.8
    assert own["shadow_iou"] is not None and own["shadow_iou"] > 0.8
    assert control["shadow_held"] is not None and control["shadow_held"] < 0.7
    assert control["shadow_iou"] is not None and control["shadow_iou"] < 0.7
    everything = shadow_figures(composite, background, alpha, np.full(alpha.shape, 0.5))
    assert everything["shadow_held"] == 1
    assert everything["shadow_iou"] is not None and everything["shadow_iou"] < 0.5
    bare = shadow_figures(background, background, alpha, shadow)
    assert bare == {"shadow_held": None, "shadow_iou": None}
    assert not pasted(np.zeros((8, 8))).any()


def test_psnr_by_hand() -> None:
    one, other = np.zeros((2, 2, 3)), np.full((2, 2, 3), 25.5)
    assert weighted_psnr(one, other, np.ones((2, 2))) == pytest.approx(20, abs=1e-3)
    assert weighted_psnr(one, other, np.zeros((2, 2))) == pytest.approx(90)
