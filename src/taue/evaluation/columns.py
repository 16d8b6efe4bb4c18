"""The columns of a table: what they are called, which way is better, what they need."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Needs(StrEnum):
    """What a column cannot do without."""

    DATA = "data"
    LAYERS = "layers"
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
    Needs.INCEPTION: "no Inception network: give --inception",
    Needs.CLIP: "no CLIP network: give --clip",
    Needs.ALEXNET: "no AlexNet: give --alexnet",
    Needs.WORDS: "the judge knows paddy's words alone",
    Needs.COST: "its files do not say",
    Needs.PLAIN: "no run of plain beside it",
    Needs.KEY: "its foregrounds are on no colour",
}
"""Why a column is empty, by what it lacks."""


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


PAPER = (
    Column("fid", "FID", -1, 2, (Needs.DATA, Needs.INCEPTION)),
    Column("clip_i", "CLIP-I", 1, 3, (Needs.DATA, Needs.CLIP)),
    Column("clip_s", "CLIP-S", 1, 3, (Needs.DATA, Needs.CLIP)),
    Column("psnr_fg", "PSNR fg", 1, 2, (Needs.LAYERS,)),
    Column("psnr_bg", "PSNR bg", 1, 2, (Needs.LAYERS,)),
    Column("ssim_fg", "SSIM fg", 1, 3, (Needs.LAYERS,)),
    Column("ssim_bg", "SSIM bg", 1, 3, (Needs.LAYERS,)),
    Column("lpips_fg", "LPIPS fg", -1, 3, (Needs.LAYERS, Needs.ALEXNET)),
    Column("lpips_bg", "LPIPS bg", -1, 3, (Needs.LAYERS, Needs.ALEXNET)),
)
"""The paper's nine columns, in its order."""

SEEN = (Needs.LAYERS, Needs.DATA, Needs.WORDS)

OURS = (
    Column("fd_judge", "fd_judge", -1, 2, (Needs.DATA,)),
    Column("sim_judge", "sim_judge", 1, 3, (Needs.DATA,)),
    Column("recomposition", "recomposition", -1, 1, (Needs.LAYERS,)),
    Column("box_iou", "box IoU", 1, 3, (Needs.LAYERS, Needs.DATA)),
    Column("iou", "IoU", 1, 3, SEEN),
    Column("residue", "residue", -1, 3, SEEN),
    Column("ghosts", "ghosts", -1, 3, SEEN),
    Column("edge", "edge", 1, 3, (Needs.LAYERS,)),
    Column("key_tint", "key tint", -1, 1, (Needs.LAYERS, Needs.PLAIN, Needs.KEY)),
    Column("left", "left", -1, 3, SEEN),
    Column("bites", "bites", -1, 3, SEEN),
    Column("far", "far", -1, 4, SEEN),
    Column("structure", "structure", -1, 1, SEEN),
    Column("coverage", "coverage", 0, 3, SEEN),
    Column("cutout_db", "cut-out dB", 1, 2, SEEN),
    Column("rawcut_db", "raw cut dB", 1, 2, SEEN),
    Column("unet_evaluations", "UNet evaluations", -1, 0, (Needs.COST,)),
    Column("seconds", "seconds", -1, 1, (Needs.COST,)),
)
"""Ours besides."""

COLUMNS = {column.key: column for column in (*PAPER, *OURS)}
OPENED = ("iou", "left", "bites", "far", "structure", "coverage", "cutout_db", "rawcut_db")
