"""Twelve scenes with pictures that a user brings, judged and shown.

    python -m benchmarks.own_pictures --out docs --results RESULTS

The pictures are renders of paddy's scenes at sizes, formats and seeds that no training saw, and
some that are painted here. Each scene is made by ``taue generate`` into a folder of RESULTS, unless
it is there already, and seen by the judge. Writes the sheet ``own-pictures.png`` and
``own-pictures.json``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.crew import Out, figure_in
from benchmarks.sceneries import SheetRow, sheet
from taue.box import Box
from taue.paddy import scenes
from taue.paddy.judge import Judge
from taue.paddy.judge.result import judge_result, read_judged
from taue.paddy.judge.told import as_json

SEED, TILE = 977, 176
COLUMNS = ("photo, cut-outs", "composite", "background", "subjects on white", "on magenta")

WHITE, MAGENTA = (255, 255, 255, 255), (255, 0, 255, 255)


def photo(background: str, width: int, height: int) -> Image.Image:
    """A render of a background, of any size."""
    spec = scenes.SceneSpec((), background, None, SEED)
    return Image.fromarray(scenes.render(spec, (height, width)).plate)


def rendered_object(colour: str, kind: str, side: int = 480, height: float = 0.8) -> Image.Image:
    """A render of an object in neutral light, RGBA."""
    thing = scenes.ObjectSpec(kind, colour, Box(0.15, 0.1, 0.7, height))
    spec = scenes.SceneSpec((thing,), None, (0, 0, 0), SEED)
    return Image.fromarray(scenes.render(spec, side).objects[0].rgba)


def painted_meadow() -> Image.Image:
    """Sky, hills and grass as Pillow draws them, blurred a little: no render of paddy's."""
    picture = Image.new("RGB", (900, 600), (150, 200, 240))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((-200, 250, 700, 900), fill=(96, 160, 70))
    pen.ellipse((350, 300, 1200, 900), fill=(84, 148, 62))
    pen.rectangle((0, 420, 900, 600), fill=(104, 172, 74))
    rng = np.random.default_rng(SEED)
    for x, y in zip(rng.integers(0, 900, 400), rng.integers(430, 600, 400), strict=True):
        pen.line((x, y, x + 2, y - 9), fill=(70, 130, 50), width=2)
    return picture.filter(ImageFilter.GaussianBlur(1.2))


def painted_star() -> Image.Image:
    """A shaded star with a soft rim, as Pillow draws it."""
    side, turns = 400, np.arange(10) * np.pi / 5
    reach = np.where(np.arange(10) % 2, 0.18, 0.42)
    edge = [
        (side * (0.5 + r * np.sin(t)), side * (0.52 - r * np.cos(t)))
        for r, t in zip(reach, turns, strict=True)
    ]
    alpha = Image.new("L", (side, side))
    ImageDraw.Draw(alpha).polygon(edge, fill=255)
    light = 1.1 - 0.4 * np.indices((side, side))[0] / side
    colours = (np.array((246, 208, 50)) * light[..., None]).clip(0, 255)
    star = Image.fromarray(colours.astype(np.uint8))
    star.putalpha(alpha.filter(ImageFilter.GaussianBlur(1)))
    return star


@dataclass(frozen=True)
class OwnCase:
    """What is given to ``taue generate``; subjects are (prompt, box, own picture)."""

    title: str
    background: str
    subjects: tuple[tuple[str, str, str], ...]
    photo: str = ""
    options: tuple[str, ...] = ()
    then: tuple[str, ...] = field(default=())


GROUND = "0.3,0.45,0.4,0.4"
CUP, CHAIR = (
    ("a white cup", GROUND, "cup.png"),
    ("an orange chair", "0.54,0.35,0.36,0.5", "chair.png"),
)
TREE, CAR = ("a green tree", "0.55,0.25,0.38,0.6", "tree.png"), ("a red car", GROUND, "car.webp")


def cases() -> list[OwnCase]:
    """The twelve; pictures are named as :func:`pictures` makes them."""
    sunset, kitchen, night = "a beach at sunset", "a kitchen", "a city at night"
    meadow, gift = "a green meadow", ("a purple gift", "0.06,0.45,0.36,0.4", "")
    car, star = (
        ("a red car", "0.05,0.5,0.42,0.35", "car.webp"),
        ("a yellow star", GROUND, "star.png"),
    )
    return [
        OwnCase("photo, JPEG", sunset, (("a red car", GROUND, ""),), "sunset.jpg"),
        OwnCase("photo turned by EXIF", kitchen, (("a blue cup", GROUND, ""),), "phone.jpg"),
        OwnCase("photo, CMYK", night, (("a yellow duck", GROUND, ""),), "night.tif"),
        OwnCase("photo painted by hand", meadow, (("a red mushroom", GROUND, ""),), "hand.png"),
        OwnCase("cut-out", "a desert", ((CUP[0], "", CUP[2]),)),
        OwnCase("green cut-out", "snowy mountains", ((TREE[0], "0.3,0.2,0.45,0.65", TREE[2]),)),
        OwnCase("cut-out painted by hand", "a living room", (star,)),
        OwnCase("one drawn, one brought", "an autumn park", (gift, CHAIR)),
        OwnCase("both brought", sunset, (CUP,), "sunset.jpg"),
        OwnCase("both brought, two subjects", night, (car, TREE), "night.tif"),
        OwnCase("harmony 0", "a dark forest", (CAR,), "forest.png", ("--harmony", "0")),
        OwnCase(
            "both brought, then moved",
            kitchen,
            ((CHAIR[0], "0.1,0.4,0.35,0.5", CHAIR[2]),),
            "phone.jpg",
            then=("--subject", "1", "--box", "0.55,0.35,0.4,0.58"),
        ),
    ]


