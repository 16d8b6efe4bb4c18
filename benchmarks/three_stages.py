"""The three stages on paddy, one subject: figures and sheets over fixed prompt pairs.

    python -m benchmarks.three_stages --set test --out docs

writes ``three-stages.json`` (every figure, per pair and in sum) and ``three-stages-1.png``, ... : a
row per pair of raw foreground, cut-out subject, composite and background. The pairs for tuning
(``--set tuning``) and for testing share no triple of colour, kind and background.
"""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import torch.nn.functional as F
import typer
from PIL import Image, ImageDraw
from rich.progress import track

from benchmarks.crew import Out, load_quiet
from benchmarks.pair import OneSubject
from taue import TauePipeline
from taue.backbones.sdxl import KEYS
from taue.layers import Layers
from taue.masks import grow
from taue.metrics import inside, outside, psnr, ssim
from taue.paddy import scenes
from taue.paddy.architecture import COLOUR_OF_CHANNEL
from taue.settings import Settings

COUNTS = {"tuning": 24, "test": 50}
COLUMNS = ("foreground", "subject", "composite", "background")


def pairs(which: str) -> list[OneSubject]:
    """Fixed pairs, kinds and colours and backgrounds in turn so that all occur about equally."""
    rng = np.random.default_rng(20_261)
    total = sum(COUNTS.values())

    def deck(words: Iterable[str]) -> Iterator[str]:
        """The words in ever new orders, without end."""
        names = list(words)
        while True:
            yield from (names[i] for i in rng.permutation(len(names)))

    decks = deck(scenes.COLOURS), deck(scenes.KINDS), deck(scenes.BACKGROUNDS)
    triples = itertools.islice(zip(*decks, strict=False), 2 * total)
    drawn = list(dict.fromkeys(triples))[:total]
    start = 0 if which == "tuning" else COUNTS["tuning"]
    chosen = drawn[start : start + COUNTS[which]]
    return [OneSubject(*triple, seed=start + i) for i, triple in enumerate(chosen)]


def layers_figures(layers: Layers, without_key: Layers | None) -> dict[str, float | None]:
    """One pair's figures. Pictures are arrays [H, W, C] in [0, 1]."""
    alpha = layers.subjects[0].image[..., 3]
    within, beyond = inside(alpha), outside([alpha])
    spread, closeness = key_figures(layers)
    result: dict[str, float | None] = {
        "foreground_psnr": psnr(layers.foregrounds[0], layers.composite, within),
        "foreground_ssim": ssim(layers.foregrounds[0], layers.composite, within),
        "background_psnr": psnr(layers.background, layers.composite, beyond),
        "background_ssim": ssim(layers.background, layers.composite, beyond),
        "alpha_area": float(alpha.mean()),
        "key_std": spread,
        "key_closeness": closeness,
    }
    if without_key is not None:
        result["no_key_std"], result["no_key_closeness"] = key_figures(without_key)
    return result


def key_figures(layers: Layers) -> tuple[float | None, float | None]:
    """Outside the object mask grown by a cell: the colours' standard deviation in 1/255 (root
    mean square over channels), and the cosine between painted and true key, both from grey."""
    picture = layers.foregrounds[0]
    near = F.interpolate(grow(layers.masks[0])[None, None], picture.shape[:2])[0, 0].numpy() > 0.5
    colours = picture[~near]
    if len(colours) < 2:
        return None, None
    spread = float(np.sqrt(colours.var(axis=0).mean()) * 255)
    painted = np.median(colours, axis=0) - 0.5
    latent = KEYS[Settings().key_for(layers.subjects[0].subject.prompt)]
    true = np.array(latent[:3]) @ np.array(COLOUR_OF_CHANNEL)
    closeness = painted @ true / (np.linalg.norm(painted) * np.linalg.norm(true))
    return spread, float(closeness)


