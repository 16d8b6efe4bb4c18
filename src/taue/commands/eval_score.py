"""``taue eval score``: figures and tables of runs, or of any program's files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taue import devices
from taue.commands.conventions import Device, quiet_libraries
from taue.commands.output import console, tell_fields, tell_path
from taue.errors import TaueError

if TYPE_CHECKING:
    from taue.evaluation.columns import Needs
    from taue.evaluation.dataset import DataSet
    from taue.evaluation.score import Scored


def score(
    runs: Annotated[list[Path] | None, typer.Argument(help="What taue eval generate made.")] = None,
    *,
    out: Annotated[
        Path, typer.Option(help="FILE.md; FILE.csv, FILE.json and FILE.tex go beside it.")
    ],
    layers: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder of any program's items (or ART's samples), one each; may be repeated."
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The data set; where the runs say that it is, if absent.")
    ] = None,
    require: Annotated[
        list[str] | None, typer.Option(help="A column that must not be empty; may be repeated.")
    ] = None,
    inception: Annotated[
        str | None, typer.Option(help="FID's network: a file, a folder or a hub id.")
    ] = None,
    clip: Annotated[str | None, typer.Option(help="CLIP: a folder or a hub id.")] = None,
    alexnet: Annotated[
        str | None, typer.Option(help="LPIPS's trunk: a file, a folder or a hub id.")
    ] = None,
    common: Annotated[
        bool, typer.Option("--common", help="Only the items that all of them have.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Score runs, and write the tables."""
    from taue.evaluation.columns import Needs

    devices.check_names(device, "auto")
    if out.suffix != ".md":
        raise TaueError(f"out is {str(out)!r}; give a file that ends in .md.")
    _check_known(require or [])
    sources = _sources(runs or [], layers or [])
    if common:
        sources = _common(sources)
    chosen = _data(runs or [], data)
    given = {Needs.DATA: chosen, Needs.INCEPTION: inception, Needs.CLIP: clip}
    given |= {Needs.ALEXNET: alexnet}
    _check_given(require or [], given)
    from rich.progress import track

    from taue.evaluation.networks import Networks
    from taue.evaluation.score import Reference, scored

    bars = console()
    with quiet_libraries():
        place, _ = devices.choose(device, "auto")
        networks = Networks.load(place, inception=inception, clip=clip, alexnet=alexnet)
        reference = None if chosen is None else Reference(chosen, networks)
        plain = next((folders for _, name, _, folders in sources if name == "plain"), None)
        done = [
            scored(
                *source,
                networks,
                reference,
                partial(track, description=source[0], console=bars),
                plain,
            )
            for source in sources
        ]
    _check_required(done, require or [])
    _write_tables(out, done, networks.to_dict())
    tell_fields(runs={run.name: _means(run) for run in done})


def _check_known(required: Sequence[str]) -> None:
    """TaueError if one is no column."""
    from taue.evaluation.columns import COLUMNS

    for key in required:
        if key not in COLUMNS:
            raise TaueError(f"require is {key!r}; choose among {', '.join(COLUMNS)}.")


def _check_given(required: Sequence[str], given: Mapping[Needs, Any]) -> None:
    """TaueError, before anything is looked at, if what one needs is not given."""
    from taue.evaluation.columns import COLUMNS, WHY

    for key in required:
        for need in COLUMNS[key].needs:
            if need in given and given[need] is None:
                raise TaueError(f"require is {key!r}; {WHY[need]}.")


def _write_tables(out: Path, done: list[Scored], used: dict[str, Any]) -> None:
    """The scores in every format, side by side."""
    from taue.disk.writing import whole_file
    from taue.evaluation.table import ENDINGS, comma_separated, document, latex, markdown

    texts = (markdown(done, used), comma_separated(done), document(done, used), latex(done))
    for ending, text in zip(ENDINGS, texts, strict=True):
        with whole_file(out.with_suffix(ending)) as stream:
            stream.write(text.encode())
        tell_path(out.with_suffix(ending))


def _means(run: Scored) -> dict[str, float | None]:
    """A run's columns, for scripts; None where a column is empty or no number."""
    return {
        key: None if one is None or not math.isfinite(one.value) else one.value
        for key, one in run.columns.items()
    }


Scorable = tuple[str, str, bool, dict[str, Path]]
"""Name, method, whether it copies, and item folders by id."""


def _sources(runs: Sequence[Path], layers: Sequence[Path]) -> list[Scorable]:
    """Everything that is to be scored."""
    from taue.evaluation.runs import ITEMS, item_folders, read_run

    if not runs and not layers:
        raise TaueError("runs are missing; name what taue eval generate made, or give --layers.")
    found: list[Scorable] = []
    for folder in runs:
        about = read_run(folder)
        found.append((folder.name, about.method, about.copies, item_folders(folder / ITEMS)))
    found += [(folder.name, "", False, item_folders(folder)) for folder in layers]
    names = [name for name, *_ in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise TaueError(f"run {min(twice)!r} is named twice; rename one of the folders.")
    return found


def _common(sources: list[Scorable]) -> list[Scorable]:
    """The same with the items alone that all have.

    Raises:
        TaueError: if there are none.
    """
    both = set.intersection(*(set(folders) for *_, folders in sources))
    if not both:
        raise TaueError("runs have no item in common; leave --common out.")
    return [
        (name, method, copies, {key: folders[key] for key in folders if key in both})
        for name, method, copies, folders in sources
    ]


def _data(runs: Sequence[Path], given: Path | None) -> DataSet | None:
    """The one data set of all runs, or none if there is none but other programs' files."""
    from taue.evaluation.dataset import read_data
    from taue.evaluation.runs import read_run

    abouts = [read_run(folder) for folder in runs]
    if given is None and not abouts:
        return None
    folder = Path(abouts[0].data) if given is None else given
    data = read_data(folder)
    for run, about in zip(runs, abouts, strict=True):
        if about.digest != data.digest:
            raise TaueError(f"run {str(run)!r} is of another data set than {str(folder)!r}.")
    return data


def _check_required(done: Sequence[Scored], required: Sequence[str]) -> None:
    for run in done:
        for key in required:
            if run.columns[key] is None:
                raise TaueError(f"require: {run.name} has no {key}; {run.why[key]}.")
