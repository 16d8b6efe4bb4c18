"""``taue eval generate``: one method over a data set."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taue import devices, models
from taue.commands.conventions import Device, Dtype, quiet_libraries, warn_of_machine
from taue.commands.output import console, tell, tell_fields, tell_path, warn
from taue.commands.signals import INTERRUPTED
from taue.scene import Scene
from taue.shard import Shard
from taue.words import strange_words

if TYPE_CHECKING:
    from taue.evaluation.dataset import Pair
    from taue.evaluation.items import Item
    from taue.evaluation.methods import ComparedMethod


Steps = Annotated[int, typer.Option(help="Denoising steps of each picture.")]
Side = Annotated[int | None, typer.Option(help="Pixels; the model's own if absent.")]
ShardName = Annotated[
    str, typer.Option(metavar="K/N", help="Only the K-th of N parts, counted from 1.")
]
LayerDiffuse = Annotated[
    str | None,
    typer.Option(help="LayerDiffuse's weights, a folder or a hub id; its method needs them."),
]


def run_method(
    *,
    data: Annotated[Path, typer.Option(help="What taue eval data made.")],
    method: Annotated[
        str,
        typer.Option(
            help="taue, paper, paper-layout, plain, composite-then-cut, tkg, alfie or layerdiffuse."
        ),
    ] = "taue",
    out: Annotated[Path, typer.Option(help="The run: a new folder, or one to go on with.")],
    model: Annotated[
        str, typer.Option(help="paddy, sdxl, a hub id, a folder or FILE.safetensors.")
    ] = "paddy",
    steps: Steps = 50,
    width: Side = None,
    height: Side = None,
    shard: ShardName = "1/1",
    layerdiffuse: LayerDiffuse = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Draw a data set's pairs with one method; started again, it goes on where it was."""

    def chosen() -> ComparedMethod:
        from taue.evaluation.methods import method_named

        return method_named(method, layerdiffuse)

    draw(data, chosen, out, DrawOptions(model, steps, width, height, shard, device, dtype))


@dataclass(frozen=True)
class DrawOptions:
    """How pairs are drawn, whatever the method; the options of ``taue eval generate``."""

    model: str
    steps: int
    width: int | None
    height: int | None
    shard: str = "1/1"
    device: str = "auto"
    dtype: str = "auto"


def draw(
    data: Path,
    method: Callable[[], ComparedMethod],
    out: Path,
    how: DrawOptions,
    beside: Mapping[str, str] | None = None,
) -> None:
    """Draw a data set's pairs into a run.

    Args:
        data: the set.
        method: asked for once libraries may be slow.
        out: the run.
        how: the options.
        beside: a second subject's prompt by pair, for a scene of two.
    """
    from taue.evaluation.dataset import read_data
    from taue.evaluation.generate import begin, missing

    devices.check_names(how.device, how.dtype)
    models.resolve(how.model)
    part, read = Shard.parse(how.shard), read_data(data)
    canvas = {"width": how.width, "height": how.height}
    pairs = part.of(read.pairs)
    second = beside or {}
    scenes = {
        pair.id: _scene(pair, how.model, how.steps, canvas, second.get(pair.id)) for pair in pairs
    }
    with quiet_libraries(), console().status("loading"):
        chosen = method()
        place, kind = devices.choose(how.device, how.dtype)
        options = {"model": how.model, "steps": how.steps, **canvas}
        options |= {"dtype": str(kind).split(".")[-1], **chosen.told}
        begin(out, read, chosen.name, chosen.copies, options)
        todo = missing(out, pairs)
        pipe = _loaded([scenes[pair.id] for pair in todo], chosen, place, kind)
        if pipe is not None:
            pipe.set_progress_bar_config(disable=True)

    warn_of_machine(place, kind)
    texts = ((pair.foreground, pair.background, pair.scene) for pair in todo)
    for warning in strange_words(how.model, (text for three in texts for text in three)):
        warn(warning)

    made = _drawn(out, todo, lambda pair: _item(chosen, pipe, pair, scenes[pair.id]), chosen.name)
    left = len(missing(out, read.pairs))
    there = len(read.pairs) - left
    tell(f"{made} made, {there} of {len(read.pairs)} are there: {out}")
    tell_path(out, shown=False)
    tell_fields(made=made, there=there, of=len(read.pairs))


def _drawn(out: Path, todo: Sequence[Pair], make: Callable[[Pair], Item], called: str) -> int:
    """Draw pairs one after the other; how many were drawn here."""
    from rich.progress import track

    from taue.evaluation.generate import make_item

    with quiet_libraries():
        try:
            return sum(
                make_item(out, pair, make) for pair in track(todo, called, console=console())
            )
        except KeyboardInterrupt:
            typer.echo("Interrupted; the same command goes on where it was.", err=True)
            sys.exit(INTERRUPTED)


def _item(method: ComparedMethod, pipe: Any, pair: Pair, scene: Scene) -> Item:
    """What a method draws of a pair, and the evaluations that it took."""
    from taue.evaluation.methods import Drawing
    from taue.evaluation.methods.base import counted

    with counted(pipe.network) as count:
        item = method.make(Drawing(pipe, pair, scene))
    item.cost.unet_evaluations = count[0]
    return item


def _loaded(scenes: Sequence[Scene], method: ComparedMethod, place: Any, kind: Any) -> Any:
    """The scenes' model, if there are any, and the method draws with its family."""
    from taue import run
    from taue.evaluation.methods.base import require_drawn

    if not scenes:
        return None
    pipe = run.load(scenes[0], place, kind)
    require_drawn(method, pipe)
    return pipe


def _scene(
    pair: Pair, model: str, steps: int, canvas: dict[str, int | None], second: str | None
) -> Scene:
    """A pair as a scene of our own method; with a second subject in the mirrored box, without the
    pair's sentence of the whole."""
    left, top, width, height = pair.box
    told: dict[str, Any] = {
        "model": model,
        "seed": pair.seed,
        "steps": steps,
        "background": pair.background,
        "canvas": canvas,
        "subjects": [{"prompt": pair.foreground, "box": list(pair.box)}],
    }
    if second is None:
        told["scene"] = pair.scene
    else:
        mirrored = [1 - left - width, top, width, height]
        told["subjects"].append({"prompt": second, "box": mirrored})
    return Scene.from_data(told)
