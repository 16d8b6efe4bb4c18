"""Objects of all ten colours on every key, and on the one that is chosen by sight.

    python -m benchmarks.keys --out docs

Foregrounds of four kinds in each colour, on green, magenta and blue; by sight is ``auto`` without a
word of the prompt, which is what it comes to for things whose colour no word names. The same on
each key by the paper's method, whose own key is green; on the others its mask is told by the
distance from the key, for greenness tells nothing there. Each is cut out, laid over grey and shown
to the judge; and the chroma of what is opaque is compared with that of the colour's name. Writes
``keys.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np
import torch
import typer

from benchmarks.crew import Out, share_out
from taue import TauePipeline, layering, matte, settings
from taue.evaluation.tint import chroma
from taue.generation import Generation
from taue.key_sight import likeness
from taue.paddy import scenes
from taue.paddy.judge import Judge
from taue.painted_key import KEYS
from taue.scene import Request
from taue.settings import Settings
from taue.watch import StageWatch

BY_SIGHT = "by sight"
CHOICES = {
    "taue": ("green", "magenta", "blue", BY_SIGHT),
    "paper": ("green", "magenta", "blue"),
}
"""Keys by method."""

KINDS = ("apple", "chair", "car", "duck")
GREY = 128 / 255
OPAQUE = 0.9
SEED = 4021


@dataclass(frozen=True)
class KeyJob:
    """All ten colours of one kind on one key, by a method."""

    method: str
    kind: str
    key: str

    @property
    def settings(self) -> Settings:
        key = "auto" if self.key == BY_SIGHT else self.key
        if self.method == "taue":
            return Settings(key=key, tries=1)
        value = "greenness" if key == "green" else "distance"
        return replace(Settings.of(self.method), key=key, mask_value=value)


@contextmanager
def no_words() -> Iterator[None]:
    """Nothing is called purple."""
    with mock.patch.object(settings, "LIKE_MAGENTA", frozenset()):
        yield


def work(pipe: TauePipeline, judge: Judge, job: KeyJob) -> list[dict[str, Any]]:
    """What is seen of each colour's cut-out."""
    pipe._interrupt = False
    found: list[dict[str, Any]] = []
    for number, colour in enumerate(scenes.COLOURS):
        backbone = pipe.backbone()
        request = Request.of(
            job.settings, subjects=[{"prompt": f"a {colour} {job.kind}"}], background="a desert"
        ).on_canvas(*backbone.size)
        with torch.no_grad(), no_words():
            generation = Generation(backbone, request, SEED + number, StageWatch(pipe, None))
            ended = generation.subjects("latent")[0]
            picture = layering.picture_of(backbone.decode(ended.latents))
        corner = picture[:4].reshape(-1, 3).mean(axis=0)[None, None]
        tensor = torch.from_numpy(picture).permute(2, 0, 1)
        cut = matte.extract(tensor, ended.seedling.mask).permute(1, 2, 0).numpy()
        over = cut[..., :3] * cut[..., 3:] + GREY * (1 - cut[..., 3:])
        seen = judge.look([(over * 255).round().astype(np.uint8)])[0]
        found.append(
            {
                "method": job.method,
                "colour": colour,
                "kind": job.kind,
                "key": job.key,
                "drawn_on": max(KEYS, key=lambda name: likeness(corner, KEYS[name]).item()),
                "right": [(o.colour, o.kind) for o in seen.objects] == [(colour, job.kind)],
                "told": ended.separated,
                "off": _off(cut, scenes.COLOURS[colour]),
                "evaluations": ended.evaluations,
            }
        )
    return found


def _off(cut: np.ndarray, colour: tuple[int, int, int]) -> float | None:
    """How far the median chroma of what is opaque is from a colour's, in 1/255."""
    inside = cut[..., 3] > OPAQUE
    if not inside.any():
        return None
    own = chroma((cut[..., :3] * 255).round().astype(np.uint8))[inside]
    named = chroma(np.array([[colour]], np.uint8))[0, 0]
    return round(float(np.linalg.norm(np.median(own, axis=0) - named)), 1)


def main(out: Out, workers: int = 2) -> None:
    """Draw, cut out and judge; the table in sum."""
    columns = [(method, key) for method, keys in CHOICES.items() for key in keys]
    jobs = [KeyJob(method, kind, key) for method, key in columns for kind in KINDS]
    rows = [row for answer in share_out(work, jobs, "paddy", "keys", workers) for row in answer]
    (out / "keys.json").write_text(json.dumps(rows, indent=0) + "\n")
    titles = [f"{method}, {key}" for method, key in columns]
    print("| colour | " + " | ".join(titles) + " | drawn on, by sight |")
    print("|---" * (len(titles) + 2) + "|")
    for colour in scenes.COLOURS:
        own = [[r for r in rows if _place(r) == (colour, *column)] for column in columns]
        on = ", ".join(
            sorted({r["drawn_on"] for r in rows if _place(r)[::2] == (colour, BY_SIGHT)})
        )
        print("| " + " | ".join([colour, *map(_cell, own), on]) + " |")


def _place(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["colour"], row["method"], row["key"]


def _cell(rows: list[dict[str, Any]]) -> str:
    offs = [row["off"] for row in rows if row["off"] is not None]
    far = f"{np.mean(offs):.0f}" if offs else "nothing left"
    return f"{sum(row['right'] for row in rows)} of {len(rows)}, {far}"


if __name__ == "__main__":
    typer.run(main)
