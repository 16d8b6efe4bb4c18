"""What many tests share: real pipelines that are small enough to run anywhere."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from jaxtyping import install_import_hook

# Shapes are checked as these run (see taue.shapes): before anything imports them.
install_import_hook(
    [
        "taue.equations",
        *(f"taue.{name}" for name in ("cultivate", "growth", "rows", "solver", "space")),
        "taue.transplant",
        "taue.matte",
    ],
    "typed.checked",
)

from tiny_models import BUILDERS  # noqa: E402

# No test may wait for a network, and small models run fastest on one thread.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The commands are built once, not for every call of a test: they keep nothing.
typer.testing._get_command = functools.cache(typer.main.get_command)


@pytest.fixture(scope="session")
def tiny_folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family's tiny pipeline, by the family's name, as ``save_pretrained`` leaves
    it (see :mod:`tiny_models`)."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp("models") / f"tiny-{family}"
            BUILDERS[family]().save_pretrained(made[family])
        return made[family]

    return folder


@pytest.fixture(scope="session")
def tiny_sdxl(tiny_folders: Callable[[str], Path]) -> Path:
    """A folder that ``StableDiffusionXLPipeline.from_pretrained`` loads."""
    return tiny_folders("sdxl")


@pytest.fixture(scope="session")
def one_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of one rendered scene, 64 pixels a side."""
    from taue.evaluation.rendered import write_rendered

    out = tmp_path_factory.mktemp("data") / "one"
    write_rendered(out, 1, seed=5, side=64)
    return out


@pytest.fixture(scope="session")
def painter() -> Any:
    """A model that paints objects, paddy: random weights paint none, so nothing is planted."""
    from taue import TauePipeline

    pipe = TauePipeline.from_pretrained("paddy")
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def pipeline(tiny_sdxl: Path) -> Any:
    """The tiny SDXL in double precision, where rows are compared: in single a network of random
    weights answers a batch of two and a batch of one with 1e-5 between them."""
    import torch

    from taue import TauePipeline

    pipe = TauePipeline.from_pretrained(str(tiny_sdxl), dtype=torch.float64)
    pipe.set_progress_bar_config(disable=True)
    return pipe
