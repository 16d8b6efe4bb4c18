"""Layered images from diffusion models of several families, without training.

An independent implementation of TAUE (noise transplant and cultivation, arXiv 2511.02580).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from taue.box import Box
    from taue.errors import TaueError
    from taue.layers import Layers, SubjectLayer
    from taue.pipeline import TauePipeline
    from taue.scene import Scene
    from taue.scene.subject import Subject
    from taue.seedling import Seedling
    from taue.settings import Settings

_HOMES = {
    "Box": "taue.box",
    "Layers": "taue.layers",
    "Scene": "taue.scene",
    "Seedling": "taue.seedling",
    "Settings": "taue.settings",
    "Subject": "taue.scene",
    "SubjectLayer": "taue.layers",
    "TaueError": "taue.errors",
    "TauePipeline": "taue.pipeline",
}

__all__ = [
    "Box",
    "Layers",
    "Scene",
    "Seedling",
    "Settings",
    "Subject",
    "SubjectLayer",
    "TaueError",
    "TauePipeline",
]


def __getattr__(name: str) -> Any:
    """Import lazily, because torch and diffusers take seconds and ``taue --help`` needs neither."""
    if name in _HOMES:
        from taue.muted import muted

        # diffusers imports image processors that we do not use, without torchvision.
        with muted("transformers.utils.import_utils", "requires torchvision"):
            return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'taue' has no attribute {name!r}")
