"""A scene: everything that decides a picture, as TOML or JSON, checked. Nothing here needs torch.

``request`` holds what is asked for, of ``subject``s and a ``method``, the part that mirrors the
settings; ``model`` the scene, which adds what draws it; ``text`` TOML and JSON, ``read`` the files
that carry a scene, ``problems`` the sentences for what is wrong.
"""

from taue.scene.method import Method
from taue.scene.model import Scene
from taue.scene.request import Canvas, Request
from taue.scene.subject import Subject

__all__ = ["Canvas", "Method", "Request", "Scene", "Subject"]
