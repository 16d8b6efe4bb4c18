"""A scene: everything that decides a picture, as TOML or JSON, checked. Nothing here needs torch.

``model`` holds what a scene is, ``method`` the part that mirrors the settings, ``text`` TOML and
JSON, ``read`` the files that carry a scene, ``problems`` the sentences for what is wrong.
"""

from taue.scene.method import Method
from taue.scene.model import Canvas, Scene, SceneSubject

__all__ = ["Canvas", "Method", "Scene", "SceneSubject"]