def pictures(folder: Path) -> None:
    """Everything that is brought, each as another program may save it."""
    folder.mkdir(parents=True, exist_ok=True)
    photo("a beach at sunset", 700, 480).save(folder / "sunset.jpg", quality=92)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = photo("a kitchen", 512, 640).transpose(Image.Transpose.ROTATE_90)
    lying.save(folder / "phone.jpg", exif=exif, quality=92)
    photo("a city at night", 640, 400).convert("CMYK").save(folder / "night.tif")
    photo("a dark forest", 256, 256).save(folder / "forest.png")
    painted_meadow().save(folder / "hand.png")
    rendered_object("white", "cup").save(folder / "cup.png")
    rendered_object("green", "tree", 300).save(folder / "tree.png")
    rendered_object("orange", "chair").save(folder / "chair.png")
    rendered_object("red", "car", height=0.45).save(folder / "car.webp", lossless=True, exact=True)
    painted_star().save(folder / "star.png")


def made(case: OwnCase, number: int, results: Path, brought: Path) -> Path:
    """The case's folder of results, made if it is missing."""
    out = results / f"{number:02}"
    first = results / f"{number:02}-before" if case.then else out
    if not first.exists():
        given = ["--background", case.background, "--seed", str(SEED + number), *case.options]
        if case.photo:
            given += ["--background-image", str(brought / case.photo)]
        for prompt, _, own in case.subjects:
            given += ["--subject", prompt, "--subject-image", str(brought / own) if own else ""]
        boxes = [box for _, box, _ in case.subjects if box]
        given += [part for box in boxes for part in ("--box", box)]
        _taue("generate", *given, "--out", str(first))
    if not out.exists():
        _taue("move", str(first), *case.then, "--out", str(out))
    return out


def _taue(*arguments: str) -> None:
    command = [sys.executable, "-m", "taue", *arguments, "--quiet"]
    subprocess.run(command, check=True)  # noqa: S603 - ours


def row(case: OwnCase, out: Path, brought: Path) -> SheetRow:
    """What was given and what came of it."""
    names = [case.photo, *(own for _, _, own in case.subjects)]
    given = [Image.open(brought / name) for name in names if name]
    subjects = [Image.open(path).convert("RGBA") for path in sorted(out.glob("subject-*.png"))]
    tiles = [_beside(given), *(Image.open(out / f"{n}.png") for n in ("composite", "background"))]
    for colour in (WHITE, MAGENTA):
        ground = Image.new("RGBA", subjects[0].size, colour)
        for one in subjects:
            ground = Image.alpha_composite(ground, one)
        tiles.append(ground.convert("RGB"))
    return case.title, tiles


def _beside(given: list[Image.Image]) -> Image.Image:
    """Pictures upright on one tile, what is transparent on grey."""
    side = 512
    tile, wide = Image.new("RGB", (side, side), (128, 128, 128)), side // len(given)
    for i, one in enumerate(given):
        upright = Image.Image.transpose(one, Image.Transpose.ROTATE_270) if _lies(one) else one
        small = upright.convert("RGBA" if one.mode == "RGBA" else "RGB")
        small.thumbnail((wide - 8, side))
        place = (i * wide + 4, (side - small.height) // 2)
        tile.paste(small, place, small if small.mode == "RGBA" else None)
    return tile


def _lies(picture: Image.Image) -> bool:
    return picture.getexif().get(0x0112) == 6


def main(
    out: Out, results: Annotated[Path, typer.Option(help="Folder of the twelve results.")]
) -> None:
    """Make what is missing, judge all, and write the sheet and the verdicts."""
    brought = results / "pictures"
    pictures(brought)
    judge, verdicts, rows = Judge.load(), [], list[SheetRow]()
    read: Callable[[Path], object] = read_judged
    for number, case in enumerate(cases(), 1):
        folder = made(case, number, results, brought)
        verdicts.append({"case": case.title, **as_json(judge_result(judge, read(folder)))})
        rows.append(row(case, folder, brought))
    sheet(figure_in(out, "own-pictures.png"), COLUMNS, rows, TILE)
    (out / "own-pictures.json").write_text(json.dumps(verdicts, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
