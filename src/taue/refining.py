"""A result refined: what it shows is kept as pictures, and what is not kept is drawn anew.

A kept subject is the layer that its first scene made of it, before any scene's light was on it, and
the background the layer that there is; both are brought to the new scene as users' own pictures are
(:mod:`taue.own_inputs`). So they stay to the last bit, and light and shadow follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from taue.box import Box
from taue.edits import Edits, shifted_pixels
from taue.layers import Layers, as_bytes
from taue.placing import picture_box
from taue.scene import Scene, Subject
from taue.scene.picture import OwnPicture
from taue.scene.request import ONLY_SCENE
from taue.scene.subject import default_boxes


def kept(layers: Layers) -> Scene:
    """The scene of a result with everything that it shows as pictures, where it is.

    A subject of which nothing is seen stays to be drawn.

    Args:
        layers: of a scene, with pictures (not latents).
    """
    subjects = tuple(_kept(layers, i) for i in range(len(layers.subjects)))
    changes = {
        "subjects": subjects,
        "background_image": _picture(as_bytes(layers.background)),
        "init": None,
        **ONLY_SCENE,
    }
    return layers.made_scene.model_copy(update=changes)


def anew(subject: Subject, seed: int) -> Subject:
    """A subject to be drawn anew where it is, from noise of ``seed``.

    Raises:
        TaueError: if the seed can be none.
    """
    return replace(subject, image=None, box=_place(subject), moves=(), places=(), seed=seed)


def renamed(subject: Subject, name: str) -> Subject:
    """The same by another name.

    Raises:
        TaueError: if the name can be none.
    """
    return replace(subject, name=name)


def arranged(scene: Scene, subjects: Sequence[Subject]) -> Scene:
    """Other subjects, or the same in another order, later ones nearer. The whole scene's prompt is
    dropped if others are there than it told of.

    Raises:
        TaueError: if there are none or too many, or two would be one file.
    """
    same = sorted(s.prompt for s in subjects) == sorted(s.prompt for s in scene.subjects)
    Scene.from_data({"subjects": tuple(subjects), "background": scene.background})
    changes = {"subjects": tuple(subjects), "scene": scene.scene if same else None}
    return scene.model_copy(update=changes)


def edited(layers: Layers, edits: Edits) -> Scene:
    """The scene of a result as somebody edited it in a layered file."""
    scene = kept(layers)
    subjects: list[Subject] = []
    for one in edits.subjects:
        subject = scene.subjects[one.number - 1]
        if one.pixels is not None:
            subject = replace(subject, image=_picture(one.pixels))
        elif one.moved_by != (0, 0) and subject.image is not None:
            pixels = shifted_pixels(np.asarray(subject.image.cut_out()), one.moved_by)
            subject = replace(subject, image=_picture(pixels))
        subjects.append(subject)
    if edits.background is not None:
        repainted = {"background_image": _picture(edits.background)}
        scene = scene.model_copy(update=repainted)
    return arranged(scene, subjects)


def _kept(layers: Layers, place: int) -> Subject:
    subject, seedling = layers.subjects[place].subject, layers.seedlings[place]
    if seedling.drawn is not None:  # in its box as before, and no coarser than it was drawn
        picture = _picture(as_bytes(seedling.drawn))
        box = _place(subject) or default_boxes(len(layers.subjects))[place]
        return replace(subject, image=picture, box=box, moves=(), places=())
    layer = seedling.layer
    pixels = as_bytes(layers.subjects[place].image if layer is None else layer)
    if not pixels[..., 3].any():
        return subject
    return replace(subject, image=_picture(pixels), box=None, moves=(), places=())


def _place(subject: Subject) -> Box | None:
    """Where a subject is: in a box, or where its picture shows it."""
    if subject.moves or subject.box or subject.image is None:
        return subject.moves[-1] if subject.moves else subject.box
    alpha = torch.from_numpy(np.asarray(subject.image.cut_out())[..., 3] / np.float32(255))
    return picture_box(alpha)


def _picture(pixels: np.ndarray) -> OwnPicture:
    return OwnPicture(Image.fromarray(np.ascontiguousarray(pixels)))
