"""One plate: the clean background of a scene, drawn finely and brought down to size."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from taue.paddy.scenes.plates_built import BUILT
from taue.paddy.scenes.plates_open import OPEN
from taue.paddy.scenes.plates_wild import WILD
from taue.paddy.scenes.sheet import Sheet

_PAINTERS = OPEN | WILD | BUILT


def draw_plate(
    background: str, height: int, width: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """The background as uint8 [height, width, 3], varied by `rng`."""
    image = Image.new("RGB", (2 * width, 2 * height))
    _PAINTERS[background](Sheet(image), rng)
    return np.array(image.reduce(2))
