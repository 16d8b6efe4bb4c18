"""Exact recomposition against rendered truth: largest error, coverage, shadows found; and a sheet.

    python -m benchmarks.recomposition --out docs --results RESULTS

The renderer's plate, composite and alpha are decomposed as they are, and after composite and plate
went through a model's autoencoder; once more with alphas that end early, as if the scene had drawn
its objects larger. Writes ``layers.json`` and ``layers.png``; the sheet also has a
few results of ``taue generate`` if RESULTS is a folder of such folders.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from PIL import Image, ImageDraw
from rich.progress import track
from scipy import ndimage

from benchmarks.crew import Out, figure_in, load_quiet
from taue.arrays import Bytes
from taue.files.saved import read_pictures
from taue.paddy import scenes
from taue.stack import Pictures, Stack, coverage, darkened, exact, flatten, largest_error

SHIFT = 0.2
SHADOW = 0.1
"""A pixel is in shadow if it loses more than this share of its light."""

EARLY = 1 / 64
"""Sides of the picture by which an alpha ends too early."""

ROWS = 4
LABEL = 16
COLUMNS = ("composite", "effects", "subject moved", "with its effects")

Codec = Callable[[Bytes], Bytes]


def specs(count: int, objects: int) -> Iterator[scenes.SceneSpec]:
    """Fixed scenes with a background, as paddy's training draws them."""
    rng = np.random.default_rng([20_265, objects])
    return (scenes.sample_spec(rng, objects=objects) for _ in range(count))


