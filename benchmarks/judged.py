"""Paddy judged: plain generation, then the three stages on the same footing.

    python -m benchmarks.judged plain --out docs
    python -m benchmarks.judged stages --out docs

``plain`` asks plain diffusers for 360 fixed prompts (objects, backgrounds, whole scenes, a third of
the scenes with colour-kind pairs that training never saw) and writes ``judged-plain.json``, or of
another model or LoRA the file that is named (``judged-dit.json``, ``judged-few-steps-4.json``); the
second grows 300 pairs and writes ``judged-stages.json``. With ``--pictures FOLDER`` everything
that was looked at is kept there as well.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from PIL import Image, ImageDraw
from rich.progress import track

from benchmarks.crew import Out, figure_in, share_out
from benchmarks.pair import OneSubject
from benchmarks.plain import Device, Lora, load_plain, settings
from taue import Layers, TauePipeline, metrics
from taue.evaluation.frechet import frechet
from taue.paddy import scenes
from taue.paddy.judge import Judge, Sighting
from taue.paddy.judge.matching import DARKER
from taue.paddy.judge.regions import shadow
from taue.paddy.judge.verdict import Asked as Wish
from taue.paddy.judge.verdict import Cutout, SeenLayer, Verdict, judge_layers
from taue.settings import Settings
from taue.stack import coverage

SEED, BATCH = 360, 12
PARTS = ("foreground", "composite", "background")
OBJECTS, PLATES, TRAINED, UNSEEN = 120, 60, 120, 60
"""Prompts of objects alone, backgrounds alone, scenes of trained pairs and of held-out ones."""


@dataclass(frozen=True)
class DrawnPrompt:
    """One prompt and what it asks for."""

    group: str
    prompt: str
    colour: str | None
    kind: str | None
    background: str | None
    seed: int


def prompts() -> list[DrawnPrompt]:
    """The fixed prompts; words come up about equally."""
    rng = np.random.default_rng(SEED)
    names, grounds = tuple(scenes.COLOURS), tuple(scenes.BACKGROUNDS)
    unseen = sorted(scenes.HELD_OUT)
    trained = [(c, k) for k in scenes.KINDS for c in names if (c, k) not in scenes.HELD_OUT]
    rng.shuffle(trained)
    made: list[DrawnPrompt] = []

    def add(group: str, pair: tuple[str, str] | None, ground: str | None) -> None:
        thing = scenes.object_caption(*pair) if pair else ""
        if pair and ground:
            choices = scenes.whole_captions([thing], ground)
            prompt = choices[int(rng.integers(len(choices)))]
        else:
            prompt = thing or str(ground)
        colour, kind = pair or (None, None)
        made.append(DrawnPrompt(group, prompt, colour, kind, ground, len(made)))

    def ground(index: int) -> str:
        return grounds[(index * 5 + index // 12) % len(grounds)]

    for i in range(OBJECTS):
        add("object", tuple(trained[i]), None)
    for i in range(PLATES):
        add("background", None, ground(i))
    for i in range(TRAINED):
        add("scene", tuple(trained[-1 - i]), ground(i))
    for i in range(UNSEEN):
        add("unseen", unseen[i % len(unseen)], ground(i + i // 12))
    return made


def answers(asked: DrawnPrompt, seen: Sighting) -> dict[str, bool]:
    """What is right of what was asked for: exactly one object where one was, none where none."""
    right: dict[str, bool] = {}
    if asked.kind is not None:
        found = seen.objects[0] if len(seen.objects) == 1 else seen.surest
        right["kind"] = found is not None and found.kind == asked.kind
        right["colour"] = found is not None and found.colour == asked.colour
        right["number"] = len(seen.objects) == 1
    else:
        right["number"] = not seen.objects
    if asked.background is not None:
        right["background"] = seen.background == asked.background
    return right


def rendered(asked: DrawnPrompt, half: int, side: int) -> np.ndarray:
    """A render of the same words, uint8 [H, W, 3]; the halves differ in everything else."""
    rng = np.random.default_rng((SEED, half, asked.seed))
    while True:  # until the dice fall on the background that was asked for
        spec = scenes.sample_spec(rng, objects=1)
        if asked.background in (None, spec.background):
            break
    things = spec.objects
    if asked.kind is None:
        things = ()
    else:
        things = (replace(things[0], kind=str(asked.kind), colour=str(asked.colour)),)
        things = (replace(things[0], box=fitted(things[0].box, str(asked.kind))),)
    plain = None if asked.background else tuple(int(c) for c in rng.integers(0, 256, 3))
    whole = scenes.SceneSpec(things, asked.background, plain, spec.seed)
    return scenes.render(whole, side).composite


def fitted(box: scenes.Box, kind: str) -> scenes.Box:
    """The largest box of the kind's aspect within a box, standing where that stands."""
    aspect = scenes.ASPECT[kind]
    width = min(box.width, box.height * aspect)
    height = width / aspect
    return scenes.Box(box.x, box.y + box.height - height, width, height)


