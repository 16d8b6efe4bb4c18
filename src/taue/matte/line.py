"""Alpha by projection onto the line from the key to the object's own colour."""

from __future__ import annotations

import numpy as np

from taue.colour import across, along
from taue.matte.measures import BESIDE, HARDLY, LEAST, SPREAD
from taue.ramp import falling
from taue.shapes import Alpha, Picture


def projected(picture: Picture, key: Picture, own: Picture, spread: float) -> Alpha:
    r"""Alpha of a mixture of key and own colour [H, W] in [0, 1].

    .. math:: \frac{(I - K) \cdot (F - K)}{\lVert F - K \rVert^2}

    with as much cut off at 0 as the key's spread amounts to, and the rest stretched.

    Args:
        picture: I, key: K, own: F, each [H, W, 3].
        spread: how far the key as painted is from K.
    """
    length = np.maximum(np.linalg.norm(own - key, axis=-1), HARDLY)
    cut = np.minimum(spread / length, SPREAD[1])
    return ((along(picture, key, own, HARDLY) - cut) / (1 - cut)).clip(0, 1)


def beside(picture: Picture, key: Picture, own: Picture, noise: float) -> Alpha:
    """How little any mixture of key and own colour explains the picture, 0 to 1 [H, W].

    A thin handle of another colour than the body that it hangs on is such a place. What is within
    the ``noise`` of the line counts as explained.
    """
    off = across(picture, key, own, along(picture, key, own, LEAST).clip(0))
    sine = (off - noise) / np.maximum(np.linalg.norm(picture - key, axis=-1), LEAST)
    return 1 - falling(sine, BESIDE)
