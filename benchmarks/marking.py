"""Layers marked by eye, without knowing which form they have.

    python -m benchmarks.designer --keep NEW --count 40
    python -m benchmarks.designer --keep OLD --count 40 --layering difference --out OLD
    python -m benchmarks.marking sheets NEW OLD --out MARKING
    python -m benchmarks.marking count MARKING --marks docs/marks.json

``sheets`` draws one picture for each pair and form, in an order that only ``key.json`` knows, and
``told.txt``, which is all that markers are told. Each of them writes a ``marks-NAME.json``: for
each sheet's number the defects that are seen in ``subject`` and in ``effects``, none if it is
accepted, and a ``note``. ``count`` joins them and says how many layers of each form every marker
accepted, and how many most of them did.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from PIL import Image

from benchmarks.crew import Out
from benchmarks.designer import BACKDROPS, GREY, on
from taue.arrays import Bytes

SEED = 77
LARGE, SMALL, MARGIN = 4, 2, 12
TOLD = Path(__file__).with_suffix(".txt")
LAYERS = ("subject", "effects")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def sheets(new: Path, old: Path, out: Out) -> None:
    """Draw the sheets of two kept runs, mixed."""
    folders = [(form, f) for form, kept in (("first", new), ("difference", old))
               for f in sorted(kept.iterdir()) if f.is_dir()]  # fmt: skip
    order = np.random.default_rng(SEED).permutation(len(folders))
    key = {}
    for number, i in enumerate(order):
        form, folder = folders[i]
        Image.fromarray(marked_sheet(folder)).save(out / f"{number:03}.png")
        key[f"{number:03}"] = {"pair": int(folder.name), "form": form}
    (out / "key.json").write_text(json.dumps(key, indent=1) + "\n")
    shutil.copyfile(TOLD, out / "told.txt")


@app.command()
def count(
    folder: Path, marks: Annotated[Path, typer.Option(help="Where the joined marks go.")]
) -> None:
    """How many layers of each form were accepted.

    Raises:
        SystemExit: if somebody left a sheet out.
    """
    key = json.loads((folder / "key.json").read_text())
    by = [json.loads(path.read_text()) for path in sorted(folder.glob("marks-*.json"))]
    if missing := [number for number in key if any(number not in seen for seen in by)]:
        raise SystemExit(f"not marked by everyone: {', '.join(missing)}")
    rows = [key[number] | {"by": [seen[number] for seen in by]} for number in sorted(key)]
    told = {
        form: tallied([row["by"] for row in rows if row["form"] == form])
        for form in ("first", "difference")
    }
    marks.write_text(json.dumps({"accepted": told, "marks": rows}, indent=1) + "\n")
    typer.echo(json.dumps(told))


def tallied(marks: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Of sheets, each with what every marker says of it: how many layers each accepted, in the
    markers' order, and how many more than half of them did."""
    found: dict[str, Any] = {"sheets": len(marks)}
    for layer in LAYERS:
        good = np.array([[not one[layer] for one in sheet] for sheet in marks], int)
        most = 2 * good.sum(axis=1) > good.shape[1]
        found[layer] = {"by each": good.sum(axis=0).tolist(), "by most": int(most.sum())}
    return found


def marked_sheet(folder: Path) -> Bytes:
    """Composite, background and effects on grey above; below the subject, four times as large, on
    white, magenta and black, cut to what is seen of it."""
    layers = {path.stem.split("-")[1]: path for path in sorted(folder.glob("*.png"))}
    rgba = {role: np.asarray(Image.open(path).convert("RGBA")) for role, path in layers.items()}
    subject, ground = rgba["subject"], rgba["background"]
    effects = rgba.get("effects", np.zeros_like(ground))
    composite = Image.fromarray(ground)
    for layer in (effects, subject):
        composite.alpha_composite(Image.fromarray(layer))
    above = [np.asarray(composite.convert("RGB")), ground[..., :3], on(effects, GREY)]
    box = Image.fromarray(subject[..., 3]).getbbox() or (0, 0, *subject.shape[1::-1])
    left, top = (max(0, side - MARGIN) for side in box[:2])
    part = (slice(top, box[3] + MARGIN), slice(left, box[2] + MARGIN))
    below = [on(subject, colour)[part] for colour in BACKDROPS]
    strips = [np.concatenate([enlarged(p, by) for p in row], axis=1)
              for row, by in ((above, SMALL), (below, LARGE))]  # fmt: skip
    width = max(strip.shape[1] for strip in strips)
    padded = [np.pad(s, ((0, 8), (0, width - s.shape[1]), (0, 0))) for s in strips]
    return np.concatenate(padded)


def enlarged(picture: Bytes, times: int) -> Bytes:
    """Every pixel as a square."""
    return picture.repeat(times, axis=0).repeat(times, axis=1)


if __name__ == "__main__":
    app()
