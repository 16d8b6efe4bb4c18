"""What the composite shows of a subject beyond its own alpha.

A scene may draw an object a little larger than its foreground was. Left to the effects, the rest of
it stays behind as an outline when somebody moves the subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage

from taue.arrays import Bytes
from taue.colour import BLACK, across, along
from taue.ramp import falling
from taue.stack.effects import nearest_subject
from taue.stack.mixing import Floats, shares
from taue.straight import from_nearest

CLEARLY = 0.9
"""A subject's colour is measured where it makes up so much of the pixel."""

REACH = 0.06
"""Shorter sides of the picture by which an object may outgrow its alpha."""

BESIDE = (0.3, 0.6)
"""Sine of the angle off the line from background to subject over which a colour stops to be a
mixture of the two."""

SHADED = (0.25, 0.75)
"""Distance to that line over the distance to the background's shades over which a colour is taken
for a shadow rather than for the subject ..."""

DARKEST = (0.3, 0.5)
"""... unless no more than this is left of the background's light."""

SHADE = 30
"""Levels of 255 from the background's shades up to which the composite shows ground, or a shadow,
though the subject's alpha, too wide, says otherwise ..."""

UNUSUAL = 60
"""... and from the median change of the subject's colours, from which on it shows another thing."""

ALIKE = (40, 80)
"""Levels of 255 between subject and background up to which they cannot be told apart, and from
which on they can."""

FAINT = 0.1
"""Shares of the subject up to this are noise."""

SOFT = 1 / 128
"""Shorter sides by which the soft edge goes on beyond what is mostly the subject."""


def with_outgrown(composite: Bytes, background: Bytes, subjects: Sequence[Bytes]) -> Bytes:
    """The subjects' alphas with what they have outgrown, never less than before, uint8 [n, H, W].

    A pixel goes to its nearest subject. Where two meet all stays as it is, for what the composite
    shows there may belong to either.

    Args:
        composite, background: uint8 [H, W, 3].
        subjects: uint8 [H, W, 4] each, from the lowest layer to the highest.
    """
    before = np.stack([subject[..., 3] for subject in subjects])
    seen, _ = shares(before.astype(np.float32) / np.float32(255))
    shown, ground = composite.astype(np.float32), background.astype(np.float32)
    after, owner = before.copy(), nearest_subject(list(before))
    for index, (subject, share) in enumerate(zip(subjects, seen, strict=True)):
        alone = (owner == index) & (np.delete(before, index, axis=0) == 0).all(axis=0)
        colours = subject[..., :3].astype(np.float32)
        found = (outgrown(shown, ground, colours, share) * 255).round().astype(np.uint8)
        after[index] = np.maximum(before[index], np.where(alone, found, 0))
    return after


def outgrown(shown: Floats, ground: Floats, colours: Floats, share: Floats) -> Floats:
    r"""The subject's share of the pixels that it has outgrown [H, W] in [0, 1], elsewhere 0.

    .. math:: \frac{(C - B) \cdot (F - B)}{\lVert F - B \rVert^2}

    with F the composite's colour where the subject is seen for certain next, as far as mixtures of
    B and F explain the composite, and all of it hangs on to the subject.

    Args:
        shown: C, the composite, ground: B, the background, and colours: the subject's own, each
            [H, W, 3] in [0, 255].
        share: how much of a pixel is the subject as known so far [H, W] in [0, 1].
    """
    clearly = share >= CLEARLY
    if not clearly.any() or clearly.all():
        return np.zeros_like(share)
    change = shown - colours
    unusual = np.linalg.norm(change - np.median(change[clearly], axis=0), axis=-1) > UNUSUAL
    left, off_shade = light_left(shown, ground)
    certain = clearly & ~unusual & ((off_shade > SHADE) | (left < DARKEST[0]))
    if not certain.any():
        return np.zeros_like(share)
    side = min(share.shape)
    away: Any = ndimage.distance_transform_edt(share < 0.5)
    found = mixture(shown, ground, from_nearest(shown, certain))
    found = np.where(away <= REACH * side, found, 0)
    found = np.minimum(found, ndimage.median_filter(found, 3))  # no specks
    mostly = found > 0.5
    connected: Any = ndimage.binary_propagation(clearly, mask=mostly | clearly)
    hanging = connected & mostly & (share < 0.5)
    if not hanging.any():
        return np.zeros_like(share)
    widened = ndimage.binary_dilation(hanging, iterations=max(1, round(SOFT * side)))
    return np.where(widened, found, 0)


def mixture(shown: Floats, ground: Floats, own: Floats) -> Floats:
    """How much of the composite is the subject's colour, as far as that explains it [H, W] in
    [0, 1]. All [H, W, 3] in [0, 255]."""
    found = along(shown, ground, own, least=1)
    off = across(shown, ground, own, found)
    left, off_shade = light_left(shown, ground)
    no_shadow = falling(off / np.maximum(off_shade, 1), SHADED)
    no_shadow = np.maximum(no_shadow, falling(left, DARKEST))
    explained = falling(off / np.maximum(np.linalg.norm(shown - ground, axis=-1), 1), BESIDE)
    told = 1 - falling(np.linalg.norm(own - ground, axis=-1), ALIKE)
    share = ((found - FAINT) / (1 - FAINT)).clip(0, 1)
    return (share * explained * no_shadow * told).astype(np.float32)


def light_left(shown: Floats, ground: Floats) -> tuple[Floats, Floats]:
    """How much of the background's light is left, and the composite's distance from the nearest
    shade of it, on the line to black, in levels of 255, each [H, W]. Both [H, W, 3]."""
    left = along(shown, BLACK, ground, least=1)
    return left, across(shown, BLACK, ground, left.clip(0, 1))
