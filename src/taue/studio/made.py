"""A finished result: written as ``taue generate`` writes it, and told to the page."""

from __future__ import annotations

import time
from typing import Any

from taue.files.made import BROUGHT, layer_file
from taue.layers import Layers
from taue.results.folder import write_result
from taue.results.report import make_report
from taue.scene import Scene
from taue.scene.picture import OwnPicture
from taue.stack import Layer, Stack
from taue.studio.forms import LayerForm, ResultForm, form_of
from taue.studio.sessions import Session
from taue.words import prompts_of, strange_words


def keep(
    session: Session,
    layers: Layers,
    *,
    kind: Any,
    parent: str,
    seconds: float,
    machine: dict[str, str],
) -> ResultForm:
    """Write a result into a session and say what the page shows of it.

    Args:
        session: whose it is.
        layers: what was made.
        kind: "generate" or "regrow".
        parent: the result that it was grown from, if any.
        seconds: what it took.
        machine: device and dtype, for the report.

    Raises:
        TaueError: if it cannot be written; nothing is left of it then.
    """
    scene = layers.made_scene
    strange = strange_words(scene.model, prompts_of(scene))
    warnings = [*strange, *layers.warnings]
    settings = {"model": scene.model, "seed": scene.seed, **machine}
    report = make_report(layers, settings, warnings, {"generate": seconds})
    name, folder = session.new()
    session.folder.mkdir(mode=0o700, exist_ok=True)
    write_result(layers, report, folder)
    stack = layers.stack()
    width, height = stack.size
    told = ResultForm(
        id=name,
        session=session.token,
        made=time.time(),
        seconds=round(seconds, 2),
        kind=kind,
        parent=parent,
        width=width,
        height=height,
        layers=[_told(layer, place, stack) for place, layer in enumerate(stack.layers)],
        composite="composite.png",
        files={"psd": "layers.psd", "ora": "layers.ora", "scene": "scene.toml"},
        scene=form_of(_naming(scene, name)),
        warnings=warnings,
    )
    session.finish(name, dict(told))
    return told


def _naming(scene: Scene, result: str) -> Scene:
    """The scene with its own pictures as forms name those that a result keeps."""
    kept = {name: OwnPicture(f"{result}/{BROUGHT}/{name}.png") for name in scene.own_pictures}
    return scene.with_pictures(kept)


def _told(layer: Layer, place: int, stack: Stack) -> LayerForm:
    width, height = stack.size
    left, top, right, bottom = layer.bounds
    stem = layer.stem if layer.subject is None else layer.stem or str(layer.subject)
    name = layer_file(place, len(stack.layers), layer.role, stem)
    return LayerForm(
        name=layer.name,
        role=layer.role,
        subject=layer.subject or 0,
        file=f"layers/{name}.png",
        box=[left / width, top / height, (right - left) / width, (bottom - top) / height],
    )
