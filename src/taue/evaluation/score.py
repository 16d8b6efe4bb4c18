"""From the files of a run to its figures."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from taue.arrays import Bytes
from taue.box import Box
from taue.errors import TaueError
from taue.evaluation import figures
from taue.evaluation.art import read_any
from taue.evaluation.bootstrap import Figure, mean_figure, set_figure
from taue.evaluation.columns import COLUMNS, PARTS, WHY, Column, Needs
from taue.evaluation.dataset import DataSet, Pair
from taue.evaluation.frechet import frechet
from taue.evaluation.items import Item
from taue.evaluation.networks import Networks
from taue.evaluation.pictures import read_picture
from taue.evaluation.rendered import SOLID, pixel_box
from taue.evaluation.seen import seen, tint
from taue.evaluation.tint import key_direction
from taue.paddy.judge.findings import parse_object
from taue.stack import Layer, flatten, largest_error

Features = dict[str, NDArray[np.floating]]
"""A picture's features by network: "judge", and "inception" and "clip" where there are those."""

FRECHET = {"fid": "inception", "fd_judge": "judge"}
"""Columns of whole sets, and the network whose features they compare."""

WIDEST, RESAMPLES = 512, 100
"""Features up to which a set's column has an interval, of so many resamples: each resample of more
takes seconds."""


@dataclass(frozen=True)
class Scored:
    """A run's columns, by key; None where there is nothing, for which ``why`` says the reason.

    ``items`` are the figures of every item, by its id; ``absent`` counts pairs of the data set
    that the run has no item of.
    """

    name: str
    method: str
    copies: bool
    columns: Mapping[str, Figure | None]
    why: Mapping[str, str]
    items: Mapping[str, Mapping[str, float | None]]
    absent: int = 0


@dataclass
class Reference:
    """The features of a data set's pictures, looked at once for all runs."""

    data: DataSet
    networks: Networks
    known: dict[str, Features] = field(default_factory=dict)

    def features(self, pair: Pair) -> Features:
        if pair.id not in self.known:
            picture = read_picture(self.data.picture(pair))
            self.known[pair.id] = features(self.networks, picture)
        return self.known[pair.id]


def scored(
    name: str,
    method: str,
    copies: bool,
    folders: Mapping[str, Path],
    networks: Networks,
    reference: Reference | None,
    watched: Callable[[Collection[str]], Iterable[str]] = iter,
    plain: Mapping[str, Path] | None = None,
) -> Scored:
    """The figures of a run, or of any program's items.

    Args:
        name, method, copies: of the run.
        folders: of its items, by id.
        networks: what to look with.
        reference: the data set, whose ids the items have.
        watched: goes through the ids, and may draw a bar.
        plain: the item folders of a run of plain generation of the same data set.

    Raises:
        TaueError: if there are no items, or a file of one is broken.
    """
    pairs = {} if reference is None else {pair.id: pair for pair in reference.data.pairs}
    if reference is not None and (strange := sorted(set(folders) - set(pairs))):
        raise TaueError(f"item {strange[0]!r} of {name} is not in the data set; check --data.")
    if not folders:
        raise TaueError(f"run {name!r} has no items; make them, each in a folder of its own.")
    rows: dict[str, dict[str, float | None]] = {}
    made: list[Features] = []
    lacking = {*PARTS, Needs.COST, Needs.WORDS, Needs.KEY}
    keyed = draws_on_key(method)
    if not plain:
        lacking |= {Needs.PLAIN}
    for identity in watched(list(folders)):
        item = read_any(folders[identity])
        own = features(networks, item.composite)
        row = item_figures(item, own, networks, reference, pairs.get(identity))
        if keyed and plain and identity in plain:
            row["key_tint"] = tint(item, read_any(plain[identity]), networks, pairs.get(identity))
        rows[identity] = row
        lacking -= told_by(item, pairs.get(identity))
        made.append(own)
    if not keyed:
        lacking.add(Needs.KEY)
    lacking |= networks.missing | ({Needs.DATA} if reference is None else set())
    columns: dict[str, Figure | None] = {}
    for key in COLUMNS:
        if key in FRECHET:
            columns[key] = _set_column(FRECHET[key], made, reference)
        else:
            values = [value for row in rows.values() if (value := row.get(key)) is not None]
            columns[key] = mean_figure(values) if values else None
    why = {key: reason(column, lacking) for key, column in COLUMNS.items() if columns[key] is None}
    return Scored(name, method, copies, columns, why, rows, len(set(pairs) - set(folders)))


