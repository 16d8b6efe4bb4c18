"""``taue eval capabilities``: what each method can do, by measurement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taue.commands.conventions import Device, Dtype
from taue.commands.eval_generate import DrawOptions as How
from taue.commands.eval_generate import LayerDiffuse, Side, Steps, draw, require_drawable
from taue.commands.output import tell_path
from taue.errors import TaueError
from taue.families import SDXL

if TYPE_CHECKING:
    from taue.evaluation.capabilities import Drawn
    from taue.evaluation.dataset import DataSet
    from taue.evaluation.items import Item
    from taue.evaluation.methods import ComparedMethod


def capabilities(
    *,
    data: Annotated[Path, typer.Option(help="What taue eval data paddy made; a few pairs do.")],
    out: Annotated[Path, typer.Option(help="Everything goes here; the same again goes on.")],
    method: Annotated[
        list[str] | None, typer.Option(help="Only this method; may be repeated. All if absent.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="paddy, sdxl, a hub id, a folder or FILE.safetensors.")
    ] = "paddy",
    steps: Steps = 50,
    width: Side = None,
    height: Side = None,
    layerdiffuse: LayerDiffuse = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
) -> None:
    """Draw what tells capabilities apart, and write OUT/capabilities.json and .md."""
    import json

    from taue.disk.writing import whole_file
    from taue.evaluation.capabilities import measured
    from taue.evaluation.capability_page import document, page
    from taue.evaluation.capability_sets import write_sets
    from taue.evaluation.dataset import read_data
    from taue.evaluation.methods import METHODS, method_named, methods_of
    from taue.paddy.judge import Judge

    read, judge = read_data(data), Judge.load()
    names = method or methods_of(SDXL)
    for name in names:
        if name not in METHODS:
            raise TaueError(f"method is {name!r}; choose among {', '.join(METHODS)}.")
    how = How(model, steps, width, height, "1/1", device, dtype)
    require_drawable(read.pairs, how)
    sets = write_sets(read, out / "sets")
    told: dict[str, dict[str, Any]] = {}
    for name in names:
        weights = layerdiffuse if METHODS[name].weighted else None
        if METHODS[name].weighted and weights is None:
            told[name] = {"source": METHODS[name].source, "missing": "its weights are not there"}
            continue

        def chosen(name: str = name, weights: str | None = weights) -> ComparedMethod:
            return watched(method_named(name, weights))

        runs = out / "runs" / name
        for part in ("left", "right", "elsewhere"):
            draw(sets[part], chosen, runs / part, how)
        if METHODS[name].several:
            draw(sets["two"], chosen, runs / "two", how, _beside(read))
        drawn = _drawn(read, sets, runs, METHODS[name].several)
        counts = measured(judge, drawn, weights is not None)
        told[name] = {"source": METHODS[name].source, "measured": counts}
    written = document(model, len(read.pairs), told)
    content = {"json": json.dumps(written, indent=1) + "\n", "md": page(written)}
    for ending, text in content.items():
        path = out / f"capabilities.{ending}"
        with whole_file(path) as stream:
            stream.write(text.encode())
        tell_path(path)


def watched(method: ComparedMethod) -> ComparedMethod:
    """A method that warns if it leaves the model's weights other than it found them."""
    from taue.evaluation.capabilities import CHANGED
    from taue.evaluation.methods.base import Drawing

    def make(drawing: Drawing) -> Item:
        before = _fingerprint(drawing.pipe)
        item = method.make(drawing)
        if _fingerprint(drawing.pipe) != before:
            item.cost.warnings.append(CHANGED)
        return item

    return replace(method, make=make)


def _fingerprint(pipe: Any) -> str:
    """Tells whether a model's weights are the same: the beginning of every tensor of its network
    and its autoencoder."""
    import hashlib

    digest = hashlib.sha256()
    for network in (pipe.network, pipe.vae):
        for tensor in network.state_dict().values():
            digest.update(str(tensor.flatten()[:64].tolist()).encode())
    return digest.hexdigest()


def _beside(data: DataSet) -> dict[str, str]:
    """The second subject of every pair."""
    from taue.evaluation.capability_sets import companion

    return {pair.id: companion(data.pairs, place) for place, pair in enumerate(data.pairs)}


def _drawn(data: DataSet, sets: dict[str, Path], runs: Path, several: bool) -> list[Drawn]:
    """What a method drew of each pair."""
    from taue.evaluation.capabilities import Drawn
    from taue.evaluation.dataset import read_data
    from taue.evaluation.items import read_item
    from taue.evaluation.runs import ITEMS

    pairs = {
        name: {pair.id: pair for pair in read_data(folder).pairs} for name, folder in sets.items()
    }
    beside = _beside(data)

    def item(name: str, identity: str) -> Item:
        return read_item(runs / name / ITEMS / identity)

    return [
        Drawn(
            pair=pairs["left"][one.id],
            right_pair=pairs["right"][one.id],
            elsewhere_pair=pairs["elsewhere"][one.id],
            second=beside[one.id],
            left=item("left", one.id),
            right=item("right", one.id),
            elsewhere=item("elsewhere", one.id),
            two=replace(item("two", one.id), subjects=2) if several else None,
        )
        for one in data.pairs
    ]
