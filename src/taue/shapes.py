"""Shapes in annotations. One letter is one length wherever it stands in a function's arguments.

``B`` samples, ``C`` channels, ``h`` and ``w`` latent cells, ``H`` and ``W`` pixels, ``K`` regions;
``...`` any number of lengths. Tests check them at run time with jaxtyping and beartype (see
``tests/conftest.py``); without jaxtyping, which users do not need, they are tensors and arrays.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

if TYPE_CHECKING or find_spec("jaxtyping") is not None:
    from jaxtyping import Bool, Float
else:

    class Float:
        """The array alone."""

        def __class_getitem__(cls, item: tuple[Any, str]) -> Any:
            return item[0]

    Bool = Float

Latents = Float[Tensor, "B C h w"]
One = Float[Tensor, "1 C h w"]
"""One sample of latents."""

Cells = Float[Tensor, "h w"]
Same = Float[Tensor, "*s"]
"""Of any shape, the same for all."""

Broadcast = Float[Tensor, "*#s"]
"""What is broadcast to that shape, as a mask [1, 1, h, w] to latents."""

Colour = Float[Tensor, " C"]

Picture = Float[np.ndarray, "H W 3"]
Rgba = Float[np.ndarray, "H W 4"]
Alpha = Float[np.ndarray, "H W"]
Mask = Bool[np.ndarray, "H W"]
"""A region (:mod:`taue.arrays`) of one channel."""

Finer = Bool[np.ndarray, "nH nW"]
"""A mask with several places to a pixel."""