def draws_on_key(method: str) -> bool:
    """Whether a method draws its foregrounds on a key colour, as it says of itself. Of other
    programs, and of methods that are not known by this name, the border's colour alone tells."""
    from taue.evaluation.methods import METHODS  # slow, for it loads diffusers

    known = METHODS.get(method)
    return known is None or known.keyed


def reason(column: Column, lacking: set[Needs]) -> str:
    """Why a column is empty."""
    return next(
        (WHY[need] for need in column.needs if need in lacking),
        "too few pictures, or empty regions",
    )


def told_by(item: Item, pair: Pair | None) -> set[Needs]:
    """What is not lacking as far as this item goes."""
    there = item.parts
    if item.cost.seconds is not None or item.cost.unet_evaluations is not None:
        there.add(Needs.COST)
    if item.foreground is not None and key_direction(item.foreground) is not None:
        there.add(Needs.KEY)
    if pair is not None and parse_object(pair.foreground) is not None:
        there.add(Needs.WORDS)
    return there


def features(networks: Networks, picture: Bytes) -> Features:
    """What each network that compares pictures says of one uint8 [H, W, 3]."""
    found: Features = {"judge": networks.judge.features([picture])[0]}
    if networks.inception is not None:
        found["inception"] = networks.inception.features(picture)
    if networks.clip is not None:
        found["clip"] = networks.clip.picture(picture)
    return found


def item_figures(
    item: Item, own: Features, networks: Networks, reference: Reference | None, pair: Pair | None
) -> dict[str, float | None]:
    """The figures of one item, by column; None or absent where there are none."""
    found = layer_figures(item, networks)
    if item.layers:
        found["recomposition"] = recomposition_error(item)
    if reference is not None and pair is not None:
        true = reference.features(pair)
        found["sim_judge"] = figures.similarity(own["judge"], true["judge"])
        if networks.clip is not None:
            found["clip_i"] = figures.similarity(own["clip"], true["clip"])
            found["clip_s"] = figures.similarity(own["clip"], networks.clip.words(pair.scene))
        if item.mask is not None:
            found["box_iou"] = box_iou(item.mask, pair.area)
            found |= seen(item, networks, pair)
    found["seconds"] = item.cost.seconds
    evaluations = item.cost.unet_evaluations
    found["unet_evaluations"] = None if evaluations is None else float(evaluations)
    return found


def layer_figures(item: Item, networks: Networks) -> dict[str, float | None]:
    """PSNR, SSIM and LPIPS of the layers against the composite, each in its region."""
    alpha = item.alpha
    if alpha is None:
        return {}
    found: dict[str, float | None] = {"edge": figures.edge(item.composite, alpha)}
    for side, layer, region in (
        ("fg", item.foreground, figures.foreground_region(alpha)),
        ("bg", item.background, figures.background_region(alpha)),
    ):
        if layer is None:
            continue
        found[f"psnr_{side}"] = figures.region_psnr(layer, item.composite, region)
        found[f"ssim_{side}"] = figures.region_ssim(layer, item.composite, region)
        if networks.alexnet is not None:
            found[f"lpips_{side}"] = figures.lpips(networks.alexnet, layer, item.composite, region)
    return found


def recomposition_error(item: Item) -> float:
    """The largest difference, in 1/255, of what the layers add up to and what they should."""
    stack = [Layer(str(i), "subject", None, pixels) for i, pixels in enumerate(item.layers)]
    shown = item.composite if item.shown is None else item.shown
    return float(largest_error(flatten(stack), shown))


def box_iou(mask: Bytes, wanted: Box) -> float:
    """Intersection over union of the mask's bounding box (above one half) and the pair's box; 0
    for an empty mask."""
    left, top, width, height = pixel_box(mask > SOLID)
    if not width:
        return 0.0
    rows, columns = mask.shape
    found = Box(left / columns, top / rows, width / columns, height / rows)
    return found.iou(wanted)


def _set_column(
    network: str, made: Iterable[Features], reference: Reference | None
) -> Figure | None:
    """The Fréchet distance of the composites to all of the data set's pictures."""
    if reference is None:
        return None
    own = [one[network] for one in made if network in one]
    if not own:
        return None
    truth = np.stack([reference.features(pair)[network] for pair in reference.data.pairs])
    drawn = np.stack(own)
    if min(len(truth), len(drawn)) < 2:
        return None
    value = frechet(truth, drawn)
    resamples = RESAMPLES if drawn.shape[1] <= WIDEST else 0
    return set_figure(value, drawn, lambda some: frechet(truth, some), resamples)
