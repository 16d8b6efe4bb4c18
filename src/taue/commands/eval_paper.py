"""``taue eval paper``: data, every method and the scores, in one command that can be repeated."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taue import devices, models
from taue.commands.conventions import Device, Dtype, quiet_libraries
from taue.commands.eval_ablation import ablation
from taue.commands.eval_data import WRITER, coco_data
from taue.commands.eval_generate import LayerDiffuse, run_method
from taue.commands.eval_score import score
from taue.commands.output import tell, tell_path
from taue.commands.workers import ProcessOptions, shared_out
from taue.errors import TaueError
from taue.families import SDXL

if TYPE_CHECKING:
    from taue.evaluation.coco import MainObject
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
    ablation_pairs: Annotated[
        int, typer.Option(help="Pairs of the ablation, the first ones; 0 leaves it out.")
    ] = 100,
    factor: Annotated[
        list[str] | None, typer.Option(help="Of the ablation, as of taue eval ablation.")
    ] = None,
    gpus: Annotated[int, typer.Option(help="Processes at once, each with a GPU of its own.")] = 1,
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
    """Rerun the paper: data, every method, scores, pictures and the ablation on one page."""
    from taue.evaluation.coco import Thresholds, main_objects, read_instances
    from taue.evaluation.dataset import first_pairs, read_data
    from taue.evaluation.methods.released import OPTION
    from taue.evaluation.prompts import read_prompts
    from taue.evaluation.resumed import require_same_data

    devices.check_names(device, dtype)
    few = _few(ablation_pairs, factor, steps)
    models.resolve(model)
    names = _methods(method, layerdiffuse)
    judged: dict[str, Any] = {"inception": inception, "clip": clip, "alexnet": alexnet}
    instances = coco / INSTANCES.format(split)
    networks = {} if prompts else {"prompts": prompt_model}
    networks |= {"FID": inception, "CLIP-I and CLIP-S": clip, "LPIPS": alexnet}
    networks |= {} if layerdiffuse is None else {"LayerDiffuse": layerdiffuse}
    found, counts = main_objects(read_instances(instances), Thresholds(min_area, max_second))
    if not found:
        raise TaueError("coco leaves no picture after the filters; lower --min-area.")
    drawn = names, model, steps, (width, height), (device, dtype)
    plan = _plan(found, coco / split, *drawn, networks, few)
    if not dry_run:
        ProcessOptions(gpus, device, out).check()
    for line in plan.lines(evaluation_seconds, gpus):
        tell(line)
    if not method and layerdiffuse is None:
        tell(f"{OPTION}: left out, for its weights are not named; give --{OPTION}")
    if dry_run:
        return
    data, captions = out / "data", coco / CAPTIONS.format(split)
    made_with = {
        "annotations": instances.name,
        "captions": captions.name if captions.exists() else None,
        "prompts": prompt_model if prompts is None else prompts.name,
        "smallest": min_area,
        "second": max_second,
    }
    if data.exists():
        given = None if prompts is None else read_prompts(prompts)
        require_same_data(read_data(data), made_with, found, counts, given)
    _require_networks(names, layerdiffuse, judged, device)
    if not data.exists():
        coco_data(
            annotations=instances, images=coco / split, out=data,
            captions=captions if captions.exists() else None,
            prompts=prompts, prompt_model=prompt_model,
            min_area=min_area, max_second=max_second, device=device, dtype=dtype,
        )  # fmt: skip
    part = data
    if ablation_pairs:
        part = first_pairs(read_data(data), ablation_pairs, out / "ablation-data")
    how = {"model": model, "steps": steps, "width": width, "height": height, "dtype": dtype}
    runs = _drawn(data, out, names, how, layerdiffuse, partial(ProcessOptions, gpus, device))
    table = out / "table.md"
    score(runs, out=table, data=data, device=device, **judged)
    _draw_grid(runs, table)
    pages = [table]
    if ablation_pairs:
        crew = ProcessOptions(gpus, device, out / "logs" / "ablation")
        pages.append(_ablated(part, out / "ablation", factor, how, crew, judged))
    _write_page(out / "page.md", pages)


def _methods(asked: list[str] | None, layerdiffuse: str | None) -> list[str]:
    """Names of the methods to compare: all that can be had if none is asked for. Nothing is
    fetched for it."""
    from taue.evaluation.methods import METHODS, method_named, methods_of

    def weighted(name: str) -> bool:
        return name in METHODS and METHODS[name].weighted

    given = layerdiffuse is not None
    names = asked or [name for name in methods_of(SDXL) if given or not weighted(name)]
    for name in names:
        if not (given and weighted(name)):
            method_named(name)
    return names


def _require_networks(
    names: list[str], layerdiffuse: str | None, judged: dict[str, Any], device: str
) -> None:
    """Load, before days of drawing, all that is needed after it.

    Raises:
        TaueError: naming what is not to be had.
    """
    from taue.evaluation.methods import method_named
    from taue.evaluation.networks import Networks

    for name in names:
        method_named(name, layerdiffuse)
    with quiet_libraries():
        Networks.load(devices.choose(device, "auto")[0], **judged)


def _drawn(
    data: Path,
    out: Path,
    names: list[str],
    how: dict[str, Any],
    layerdiffuse: str | None,
    crew: Callable[[Path], ProcessOptions],
) -> list[Path]:
    """Draw a set by every method; their runs. ``crew`` gives who draws, by the folder of logs."""
    from taue.evaluation.methods import METHODS

    runs = [out / "runs" / name for name in names]
    for name, run in zip(names, runs, strict=True):
        own = {"layerdiffuse": layerdiffuse} if METHODS[name].weighted else {}
        told = {"data": data, "out": run, "method": name, **how, **own}
        shared_out(run_method, "generate", told, crew(out / "logs" / name))
    return runs


def _few(pairs: int, factor: list[str] | None, steps: int) -> tuple[int, int, int]:
    """The ablation's pairs, UNet evaluations of one pair by all of its runs, and how many those
    are."""
    from taue.evaluation.ablation import asked_variants
    from taue.evaluation.methods import METHODS

    if pairs < 0:
        raise TaueError(f"ablation-pairs is {pairs}; give 0 at least.")
    cells = [one.base for one in asked_variants(None, factor)]
    return pairs, sum(METHODS[base].evaluations(steps) for base in cells), len(cells)


def _ablated(
    data: Path,
    out: Path,
    factor: list[str] | None,
    how: dict[str, Any],
    crew: ProcessOptions,
    judged: dict[str, Any],
) -> Path:
    """Draw and score the ablation; its page."""
    told: dict[str, Any] = {"data": data, "out": out, "factor": factor, **how}
    shared_out(partial(ablation, score_runs=False), "ablation", told, crew, ["--no-score"])
    ablation(**told, draw_pairs=False, device=crew.device, **judged)
    return out / "ablation.md"


def _plan(
    found: Sequence[MainObject],
    images: Path,
    names: list[str],
    model: str,
    steps: int,
    canvas: tuple[int | None, int | None],
    machine: tuple[str, str],
    networks: dict[str, str | None],
    few: tuple[int, int, int],
) -> Plan:
    from taue.evaluation.coco import picture_path
    from taue.evaluation.methods import METHODS
    from taue.evaluation.plan import Plan, copied, fetched_in_half, has_sdxl_unet, own_side
    from taue.evaluation.sizes import download

    side = own_side(model)
    pixels = (canvas[0] or side) * (canvas[1] or side)
    evaluations = {name: METHODS[name].evaluations(steps) for name in names}
    downloads = [download("model", model, half=fetched_in_half(*machine))]
    downloads += [download(use, name) for use, name in networks.items()]
    copies = copied([picture_path(images, one.image) for one in found], few[0])
    told = {"sdxl": has_sdxl_unet(model), "copies": copies}
    return Plan(len(found), pixels, evaluations, downloads, *few, **told)


def _draw_grid(runs: list[Path], table: Path) -> None:
    """The pictures of three pairs, chosen by the first run's figures, beside the table."""
    import json

    from taue.disk.png import write_png
    from taue.evaluation.grid import chosen, picture_grid

    told = json.loads(table.with_suffix(".json").read_text(encoding="utf-8"))
    picture = picture_grid(runs, chosen(told["runs"][0]["items"]))
    write_png(picture, table.with_suffix(".png"))
    tell_path(table.with_suffix(".png"))


def _write_page(path: Path, pages: list[Path]) -> None:
    """One page of everything: the scores, the grid of pictures, the ablation."""
    from taue.disk.writing import whole_file

    # Pictures of a page in a folder of its own are beside that page.
    scores, *others = (
        one.read_text(encoding="utf-8")
        if one.parent == path.parent
        else one.read_text(encoding="utf-8").replace("](figures/", f"]({one.parent.name}/figures/")
        for one in pages
    )
    grid = (
        "![Of each pair a row for every method: composite, background, foreground, mask](table.png)"
    )
    with whole_file(path) as stream:
        stream.write("\n".join([scores, grid, "", *others]).encode())
    tell_path(path)
