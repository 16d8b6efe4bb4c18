"""One factor at a time: what is changed of a method, and what each change is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from taue.errors import TaueError
from taue.readable import quoted
from taue.settings import Settings


@dataclass(frozen=True)
class Times:
    """So many times the method's own value."""

    factor: float

    def of(self, value: float) -> float:
        return round(value * self.factor, 6)


CROPS = (25, 50, 75)
"""Crop ratios of the paper's table, in percent."""

FACTORS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "crop": {f"crop-{r}": {"crop_ratio": r / 100} for r in CROPS},
    "filter": {
        "filter-off": {"sharpening": 0.0},
        "filter-noisy": {"filter_noisy": True},
        "filter-estimate": {"filter_noisy": False},
    },
    # The paper's table is the crop ratio with the filter and without.
    "unfiltered": {
        f"crop-{r}-unfiltered": {"crop_ratio": r / 100, "sharpening": 0.0} for r in CROPS
    },
    # The earlier the crop, the more noise is left there, and the less of it lambda has to give: the
    # default is right at 50 %. These are as near to what is exactly needed, of 25 to 50 Euler steps
    # of SDXL's schedule.
    "noise": {
        "crop-25-noise": {"crop_ratio": 0.25, "unit_noise_strength": 0.72},
        "crop-75-noise": {"crop_ratio": 0.75, "unit_noise_strength": 0.94},
    },
    "blending": {
        "noise-free": {"noise_blending": "none"},
        "attention-free": {"attention_blending": "none"},
    },
    "layout": {f"layout-{p}": {"placement": p} for p in ("none", "suggest", "fit")},
    "mask": {
        "mask-cells": {"mask_rule": "intersection"},
        "mask-parts": {"mask_rule": "component"},
        "mask-greenness": {"mask_value": "greenness", "key": "green"},
        "mask-distance": {"mask_value": "distance"},
    },
    "key": {f"key-{a}": {"key_strength": a / 100} for a in (20, 28, 40)},
    # Each of the two forms of the transplant has a lambda of its own: a little less noise than it
    # begins with, and a little more.
    "lambda": {
        "lambda-less": {"noise_strength": 0.97, "unit_noise_strength": 0.85},
        "lambda-more": {"noise_strength": 1.03, "unit_noise_strength": 0.91},
    },
    # On which key: away from green the paper's value, which is greenness, tells nothing.
    "colour": {
        "on-green": {"key": "green"},
        "on-magenta": {"key": "magenta", "mask_value": "distance"},
    },
    # Whose attention is A_fg: that of all steps and layers, of the last third, of some layers.
    "attention": {
        "attention-late": {"attention_from": 0.67},
        "attention-finest": {"attention_layers": "finest"},
        "attention-coarsest": {"attention_layers": "coarsest"},
    },
    # A fifth less and more than each method's own.
    "thresholds": {
        "tau-bg-less": {"greenness_threshold": Times(0.8), "background_threshold": Times(0.8)},
        "tau-bg-more": {"greenness_threshold": Times(1.2), "background_threshold": Times(1.2)},
        "tau-a-less": {"attention_threshold": Times(0.8)},
        "tau-a-more": {"attention_threshold": Times(1.2)},
    },
}
"""Factors of the ablation, and the values of each by the name of its run."""

WHOLE = ("taue", "paper")
"""Methods of which every factor is asked for if none is named."""

REPORTED_BASE, REPORTED_FACTORS = "paper-layout", ("crop", "filter", "unfiltered", "noise")
"""What the paper's own table of an ablation is of: TAUE + layout; with the right noise, besides."""

UNHEARD = {"line": "unit_noise_strength"}
"""Fields that a transplant takes no notice of."""


@dataclass(frozen=True)
class Variant:
    """A method with one factor changed; of none, the method as it is. ``name`` is its run's."""

    base: str
    name: str
    changes: Mapping[str, Any]


def asked_variants(bases: Sequence[str] | None, factors: Sequence[str] | None) -> list[Variant]:
    """The variants that are asked for; of no factors all, and of no methods :data:`WHOLE` with the
    paper's own table besides.

    Raises:
        TaueError: if there is no such factor.
    """
    asked = factors or list(FACTORS)
    chosen = list(variants(bases or WHOLE, asked))
    table = [name for name in asked if name in REPORTED_FACTORS]
    return chosen if bases or not table else [*chosen, *variants([REPORTED_BASE], table)]


def variants(bases: Sequence[str], factors: Sequence[str]) -> Iterator[Variant]:
    """Every method as it is and with every value of each factor, but for those that it has; what
    two factors come to alike is there once.

    Raises:
        TaueError: if there is no such factor.
    """
    if unknown := [name for name in factors if name not in FACTORS]:
        raise TaueError(f"factor is {quoted(unknown[0])}; choose among {', '.join(FACTORS)}.")
    for base in bases:
        own = Settings.of(base)
        yield Variant(base, base, {})
        known: list[dict[str, Any]] = [{}]
        for factor in factors:
            for name, told in FACTORS[factor].items():
                changes = {
                    field: value.of(getattr(own, field)) if isinstance(value, Times) else value
                    for field, value in told.items()
                }
                real = {
                    field: value
                    for field, value in changes.items()
                    if getattr(own, field) != value and field != UNHEARD.get(own.transplant)
                }
                if real not in known:
                    known.append(real)
                    yield Variant(base, f"{base}-{name}", changes)
