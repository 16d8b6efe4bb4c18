"""The columns of a table: what they are called, which way is better, what they need."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Needs(StrEnum):
    """What a column cannot do without."""

    DATA = "data"
    LAYERS = "layers"
    MASK = "mask"
    FOREGROUND = "foreground"
    BACKGROUND = "background"
    GROUND = "ground"
    STACK = "stack"
    INCEPTION = "inception"
    CLIP = "clip"
    ALEXNET = "alexnet"
    WORDS = "words"
    COST = "cost"
    PLAIN = "plain"
    KEY = "key"


WHY = {
    Needs.DATA: "no data set: give --data",
    Needs.LAYERS: "it makes no layers",
    Needs.MASK: "its items have no mask: add mask.png, or a foreground.png with alpha",
    Needs.FOREGROUND: "its items have no foreground's colours: add foreground.png",
    Needs.BACKGROUND: "its items have no background: add background.png",
    Needs.GROUND: "its items have no background: add background.png",
    Needs.STACK: "its items have no stack that adds up: add foreground.png and background.png, or "
    "layers",
    Needs.INCEPTION: "no Inception network: give --inception",
    Needs.CLIP: "no CLIP network: give --clip",
    Needs.ALEXNET: "no AlexNet: give --alexnet",
    Needs.WORDS: "the judge knows paddy's words alone",
    Needs.COST: "its files do not say",
    Needs.PLAIN: "no run of plain beside it",
    Needs.KEY: "its foregrounds are on no key colour",
}
"""Why a column is empty, by what it lacks."""

PARTS = frozenset(
    (Needs.LAYERS, Needs.MASK, Needs.FOREGROUND, Needs.BACKGROUND, Needs.GROUND, Needs.STACK)
)
"""What the files of an item have or have not. ``LAYERS`` is anything besides the composite,
``GROUND`` the background's picture or the lowest layer."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: in JSON, CSV and ``--require``.
        title: in tables.
        better: 1 if more is better, -1 if less is, 0 if neither.
        digits: after the point.
        needs: what it cannot do without, in the order in which it is missed.
    """

    key: str
    title: str
    better: int
    digits: int
    needs: tuple[Needs, ...]

    def made_of(self, parts: Collection[Needs]) -> bool:
        """Whether an item with these ``PARTS`` has all of them that the column needs."""
        return PARTS.intersection(self.needs) <= set(parts)


FRONT = (Needs.LAYERS, Needs.MASK, Needs.FOREGROUND)
BEHIND = (Needs.LAYERS, Needs.MASK, Needs.BACKGROUND)

PAPER = (
    Column("fid", "FID", -1, 2, (Needs.DATA, Needs.INCEPTION)),
    Column("clip_i", "CLIP-I", 1, 3, (Needs.DATA, Needs.CLIP)),
    Column("clip_s", "CLIP-S", 1, 3, (Needs.DATA, Needs.CLIP)),
    Column("psnr_fg", "PSNR fg", 1, 2, FRONT),
    Column("psnr_bg", "PSNR bg", 1, 2, BEHIND),
    Column("ssim_fg", "SSIM fg", 1, 3, FRONT),
    Column("ssim_bg", "SSIM bg", 1, 3, BEHIND),
    Column("lpips_fg", "LPIPS fg", -1, 3, (*FRONT, Needs.ALEXNET)),
    Column("lpips_bg", "LPIPS bg", -1, 3, (*BEHIND, Needs.ALEXNET)),
)
"""The paper's nine columns, in its order."""

MASKED = (Needs.LAYERS, Needs.MASK)
WORDED = (Needs.DATA, Needs.WORDS)

OURS = (
    Column("fd_judge", "fd_judge", -1, 2, (Needs.DATA,)),
    Column("sim_judge", "sim_judge", 1, 3, (Needs.DATA,)),
    Column("recomposition", "recomposition", -1, 1, (Needs.LAYERS, Needs.STACK)),
    Column("box_iou", "box IoU", 1, 3, (*MASKED, Needs.DATA)),
    Column("iou", "IoU", 1, 3, (*MASKED, *WORDED)),
    Column("residue", "residue", -1, 3, (*MASKED, Needs.GROUND, *WORDED)),
    Column("ghosts", "ghosts", -1, 3, (*MASKED, *WORDED)),
    Column("edge", "edge", 1, 3, MASKED),
    Column("key_tint", "key tint", -1, 1, (*FRONT, Needs.KEY, Needs.PLAIN)),
    Column("left", "left", -1, 3, (*MASKED, Needs.STACK, *WORDED)),
    Column("bites", "bites", -1, 3, (*MASKED, *WORDED)),
    Column("far", "far", -1, 4, (*MASKED, Needs.GROUND, *WORDED)),
    Column("structure", "structure", -1, 1, (*MASKED, Needs.GROUND, *WORDED)),
    Column("coverage", "coverage", 0, 3, (*MASKED, Needs.STACK, *WORDED)),
    Column("cutout_db", "cut-out dB", 1, 2, (*FRONT, *WORDED)),
    Column("rawcut_db", "raw cut dB", 1, 2, (*FRONT, *WORDED)),
    Column("unet_evaluations", "UNet evaluations", -1, 0, (Needs.COST,)),
    Column("seconds", "seconds", -1, 1, (Needs.COST,)),
)
"""Ours besides."""

COLUMNS = {column.key: column for column in (*PAPER, *OURS)}
OPENED = ("iou", "left", "bites", "far", "structure", "coverage", "cutout_db", "rawcut_db")
