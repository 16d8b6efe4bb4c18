"""``taue eval data``: evaluation sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taue.commands.conventions import Device, Dtype, NewFolder, quiet_libraries
from taue.commands.output import console, tell, tell_fields, tell_path
from taue.errors import TaueError
from taue.readable import counted

if TYPE_CHECKING:
    from taue.evaluation.coco import MainObject
    from taue.evaluation.dataset import Prompts
    from taue.evaluation.prompts import Question

WRITER = "microsoft/Phi-3-mini-4k-instruct"


def paddy_data(
    *,
    n: Annotated[int, typer.Option("--n", help="How many scenes.")],
    out: NewFolder,
    seed: Annotated[int, typer.Option(help="The same seed, the same scenes.")] = 0,
    size: Annotated[int, typer.Option(help="Pixels of a side.")] = 256,
) -> None:
    """Write an evaluation set of rendered scenes of one object, in paddy's words."""
    from taue.evaluation.rendered import write_rendered

    count = write_rendered(out, n, seed, size)
    tell(f"{counted(count, 'scene')}: {out}")
    tell_path(out, shown=False)
    tell_fields(scenes=count)


def coco_data(
    *,
    annotations: Annotated[Path, typer.Option(help="COCO's file of objects (instances_*.json).")],
    images: Annotated[Path, typer.Option(help="The folder of its pictures.")],
    out: NewFolder,
    captions: Annotated[
        Path | None, typer.Option(help="COCO's file of captions; prompts are written from them.")
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option(help="Prompts, a line of JSON for each annotation.")
    ] = None,
    prompt_model: Annotated[
        str, typer.Option(help="A hub id or folder of Phi-3, where no prompts are given.")
    ] = WRITER,
    prompt_cache: Annotated[
        Path | None, typer.Option(help="Where written prompts are kept; OUT.prompts.jsonl.")
    ] = None,
    min_area: Annotated[
        float, typer.Option(help="The least share of the picture that the main object takes.")
    ] = 0.05,
    max_second: Annotated[
        float, typer.Option(help="The most of the second object, as a share of the main one.")
    ] = 0.25,
    seed: Annotated[int, typer.Option(help="Added to annotations' ids for items' seeds.")] = 0,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Write an evaluation set of MS-COCO's pictures of one main object."""
    from taue import devices
    from taue.disk.writing import check_out
    from taue.evaluation import coco, from_coco
    from taue.evaluation.dataset import Count
    from taue.evaluation.prompts import Question, read_prompts

    if seed < 0:
        raise TaueError(f"seed is {seed}; give 0 at least.")
    devices.check_names(device, dtype)
    check_out(out)
    thresholds = coco.Thresholds(min_area, max_second)
    instances = coco.read_instances(annotations)
    found, counts = coco.main_objects(instances, thresholds)
    for count in counts:
        tell(f"{count.after}: {count.pictures}")
    if not found:
        raise TaueError("annotations leave no picture after the filters; lower --min-area.")
    from_coco.check_pictures(found, images)
    if prompts is not None:
        given = read_prompts(prompts)
        prompted = [(o, given[o.annotation.id]) for o in found if o.annotation.id in given]
    else:
        told = {} if captions is None else coco.captions_by_image(captions)
        questions = [Question(o.annotation.id, o.category, told.get(o.image.id)) for o in found]
        kept = prompt_cache or out.with_name(f"{out.name}.prompts.jsonl")
        prompted = _written(found, questions, prompt_model, kept, device, dtype)
    counts.append(Count(after="with prompts", pictures=len(prompted)))
    tell(f"with prompts: {len(prompted)}")
    if not prompted:
        raise TaueError("prompts leave no picture; give a line for each annotation that is left.")
    made_with: dict[str, str | int | None] = {
        "annotations": annotations.name,
        "captions": captions and captions.name,
        "prompts": prompts.name if prompts else prompt_model,
        "seed": seed,
    }
    source = from_coco.CocoSource(instances, images, thresholds, made_with)
    from_coco.write_coco(out, source, prompted, counts, seed)
    tell_path(out)
    tell_fields(pictures={count.after: count.pictures for count in counts})


def _written(
    found: Sequence[MainObject],
    questions: Sequence[Question],
    model: str,
    cache: Path,
    device: str,
    dtype: str,
) -> list[tuple[MainObject, Prompts]]:
    """Main objects with the prompts that the model writes for them, under a bar."""
    from rich.progress import track

    from taue import devices
    from taue.evaluation.phi import loading
    from taue.evaluation.prompts import written_prompts

    with quiet_libraries():
        writer = loading(model, *devices.choose(device, dtype))
        answers = written_prompts(questions, model, cache, writer)
        bar = track(answers, "prompts", total=len(questions), console=console())
        return [
            (one, prompts)
            for one, (_, prompts) in zip(found, bar, strict=True)
            if prompts is not None
        ]
