"""Alpha against truth: ours beside three other methods on 300 pictures, and a sheet.

    python -m benchmarks.matte --out docs

needs the extra ``bench`` (pymatting, opencv-python-headless) and writes ``matte.json`` (every
picture, and the means by group) and ``matte.png``. Any ``--count`` takes pictures of all groups in
turn.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import typer
from diffusers import AutoencoderTiny
from PIL import Image
from rich.progress import track

from benchmarks.alpha_errors import colour_error, errors
from benchmarks.crew import Out, figure_in
from benchmarks.fringe import BACKDROPS, fringed
from benchmarks.matte_cases import GROUPS, Case, make_case
from benchmarks.matte_methods import METHODS
from taue import models
from taue.stack.mixing import Floats

SIDE = 256
SHOWN = (3, 47, 82, 125, 66, 200, 202, 203, 209, 253)
"""Cases of the sheet: of every group, with and without the autoencoder."""


def numbers(count: int) -> list[int]:
    """The first ``count`` cases of a fixed order in which all groups are mixed."""
    total = sum(GROUPS.values())
    return np.random.default_rng(0).permutation(total)[:count].tolist()


def judged(case: Case) -> dict[str, Any]:
    """Every method's errors, fringed pixels and seconds on one case."""
    row: dict[str, Any] = {"name": case.name, "group": case.group, "decoded": case.decoded}
    for name, method in METHODS.items():
        started = time.process_time()
        found = method(case.picture, case.mask)
        seconds = time.process_time() - started
        row[name] = {
            **errors(found[..., 3], case.truth[..., 3]),
            "colour": colour_error(found[..., :3], case.truth[..., :3], case.truth[..., 3]),
            "fringed": sum(fringed(found, case.truth, case.key, b) for b in BACKDROPS),
            "fringed_to_the_pixel": sum(
                fringed(found, case.truth, case.key, b, reach=0) for b in BACKDROPS
            ),
            "seconds": seconds,
        }
    return row


def means(rows: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """By group (drawn and decoded apart, and all): each method's mean of each figure."""
    groups = {"all": rows}
    for row in rows:
        label = f"{row['group']}, {'decoded' if row['decoded'] else 'drawn'}"
        groups.setdefault(label, []).append(row)
    return {
        label: {
            name: {
                figure: float(np.mean([m[name][figure] for m in members]))
                for figure in members[0][name]
            }
            for name in METHODS
        }
        for label, members in groups.items()
    }


def rounded(value: Any) -> Any:
    """Every float of a document to five digits."""
    if isinstance(value, dict):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def tile(rgba: Floats) -> Floats:
    """A layer over a checkerboard [H, W, 3]."""
    y, x = np.indices(rgba.shape[:2]) // 16
    board = np.where((y + x) % 2 == 0, 0.6, 0.9)[..., None]
    return rgba[..., :3] * rgba[..., 3:] + board * (1 - rgba[..., 3:])


def case_sheet(cases: list[Case], path: Path) -> None:
    """A row per case: picture, truth and every method over a checkerboard, cut to the object."""
    rows = []
    for case in cases:
        where = np.argwhere(case.truth[..., 3] > 0)
        (top, left), (bottom, right) = where.min(axis=0), where.max(axis=0)
        edge = max(bottom - top, right - left) + 24
        top, left = (max(0, min(start - 12, SIDE - edge)) for start in (top, left))
        found = [method(case.picture, case.mask) for method in METHODS.values()]
        tiles = [case.picture, *(tile(rgba) for rgba in (case.truth, *found))]
        cut = [
            Image.fromarray(
                (t[top : top + edge, left : left + edge] * 255).round().astype(np.uint8)
            ).resize((160, 160))
            for t in tiles
        ]
        rows.append(np.concatenate([np.asarray(c) for c in cut], axis=1))
    Image.fromarray(np.concatenate(rows)).save(path)


def markdown_table(label: str, found: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    lines = [f"\n| {label} | SAD | MSE | gradient | connectivity | colour | fringed | seconds |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for name, f in found.items():
        lines.append(
            f"| {name} | {f['sad']:.0f} | {f['mse']:.5f} | {f['gradient']:.1f} "
            f"| {f['connectivity']:.0f} | {f['colour']:.3f} | {f['fringed']:.1f} "
            f"| {f['seconds']:.2f} |"
        )
    return "\n".join(lines)


def main(
    out: Out,
    count: int = sum(GROUPS.values()),
) -> None:
    """Make the cases, run every method, print the means, write figures and sheet."""
    torch.set_num_threads(1)
    folder = Path(models.resolve("paddy").location) / "vae"
    network = AutoencoderTiny.from_pretrained(folder).eval()
    warm = make_case(0, SIDE, network)
    for method in METHODS.values():  # compiles what compiles
        method(warm.picture, warm.mask)
    rows = [judged(make_case(n, SIDE, network)) for n in track(numbers(count), "cases")]
    found = means(rows)
    print("\n".join(markdown_table(label, found[label]) for label in found))
    document = {"side": SIDE, "count": count, "means": found, "cases": rows}
    (out / "matte.json").write_text(json.dumps(rounded(document)) + "\n")
    case_sheet([make_case(n, SIDE, network) for n in SHOWN], figure_in(out, "matte.png"))


if __name__ == "__main__":
    typer.run(main)
