"""Does the key colour show in white and yellow objects, where it would be seen first?

    python -m benchmarks.tint --out docs

Grows 40 scenes of one white or yellow object with the defaults, seeds that nothing was tuned on,
and draws the whole scene's prompt plainly, with the same weights and noise. ``tint.json`` has, in
1/255 of chroma along the direction of the key that the object was drawn on and cut from last, the
mean of the layer where it is opaque, of the plain picture where the judge sees the object,
and how much more the layer's is.
"""

from __future__ import annotations

import json

import numpy as np
import torch
import typer

from benchmarks.crew import Out, share_out
from benchmarks.designer import mask
from benchmarks.pair import OneSubject
from taue import TauePipeline
from taue.evaluation.tint import key_direction, towards
from taue.paddy import scenes
from taue.paddy.judge import Judge

SEED, COUNT = 5_151, 40
COLOURS = ("white", "yellow")

Leaning = dict[str, float | None]


def pairs(count: int = COUNT) -> list[OneSubject]:
    """White and yellow in turn; kinds and backgrounds come up about equally."""
    rng = np.random.default_rng(SEED)
    kinds = [str(k) for k in rng.permutation([*scenes.KINDS] * count)[:count]]
    grounds = [*scenes.BACKGROUNDS]
    seeds = rng.integers(2**31, size=count)
    return [
        OneSubject(COLOURS[i % len(COLOURS)], kinds[i], grounds[i % len(grounds)], int(seeds[i]))
        for i in range(count)
    ]


def leaning(pipe: TauePipeline, judge: Judge, pair: OneSubject) -> Leaning:
    """How far the layer and the plain picture lean to the key; None where the judge sees no such
    object in the plain picture."""
    layers = pipe(
        [pair.subject], pair.background, generator=torch.Generator().manual_seed(pair.seed)
    )
    grown = layers.refined[0] if layers.refined else layers.foregrounds[0]
    direction = key_direction(np.asarray(grown))
    plain = pipe.plain()(
        scenes.whole_captions([pair.subject], pair.background)[0],
        generator=torch.Generator().manual_seed(pair.seed),
    ).images[0]
    (seen,) = judge.look([np.asarray(plain)])
    subject = np.asarray(layers.subjects[0].image)
    if direction is None:
        raise RuntimeError(f"{pair.subject}: no key colour around it")
    layer = towards(subject[..., :3], subject[..., 3] > 0.9 * 255, direction)
    drawn = towards(np.asarray(plain), mask(seen, pair.kind), direction)
    more = None if layer is None or drawn is None else layer - drawn
    return {"layer": layer, "plain": drawn, "more": more}


def main(out: Out, count: int = COUNT, model: str = "paddy", workers: int = 2) -> None:
    """Draw the pairs both ways, and write how far they lean."""
    chosen = pairs(count)
    rows = share_out(leaning, chosen, model, "pairs", workers)
    more = {c: [r["more"] for p, r in zip(chosen, rows, strict=True)
                if p.colour == c and r["more"] is not None] for c in COLOURS}  # fmt: skip
    told = {
        "sum": {
            c: {"pairs": len(v), "mean": round(float(np.mean(v)), 2), "most": round(max(v), 2)}
            for c, v in more.items()
        },
        "each": [
            {"subject": p.subject, "background": p.background, "seed": p.seed}
            | {k: v and round(v, 2) for k, v in r.items()}
            for p, r in zip(chosen, rows, strict=True)
        ],
    }
    (out / "tint.json").write_text(json.dumps(told, indent=1) + "\n")
    typer.echo(json.dumps(told["sum"]))


if __name__ == "__main__":
    typer.run(main)
