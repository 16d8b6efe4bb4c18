"""What is switched on around a call changes no pixel of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from taue import Layers, TauePipeline
from taue.precision import own_precision


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@pytest.fixture(scope="module")
def pipe(tiny_sdxl: Path) -> TauePipeline:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def made(pipe: TauePipeline) -> Layers:
    generator = torch.Generator().manual_seed(1)
    return pipe(
        ["a red apple"], "desert", num_inference_steps=2, width=64, height=64, generator=generator
    )


@pytest.fixture(scope="module")
def plain(pipe: TauePipeline) -> Layers:
    return made(pipe)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_another_default_dtype_changes_no_pixel(
    pipe: TauePipeline, plain: Layers, dtype: torch.dtype
) -> None:
    with default_dtype(dtype):
        within = made(pipe)
        assert torch.get_default_dtype() == dtype  # and is the caller's again
    np.testing.assert_array_equal(plain.composite, within.composite)
    np.testing.assert_array_equal(plain.subjects[0].image, within.subjects[0].image)


@pytest.mark.slow
def test_autocast_changes_no_pixel(pipe: TauePipeline, plain: Layers) -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        within = made(pipe)
        assert torch.is_autocast_enabled("cpu")
    np.testing.assert_array_equal(plain.composite, within.composite)
    np.testing.assert_array_equal(plain.subjects[0].image, within.subjects[0].image)


def test_the_default_dtype_comes_back_after_an_error() -> None:
    def failing() -> None:
        with own_precision(torch.device("cpu")):
            assert torch.get_default_dtype() == torch.float32
            raise KeyError

    with default_dtype(torch.float64):
        with pytest.raises(KeyError):
            failing()
        assert torch.get_default_dtype() == torch.float64