def distances_to_renders(
    judge: Judge, asked: Sequence[DrawnPrompt], images: Sequence[Image.Image]
) -> dict[str, float]:
    """The distance of the pictures to renders of the same words, and between two such halves."""
    halves = [judge.features([rendered(a, h, images[0].width) for a in asked]) for h in (0, 1)]
    drawn = judge.features(list(images))
    return {
        "to_renders": round(frechet(drawn, halves[0]), 4),
        "between_renders": round(frechet(halves[1], halves[0]), 4),
        "pictures": len(asked),
    }


def standing_shade(asked: DrawnPrompt, seen: Sighting, image: Image.Image) -> float | None:
    """The shade under the object of a scene with ground."""
    if asked.kind is None or asked.background is None or seen.surest is None:
        return None
    if not scenes.BACKGROUNDS[asked.background].ground:
        return None
    return shade_under(np.asarray(image), seen.surest.mask)


def keep_pictures(folder: Path | None, names: Sequence[str], images: Sequence[Image.Image]) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, image in zip(names, images, strict=True):
            image.save(folder / name)


SHADED = 0.08
"""Ground under an object that is darker than beside it by this share lies in its shadow. Of the
renderer's own scenes this finds nearly all shadows (see ``shade_check``)."""


def shade_under(picture: np.ndarray, mask: np.ndarray) -> float | None:
    """How much darker the ground under an object is than on both sides of it, in the same rows.

    Args:
        picture: uint8 [H, W, 3].
        mask: where the object is, bool [H, W].
    """
    if not mask.any():
        return None
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    reach = max(2, height // 40)
    band = np.zeros_like(mask)
    band[rows[-1] - reach : rows[-1] + reach + 1] = True
    extent = columns[-1] - columns[0] + 1
    inner = slice(columns[0] + extent // 5, columns[-1] + 1 - extent // 5)
    under, beside = np.zeros_like(mask), np.ones_like(mask)
    under[:, inner] = True
    beside[:, max(0, columns[0] - extent // 3) : min(width, columns[-1] + 1 + extent // 3)] = False
    under, beside = under & band & ~mask, beside & band & ~mask
    if under.sum() < 8 or beside.sum() < 8:
        return None
    light = [float(np.median(picture[part].mean(axis=1))) for part in (under, beside)]
    return 1 - light[0] / max(light[1], 1.0)


def shade_check(count: int = 400, side: int = 256) -> dict[str, float]:
    """What :func:`shade_under` says of rendered scenes with their shadows, and without."""
    rng = np.random.default_rng(SEED + 9)
    found: dict[str, list[bool]] = {"with_shadow": [], "without_shadow": []}
    while len(found["with_shadow"]) < count:
        spec = scenes.sample_spec(rng, objects=1)
        if not scenes.BACKGROUNDS[str(spec.background)].ground:
            continue
        scene = scenes.render(spec, side)
        bare = replace(scene, shadow=np.zeros_like(scene.shadow))
        mask = scene.objects[0].rgba[..., 3] > 127
        for name, picture in (("with_shadow", scene), ("without_shadow", bare)):
            measured = shade_under(picture.composite, mask)
            if measured is not None:
                found[name].append(measured >= SHADED)
    return {name: round(float(np.mean(values)), 4) for name, values in found.items()}


def rates(lines: Sequence[dict[str, Any]], group: str) -> dict[str, float]:
    """The share right of each question, and of kind, colour and background together."""
    chosen = [line["right"] for line in lines if line["group"] == group]
    told = {name: round(float(np.mean([r[name] for r in chosen])), 4) for name in chosen[0]}
    named = [all(r[n] for n in r if n != "number") for r in chosen]
    told["named_right"] = round(float(np.mean(named)), 4)
    return {"count": len(chosen), **told}


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
Kept = Annotated[Path | None, typer.Option("--pictures", help="Keep the pictures here.")]


@app.command("plain")
def judge_plain(
    out: Out,
    model: str = "paddy",
    steps: int | None = None,
    guidance: float | None = None,
    lora: Lora = None,
    device: Device = "cpu",
    name: Annotated[str, typer.Option(help="Of the file: judged-NAME.json.")] = "plain",
    pictures: Kept = None,
    first: int | None = None,
) -> None:
    """360 prompts through plain diffusers, judged; steps and guidance are the pipeline's own."""
    pipe = load_plain(model, lora, device)
    chosen = settings(pipe, steps, guidance)
    judge, asked = Judge.load(), prompts()[:: 1 if first is None else max(1, 360 // first)]
    images: list[Image.Image] = []
    for start in track(range(0, len(asked), BATCH), "plain"):
        some = asked[start : start + BATCH]
        images += pipe(
            [a.prompt for a in some],
            **chosen,
            generator=[torch.Generator().manual_seed(a.seed) for a in some],
        ).images
    lines = [
        {
            "group": a.group,
            "prompt": a.prompt,
            "seed": a.seed,
            "right": answers(a, seen),
            "shade": standing_shade(a, seen, image),
        }
        for a, seen, image in zip(asked, judge.look(images), images, strict=True)
    ]
    shaded = [line["shade"] >= SHADED for line in lines if line["shade"] is not None]
    groups = {name: rates(lines, name) for name in dict.fromkeys(a.group for a in asked)}
    told = {
        "groups": groups,
        "contact_shadow": {"scenes": len(shaded), "there": round(float(np.mean(shaded)), 4)},
        "contact_shadow_of_renders": shade_check(),
        "frechet": distances_to_renders(judge, asked, images),
    }
    print(json.dumps(told, indent=1))
    used = {"steps": chosen["num_inference_steps"], "guidance_scale": chosen["guidance_scale"]}
    drawn_by = {"model": model} if lora is None else {"model": model, "lora": lora.name}
    document = {**drawn_by, **used, **told, "each": lines}
    (out / f"judged-{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    keep_pictures(pictures, [f"plain-{a.seed:03}.png" for a in asked], images)


def pairs(count: int) -> list[OneSubject]:
    """Fixed pairs; kinds, colours and backgrounds come up about equally, held-out pairs too."""
    rng = np.random.default_rng(SEED + 1)

    def deck(words: Sequence[str]) -> list[str]:
        rounds = -(-count // len(words))
        dealt = [int(i) for _ in range(rounds) for i in rng.permutation(len(words))]
        return [words[i] for i in dealt[:count]]

    decks = deck(tuple(scenes.COLOURS)), deck(scenes.KINDS), deck(tuple(scenes.BACKGROUNDS))
    return [OneSubject(*triple, seed=SEED + i) for i, triple in enumerate(zip(*decks, strict=True))]


def verdict(judge: Judge, wishes: Sequence[Wish], background: str, layers: Layers) -> Verdict:
    """The judge's verdict on layers of PIL images."""
    pictures = [layers.composite, layers.background, *layers.foregrounds]
    seen = [
        SeenLayer(np.asarray(p), s) for p, s in zip(pictures, judge.look(pictures), strict=True)
    ]
    cut = [np.asarray(s.image) for s in layers.subjects]
    cutouts = [Cutout(rgba[..., :3], rgba[..., 3] / 255) for rgba in cut]
    return judge_layers(wishes, background, seen[0], seen[1], seen[2:], cutouts)


def raw_psnr(layers: Layers) -> dict[str, float | None]:
    """Agreement of the raw stages with the composite in dB."""
    alpha = np.asarray(layers.subjects[0].image)[..., 3] / np.float32(255)
    composite = np.asarray(layers.composite)
    raw = np.asarray(layers.foregrounds[0])
    return {
        "foreground_psnr": metrics.psnr(raw, composite, metrics.inside(alpha)),
        "background_psnr": metrics.psnr(
            np.asarray(layers.background), composite, metrics.outside([alpha])
        ),
    }


def contact_shadow(layers: Layers, background: str) -> bool | None:
    """Whether the composite is darker under the object than the background layer is; None
    without ground."""
    if not scenes.BACKGROUNDS[background].ground:
        return None
    alpha = np.asarray(layers.subjects[0].image)[..., 3] > 127
    dark = shadow(np.asarray(layers.composite), np.asarray(layers.background), alpha)
    return bool((dark or 0.0) >= DARKER)


def left_behind(pair: OneSubject, layers: Layers) -> bool | None:
    """Whether the background layer is darker where the object stands than beside it."""
    if not scenes.BACKGROUNDS[pair.background].ground:
        return None
    dark = shade_under(
        np.asarray(layers.background), np.asarray(layers.subjects[0].image)[..., 3] > 127
    )
    return None if dark is None else bool(dark >= SHADED)


def judged_pair(judge: Judge, pair: OneSubject, layers: Layers) -> dict[str, Any]:
    """Everything that is said of one pair."""
    told = verdict(judge, [Wish(pair.subject)], pair.background, layers)
    one = told.subjects[0]
    line = {
        "subject": pair.subject,
        "background": pair.background,
        "seed": pair.seed,
        "foreground_right": one.foreground.kind and one.foreground.colour,
        "composite_kind": one.composite.kind,
        "composite_colour": one.composite.colour,
        "composite_background": bool(told.composite_background),
        "composite_right": one.composite.kind
        and one.composite.colour
        and bool(told.composite_background),
        "background_right": bool(told.background),
        "absent_from_background": not one.left_behind,
        "twice": one.twice,
        "missing": one.missing,
        "key_left": one.key_left,
        "floating": one.floating,
        "shadow": contact_shadow(layers, pair.background),
        "shadow_in_background": left_behind(pair, layers),
        "mask_iou": one.mask_iou,
        "alpha_iou": one.alpha_iou,
        **raw_psnr(layers),
        "coverage": coverage(layers.stack().layers),
        "warnings": layers.warnings,
    }
    return {name: as_plain(value) for name, value in line.items()}


def as_plain(value: Any) -> Any:
    """NumPy's numbers and truths as Python's own, which JSON can say."""
    return value.item() if isinstance(value, np.generic) else value


def summary(lines: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Shares of what is true or false, medians of what is measured."""
    told: dict[str, float] = {"count": len(lines)}
    for name in lines[0]:
        values = [line[name] for line in lines if line[name] is not None]
        value = values[0] if values else None
        if isinstance(value, bool) or name == "twice":
            told[name] = round(float(np.mean([bool(v) for v in values])), 4)
        elif isinstance(value, float):
            told[f"{name}_median"] = round(float(np.median(values)), 3)
            told[f"{name}_p95"] = round(float(np.percentile(values, 95)), 3)
    return told


SHOWN, ACROSS, TILE = 24, 4, 128
"""Pairs on the sheet, pairs in a row, and the side of a picture there."""


def stages_sheet(grown: Sequence[OneSubject], folder: Path, path: Path) -> None:
    """The first of the pairs, their kept pictures: raw foreground, composite, background."""
    chosen = grown[:SHOWN]
    width, height = 3 * TILE + 8, TILE + 16
    page = Image.new("RGB", (ACROSS * width, -(-len(chosen) // ACROSS) * height), "white")
    draw = ImageDraw.Draw(page)
    for i, pair in enumerate(chosen):
        left, top = i % ACROSS * width, i // ACROSS * height
        draw.text((left + 2, top + 2), f"{pair.seed}: {pair.subject}, {pair.background}", "black")
        for j, part in enumerate(PARTS):
            image = Image.open(folder / f"{pair.seed}-{part}.png").resize((TILE, TILE))
            page.paste(image, (left + j * TILE, top + 15))
    page.save(path)


def _grow(
    pipe: TauePipeline, judge: Judge, job: tuple[OneSubject, dict[str, Any], Path | None]
) -> dict[str, Any]:
    """One pair through the three stages, judged; its pictures are kept if a folder is named."""
    pair, settings, folder = job
    layers = pipe(
        [pair.subject],
        pair.background,
        generator=torch.Generator().manual_seed(pair.seed),
        settings=Settings(**{"layering": "difference", **settings}),
    )
    images = [layers.foregrounds[0], layers.composite, layers.background]
    names = [f"{pair.seed}-{part}.png" for part in PARTS]
    keep_pictures(folder, names, images)
    return judged_pair(judge, pair, layers)


@app.command()
def stages(
    out: Out,
    model: str = "paddy",
    count: int = 300,
    settings: Annotated[str, typer.Option(help="Other settings, as JSON.")] = "{}",
    pictures: Kept = None,
    workers: Annotated[int, typer.Option(help="Processes, one a core.")] = 2,
) -> None:
    """Pairs through the three stages, judged."""
    chosen = json.loads(settings)
    asked = pairs(count)
    jobs = [(pair, chosen, pictures) for pair in asked]
    lines = share_out(_grow, jobs, model, "stages", workers)
    told = summary(lines)
    print(json.dumps(told, indent=1))
    document = {"model": model, "settings": chosen, "summary": told, "each": lines}
    (out / "judged-stages.json").write_text(json.dumps(document, indent=1) + "\n")
    if pictures is not None:
        stages_sheet(asked, pictures, figure_in(out, "judged-stages.png"))


if __name__ == "__main__":
    app()
