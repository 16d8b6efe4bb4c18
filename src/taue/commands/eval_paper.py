"""``taue eval paper``: data, every method and the scores, in one command that can be repeated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taue import devices, models
from taue.commands.conventions import Device, Dtype
from taue.commands.eval_data import WRITER, coco_data
from taue.commands.eval_generate import LayerDiffuse, run_method
from taue.commands.eval_score import score
from taue.commands.output import tell, tell_path
from taue.errors import TaueError

if TYPE_CHECKING:
    from taue.evaluation.plan import Plan

INSTANCES, CAPTIONS = "annotations/instances_{}.json", "annotations/captions_{}.json"


def paper(
    *,
    coco: Annotated[Path, typer.Option(help="MS-COCO's folder: annotations/ and the pictures.")],
    out: Annotated[Path, typer.Option(help="Everything goes here; the same again goes on.")],
    split: Annotated[str, typer.Option(help="Which of its pictures.")] = "val2017",
    method: Annotated[
        list[str] | None, typer.Option(help="Only this method; may be repeated. All if absent.")
    ] = None,
    model: Annotated[str, typer.Option(help="sdxl, a hub id, a folder or a file.")] = "sdxl",
    steps: Annotated[int, typer.Option(help="Denoising steps of each picture.")] = 50,
    width: Annotated[int | None, typer.Option(help="Pixels; the model's own if absent.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels; the model's own if absent.")] = None,
    prompts: Annotated[Path | None, typer.Option(help="As of taue eval data coco.")] = None,
    prompt_model: Annotated[str, typer.Option(help="As of taue eval data coco.")] = WRITER,
    min_area: Annotated[float, typer.Option(help="As of taue eval data coco.")] = 0.05,
    max_second: Annotated[float, typer.Option(help="As of taue eval data coco.")] = 0.25,
    layerdiffuse: LayerDiffuse = None,
    inception: Annotated[str | None, typer.Option(help="As of taue eval score.")] = None,
    clip: Annotated[str | None, typer.Option(help="As of taue eval score.")] = None,
    alexnet: Annotated[str | None, typer.Option(help="As of taue eval score.")] = None,
    evaluation_seconds: Annotated[
        float | None, typer.Option(help="Seconds of one UNet evaluation here, for the plan.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it takes, and do nothing.")
    ] = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Rerun the paper's comparison: data, methods, scores and a grid of pictures."""
    from taue.evaluation.methods import METHODS, method_named
    from taue.evaluation.methods.layerdiffuse import OPTION

    devices.check_names(device, dtype)
    models.resolve(model)
    names = method or [name for name in METHODS if name != OPTION or layerdiffuse is not None]
    for name in names:
        method_named(name, layerdiffuse)
    instances, images = coco / INSTANCES.format(split), coco / split
    networks = {"prompts": None if prompts else prompt_model, "FID": inception}
    networks |= {"CLIP": clip, "LPIPS": alexnet, "LayerDiffuse": layerdiffuse}
    plan = _plan(instances, (min_area, max_second), names, model, steps, (width, height), networks)
    for line in plan.lines(evaluation_seconds):
        tell(line)
    if not method and layerdiffuse is None:
        tell(f"{OPTION}: left out, for its weights are not named; give --{OPTION}")
    if dry_run:
        return
    data = out / "data"
    if not data.exists():
        captions = coco / CAPTIONS.format(split)
        coco_data(
            annotations=instances,
            images=images,
            out=data,
            captions=captions if captions.exists() else None,
            prompts=prompts,
            prompt_model=prompt_model,
            min_area=min_area,
            max_second=max_second,
            device=device,
            dtype=dtype,
        )
    runs = [out / "runs" / name for name in names]
    for name, run in zip(names, runs, strict=True):
        run_method(
            data=data,
            method=name,
            out=run,
            model=model,
            steps=steps,
            width=width,
            height=height,
            layerdiffuse=layerdiffuse if name == OPTION else None,
            device=device,
            dtype=dtype,
        )
    table = out / "table.md"
    score(
        runs, out=table, data=data, inception=inception, clip=clip, alexnet=alexnet, device=device
    )
    _draw_grid(runs, table)


def _plan(
    instances: Path,
    thresholds: tuple[float, float],
    names: list[str],
    model: str,
    steps: int,
    canvas: tuple[int | None, int | None],
    networks: dict[str, str | None],
) -> Plan:
    from taue.evaluation.coco import Thresholds, main_objects, read_instances
    from taue.evaluation.methods import METHODS
    from taue.evaluation.plan import Plan, download, own_side

    found, _ = main_objects(read_instances(instances), Thresholds(*thresholds))
    if not found:
        raise TaueError("coco leaves no picture after the filters; lower --min-area.")
    side = own_side(model)
    pixels = (canvas[0] or side) * (canvas[1] or side)
    evaluations = {name: METHODS[name].evaluations(steps) for name in names}
    here = models.resolve(model).kind is not models.Kind.hub
    downloads = [download("model", model, here=here)]
    downloads += [download(use, name) for use, name in networks.items() if name is not None]
    return Plan(len(found), pixels, evaluations, downloads)


def _draw_grid(runs: list[Path], table: Path) -> None:
    """The pictures of three pairs, chosen by the first run's figures, beside the table."""
    import json

    from taue.disk.writing import whole_file
    from taue.evaluation.grid import chosen, picture_grid
    from taue.files.png import png_bytes

    told = json.loads(table.with_suffix(".json").read_text(encoding="utf-8"))
    figures = {
        name: {key: float(value) for key, value in row.items() if value is not None}
        for name, row in told["runs"][0]["items"].items()
    }
    with whole_file(table.with_suffix(".png")) as stream:
        stream.write(png_bytes(picture_grid(runs, chosen(figures))))
    tell_path(table.with_suffix(".png"))