def there_and_back(model: str) -> Codec:
    """There and back: uint8 [H, W, 3] to the same."""
    vae: Any = load_quiet(model).vae

    @torch.no_grad()
    def trip(picture: Bytes) -> Bytes:
        unit = torch.from_numpy(picture.astype(np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        encoded = vae.encode(unit)
        latents = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()
        decoded = vae.decode(latents).sample[0].permute(1, 2, 0).clamp(-1, 1).numpy()
        return ((decoded + 1) * 127.5).round().astype(np.uint8)

    return trip


def pictures_of(scene: scenes.RenderedScene, codec: Codec | None) -> Pictures:
    """A rendered scene's pictures, through the codec if there is one, and its true subjects."""
    composite, plate = scene.composite, scene.plate
    if codec is not None:
        composite, plate = codec(composite), codec(plate)
    subjects = tuple(thing.rgba for thing in scene.objects)
    names = tuple(thing.caption for thing in scene.objects)
    return Pictures(composite, plate, subjects, names)


def early(rgba: Bytes) -> Bytes:
    """The subject with an alpha that ends too early."""
    size = 2 * round(EARLY * min(rgba.shape[:2])) + 1
    alpha = np.asarray(ndimage.grey_erosion(rgba[..., 3], (size, size), mode="nearest"))
    return np.concatenate([rgba[..., :3], alpha[..., None].astype(np.uint8)], axis=-1)


def alpha_error(subjects: Iterable[Bytes], true: Iterable[Bytes]) -> float:
    """The absolute errors of alpha, summed over the pixels [H, W, 4] of all subjects."""
    pairs = zip(subjects, true, strict=True)
    return float(sum(np.abs(s[..., 3].astype(float) - t[..., 3]).sum() / 255 for s, t in pairs))


def scene_figures(
    scene: scenes.RenderedScene, pictures: Pictures, stack: Stack
) -> dict[str, float | None]:
    """One scene's figures; the shadow's IoU where no object hides it, None without a shadow."""
    shrunk = replace(pictures, subjects=tuple(map(early, pictures.subjects)))
    regrown = exact(shrunk)
    seen = np.all([thing.rgba[..., 3] == 0 for thing in scene.objects], axis=0)
    true, found = (scene.shadow > SHADOW) & seen, darkened(stack.layers, SHADOW) & seen
    return {
        "largest_error": largest_error(flatten(stack.layers), stack.merged),
        "coverage": coverage(stack.layers),
        "shadow_iou": float((true & found).sum() / (true | found).sum()) if true.any() else None,
        "alpha_changed": alpha_error([x.pixels for x in stack.of("subject")], pictures.subjects),
        "alpha_early": alpha_error(shrunk.subjects, pictures.subjects),
        "alpha_regrown": alpha_error([x.pixels for x in regrown.of("subject")], pictures.subjects),
    }


def summary(lines: list[dict[str, float | None]]) -> dict[str, Any]:
    """Over all scenes; shadows by their median, tenth percentile and the share found."""
    covers = [line["coverage"] for line in lines]
    shadows = np.array([x for line in lines if (x := line["shadow_iou"]) is not None])
    alphas = ("alpha_changed", "alpha_early", "alpha_regrown")
    return {
        "scenes": len(lines),
        "largest_error": max(line["largest_error"] or 0 for line in lines),
        "coverage_median": round(float(np.median(np.array(covers, float))), 4),
        "coverage_p95": round(float(np.percentile(np.array(covers, float), 95)), 4),
        "shadows": len(shadows),
        "shadow_iou_median": round(float(np.median(shadows)), 3),
        "shadow_iou_p10": round(float(np.percentile(shadows, 10)), 3),
        "shadow_iou_share_above_0.7": round(float((shadows >= 0.7).mean()), 3),
        **{name: round(float(np.mean([line[name] or 0 for line in lines])), 1) for name in alphas},
    }


def moved(stack: Stack, *, effects: bool) -> Bytes:
    """The stack with its first subject moved by a fifth of the width, towards the wider side."""
    width = stack.size[0]
    left, _, right, _ = stack.of("subject")[0].bounds
    step = round(SHIFT * width) * (1 if left + right < width else -1)
    roles = ("subject", "effects") if effects else ("subject",)
    return flatten(
        replace(layer, pixels=to_the_right(layer.pixels, step))
        if layer.subject == 1 and layer.role in roles
        else layer
        for layer in stack.layers
    )


def to_the_right(pixels: Bytes, step: int) -> Bytes:
    """Moved to the right by ``step`` pixels (to the left if negative), clear where nothing was."""
    result = np.zeros_like(pixels)
    if step > 0:
        result[:, step:] = pixels[:, :-step]
    else:
        result[:, :step] = pixels[:, -step:]
    return result


def row(stack: Stack) -> list[Image.Image]:
    """The sheet's pictures of one scene; effects lie on grey."""
    grey = Image.new("RGBA", stack.size, (150, 150, 150, 255))
    for layer in stack.of("effects"):
        grey.alpha_composite(Image.fromarray(layer.pixels))
    shifts = (moved(stack, effects=False), moved(stack, effects=True))
    return [
        Image.fromarray(stack.merged),
        grey.convert("RGB"),
        *(Image.fromarray(picture) for picture in shifts),
    ]


def stack_sheet(stacks: list[Stack], path: Path, side: int = 192) -> None:
    """A row per scene, two scenes side by side."""
    lines = -(-len(stacks) // 2)
    page = Image.new("RGB", (2 * len(COLUMNS) * side + 12, LABEL + lines * side), "white")
    pen = ImageDraw.Draw(page)
    for index, stack in enumerate(stacks):
        left = (index // lines) * (len(COLUMNS) * side + 12)
        for place, picture in enumerate(row(stack)):
            pen.text((left + place * side + 3, 2), COLUMNS[place], "black")
            tile = picture.resize((side, side), Image.Resampling.BICUBIC)
            page.paste(tile, (left + place * side, LABEL + index % lines * side))
    page.save(path)


def main(
    out: Out,
    model: Annotated[str, typer.Option(help="Whose autoencoder.")] = "paddy",
    size: Annotated[int, typer.Option(help="Pixels a side.")] = 256,
    count: Annotated[int, typer.Option(help="Scenes of one object; a quarter of it of two.")] = 200,
    results: Annotated[Path | None, typer.Option(help="A folder of results.")] = None,
) -> None:
    """Measure, print, write figures and sheet."""
    document: dict[str, Any] = {"model": model, "size": size}
    rows: list[Stack] = []
    for name, codec in (("as rendered", None), ("after the autoencoder", there_and_back(model))):
        for objects in (1, 2):
            lines: list[dict[str, float | None]] = []
            for spec in track(list(specs(count // objects**2, objects)), f"{name}, {objects}"):
                scene = scenes.render(spec, size)
                pictures = pictures_of(scene, codec)
                stack = exact(pictures)
                lines.append(scene_figures(scene, pictures, stack))
                if codec is None and len(rows) < ROWS * objects // 2 and scene.shadow.any():
                    rows.append(stack)
            document[f"{name}, {objects} object(s)"] = summary(lines)
    if results is not None:
        made = [exact(read_pictures(folder)) for folder in sorted(results.iterdir())]
        covers = np.array([coverage(stack.layers) for stack in made])
        document["generated"] = {
            "scenes": len(made),
            "largest_error": max(largest_error(flatten(s.layers), s.merged) for s in made),
            "coverage_median": round(float(np.median(covers)), 4),
            "coverage_p95": round(float(np.percentile(covers, 95)), 4),
        }
        rows += made[:ROWS]
    print(json.dumps(document, indent=2))
    (out / "layers.json").write_text(json.dumps(document, indent=2) + "\n")
    stack_sheet(rows, figure_in(out, "layers.png"))


if __name__ == "__main__":
    typer.run(main)
