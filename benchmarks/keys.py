"""Objects of all ten colours on every key, and on the one that is chosen by sight.

    python -m benchmarks.keys --out docs

Foregrounds of two kinds in each colour, on green, magenta and blue; by sight is ``auto`` without a
word of the prompt, which is what it comes to for things whose colour no word names. Each is cut
out, laid over grey and shown to the judge; and the chroma of what is opaque is compared with that
of the colour's name. Writes ``keys.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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

CHOICES = ("green", "magenta", "blue", "by sight")
KINDS = ("apple", "chair")
GREY = 128 / 255
OPAQUE = 0.9
SEED = 4021


@dataclass(frozen=True)
class KeyJob:
    """All ten colours of one kind on one key."""

    kind: str
    key: str


@contextmanager
def no_words() -> Iterator[None]:
    """Nothing is called purple."""
    with mock.patch.object(settings, "LIKE_MAGENTA", frozenset()):
        yield


def work(pipe: TauePipeline, judge: Judge, job: KeyJob) -> list[dict[str, Any]]:
    """What is seen of each colour's cut-out."""
    chosen = Settings(key="auto" if job.key == "by sight" else job.key, tries=1)
    pipe._interrupt = False
    found: list[dict[str, Any]] = []
    for number, colour in enumerate(scenes.COLOURS):
        backbone = pipe.backbone()
        request = Request.of(
            chosen, subjects=[{"prompt": f"a {colour} {job.kind}"}], background="a desert"
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
    jobs = [KeyJob(kind, key) for key in CHOICES for kind in KINDS]
    rows = [row for answer in share_out(work, jobs, "paddy", "keys", workers) for row in answer]
    (out / "keys.json").write_text(json.dumps(rows, indent=0) + "\n")
    print("| colour | " + " | ".join(CHOICES) + " | drawn on, by sight |")
    print("|---" * (len(CHOICES) + 2) + "|")
    for colour in scenes.COLOURS:
        own = {
            key: [r for r in rows if (r["colour"], r["key"]) == (colour, key)] for key in CHOICES
        }
        on = ", ".join(sorted({r["drawn_on"] for r in own["by sight"]}))
        print("| " + " | ".join([colour, *map(_cell, own.values()), on]) + " |")


def _cell(rows: list[dict[str, Any]]) -> str:
    offs = [row["off"] for row in rows if row["off"] is not None]
    far = f"{np.mean(offs):.0f}" if offs else "nothing left"
    return f"{sum(row['right'] for row in rows)} of {len(rows)}, {far}"


if __name__ == "__main__":
    typer.run(main)
