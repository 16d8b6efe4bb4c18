"""A result folder of ``taue generate``: read for the judge, its report told what it found."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from taue.arrays import Bytes
from taue.disk.png import read_png
from taue.errors import TaueError
from taue.files.saved import read_scene
from taue.files.saved_report import read_report
from taue.paddy.judge.findings import Asked, Cutout, SeenLayer, Verdict
from taue.paddy.judge.judge import Judge
from taue.paddy.judge.told import MARK
from taue.paddy.judge.verdict import judge_layers
from taue.scene import Scene
from taue.scene.subject import layer_file_names


@dataclass(frozen=True)
class Result:
    """The scene, its pictures uint8 [H, W, 3] (subjects [H, W, 4], straight alpha), the report."""

    scene: Scene
    composite: Bytes
    background: Bytes
    foregrounds: tuple[Bytes, ...]
    subjects: tuple[Bytes, ...]
    report: dict[str, Any]

    @property
    def asked(self) -> list[Asked]:
        """The subjects' prompts, and the boxes that they ended in."""
        return [Asked(one.prompt, (one.box, *one.moves)[-1]) for one in self.scene.subjects]


def read_judged(folder: Path) -> Result:
    """Read what ``taue generate`` wrote.

    Raises:
        TaueError: if the folder is no such result, naming what is missing or broken.
    """
    try:
        if not folder.is_dir():
            raise TaueError("it is missing or no folder.")
        result = _read_layers(folder)
        _check(result)
    except (ArithmeticError, AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise TaueError(
            f"folder {str(folder)!r} is no result of taue generate ({_reason(error, folder)}); "
            "name a folder that it made."
        ) from error
    return result


def _read_layers(folder: Path) -> Result:
    _, scene = read_scene(folder)
    raw, cut = (layer_file_names(scene.subjects, kind) for kind in ("foreground", "subject"))
    return Result(
        scene,
        _picture(folder / "composite.png", "RGB"),
        _picture(folder / "background.png", "RGB"),
        tuple(_picture(folder / f"{name}.png", "RGB") for name in raw),
        tuple(_picture(folder / f"{name}.png", "RGBA") for name in cut),
        read_report(folder),
    )


def _check(result: Result) -> None:
    """ValueError, KeyError or TypeError if what was read makes no sense together."""
    layers = (result.composite, result.background, *result.foregrounds, *result.subjects)
    if len({layer.shape[:2] for layer in layers}) > 1:
        raise ValueError("its layers have different sizes")
    warnings = result.report.get("warnings", [])
    if not isinstance(warnings, list) or not all(isinstance(line, str) for line in warnings):
        raise ValueError("the warnings in report.json are no list of texts")


def judge_result(judge: Judge, result: Result) -> Verdict:
    """Look at every layer once."""
    pictures = [result.composite, result.background, *result.foregrounds]
    layers = [SeenLayer(p, s) for p, s in zip(pictures, judge.look(pictures), strict=True)]
    composite, background, *foregrounds = layers
    cutouts = [Cutout(rgba[..., :3], rgba[..., 3] / np.float32(255)) for rgba in result.subjects]
    return judge_layers(
        result.asked, result.scene.background, composite, background, foregrounds, cutouts
    )


def judged_report(
    result: Result, verdict: Mapping[str, Any], warnings: list[str]
) -> dict[str, Any]:
    """The report with the verdict under "judge", and the warnings in place of older ones.

    Warnings that are not the judge's are kept.
    """
    others = [line for line in result.report.get("warnings", []) if not line.startswith(MARK)]
    return {**result.report, "warnings": [*others, *warnings], "judge": dict(verdict)}


def _picture(path: Path, mode: str) -> Bytes:
    return read_png(path, mode, convert=False)


def _reason(error: Exception, folder: Path) -> str:
    """Why, in few words and without another full stop."""
    if isinstance(error, TaueError):
        reason = str(error).partition("; ")[0]  # the remedy is said for the folder
    elif isinstance(error, KeyError):
        reason = f"report.json has no {error.args[0]}"
    else:
        reason = getattr(error, "strerror", None) or str(error)
    return reason.replace(f"{folder}{os.sep}", "").rstrip(".")
