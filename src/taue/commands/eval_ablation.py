"""``taue eval ablation``: one factor of a method at a time, drawn and scored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taue.commands.conventions import Device, Dtype
from taue.commands.eval_generate import Drawn, ShardName, Side, Steps, draw
from taue.commands.eval_score import score
from taue.errors import TaueError
from taue.readable import quoted

if TYPE_CHECKING:
    from taue.evaluation.ablation import Variant
    from taue.evaluation.methods import Method

BOTH = ("taue", "paper")


def ablation(
    *,
    data: Annotated[Path, typer.Option(help="What taue eval data made.")],
    out: Annotated[Path, typer.Option(help="Everything goes here; the same again goes on.")],
    method: Annotated[
        list[str] | None,
        typer.Option(help="taue, paper or paper-layout; may be repeated. The first two if absent."),
    ] = None,
    factor: Annotated[
        list[str] | None,
        typer.Option(
            help="crop, unfiltered, filter, blending, layout, mask, key, lambda or thresholds; may "
            "be repeated. All if absent."
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="paddy, sdxl, a hub id, a folder or a file.")
    ] = "paddy",
    steps: Steps = 50,
    width: Side = None,
    height: Side = None,
    shard: ShardName = "1/1",
    inception: Annotated[str | None, typer.Option(help="As of taue eval score.")] = None,
    clip: Annotated[str | None, typer.Option(help="As of taue eval score.")] = None,
    alexnet: Annotated[str | None, typer.Option(help="As of taue eval score.")] = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Draw a data set with each factor of a method changed alone, and score all of it."""
    from taue.evaluation.ablation import FACTORS, variants

    bases = method or list(BOTH)
    for base in bases:
        if base not in (known := (*BOTH, "paper-layout")):
            raise TaueError(f"method is {quoted(base)}; choose among {', '.join(known)}.")
    chosen = list(variants(bases, factor or list(FACTORS)))
    how = Drawn(model, steps, width, height, shard, device, dtype)
    runs = [out / "runs" / one.name for one in chosen]
    for one, run in zip(chosen, runs, strict=True):
        draw(data, lambda one=one: _method(one), run, how)
    score(
        runs, out=out / "table.md", data=data, inception=inception, clip=clip, alexnet=alexnet,
        device=device,
    )  # fmt: skip


def _method(one: Variant) -> Method:
    from taue.evaluation.methods.ours import BY_BASE, changed

    return changed(BY_BASE[one.base], one.name, one.changes)