def light_bound(pair: OneSubject) -> float | None:
    """PSNR between the renderer's object in neutral and in the scene's light, inside alpha."""
    box = scenes.Box(0.3, 0.35, 0.4, 0.4)
    thing = scenes.ObjectSpec(pair.kind, pair.colour, box)
    scene = scenes.render(scenes.SceneSpec((thing,), pair.background, None, pair.seed), 128)
    neutral, lit = scene.objects[0].rgba, scene.objects[0].lit
    return psnr(neutral[..., :3], lit[..., :3], inside(neutral[..., 3] / 255))


def tile(layers: Layers, column: str) -> Image.Image:
    """One picture of a row, 8-bit; the subject lies on a checkerboard."""
    if column == "subject":
        rgba = layers.subjects[0].image
        y, x = np.indices(rgba.shape[:2]) // 8
        board = np.where((y + x) % 2 == 0, 0.6, 0.85)[..., None]
        picture = rgba[..., :3] * rgba[..., 3:] + board * (1 - rgba[..., 3:])
    else:
        picture = layers.foregrounds[0] if column == "foreground" else layers[column]
    return Image.fromarray((picture * 255).round().astype(np.uint8))


def pair_sheet(rows: list[tuple[OneSubject, Layers]], path: Path, per_column: int = 9) -> None:
    """A labelled row of four pictures per pair, in columns."""
    side, label = rows[0][1].composite.shape[1], 14
    columns = -(-len(rows) // per_column)
    page = Image.new(
        "RGB", (columns * (len(COLUMNS) * side + 12), per_column * (side + label)), "white"
    )
    draw = ImageDraw.Draw(page)
    for index, (pair, layers) in enumerate(rows):
        left = index // per_column * (len(COLUMNS) * side + 12)
        top = index % per_column * (side + label)
        draw.text((left + 2, top + 1), f"{pair.seed}: {pair.subject} | {pair.background}", "black")
        for place, column in enumerate(COLUMNS):
            page.paste(tile(layers, column), (left + place * side, top + label))
    page.save(path)


def main(
    out: Out,
    which: Annotated[str, typer.Option("--set", help="tuning or test.")] = "test",
    model: str = "paddy",
    steps: int = 50,
    first: Annotated[int | None, typer.Option(help="Only so many pairs.")] = None,
    key_check: Annotated[bool, typer.Option(help="Also run without the key colour.")] = True,
    settings: Annotated[str, typer.Option(help="Other settings, as JSON.")] = "{}",
) -> None:
    """Run the pairs, print the medians, write figures and sheets."""
    pipe = load_quiet(model)
    chosen = Settings(num_inference_steps=steps, **json.loads(settings))
    rows: list[tuple[OneSubject, Layers]] = []
    lines: list[dict[str, Any]] = []
    for pair in track(pairs(which)[:first], "pairs"):
        plain = run(pipe, pair, chosen, key_strength=0.0) if key_check else None
        layers = run(pipe, pair, chosen)
        rows.append((pair, layers))
        lines.append(
            {
                "subject": pair.subject,
                "background": pair.background,
                "seed": pair.seed,
                "light_bound_psnr": light_bound(pair),
                **layers_figures(layers, plain),
                "warnings": layers.warnings,
            }
        )
    medians = {
        name: round(statistics.median(x[name] for x in lines if x[name] is not None), 3)
        for name in lines[0]
        if name not in ("subject", "background", "seed", "warnings")
    }
    print(json.dumps(medians, indent=2))
    stem = "three-stages" if which == "test" else f"three-stages-{which}"
    document = {"model": model, "steps": steps, "medians": medians, "pairs": lines}
    (out / f"{stem}.json").write_text(json.dumps(document, indent=2) + "\n")
    for page in range(0, len(rows), 25):
        pair_sheet(rows[page : page + 25], out / f"{stem}-{page // 25 + 1}.png")


def run(pipe: TauePipeline, pair: OneSubject, settings: Settings, **changes: Any) -> Layers:
    """One call of the pipeline; ``changes`` replace settings."""
    return pipe(
        [pair.subject],
        pair.background,
        generator=torch.Generator().manual_seed(pair.seed),
        settings=Settings(**{**settings.__dict__, **changes}),
        output_type="np",
    )


if __name__ == "__main__":
    typer.run(main)
