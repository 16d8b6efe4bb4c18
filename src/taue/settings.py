"""Every number of the method, checked once at the door. Where a default is not the paper's, the
field says what the paper's is."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, fields
from typing import Any, Self

from taue.effort import EFFORTS, Effort
from taue.errors import TaueError
from taue.paper import METHODS, PAPER
from taue.readable import quoted

KEYS = ("green", "magenta", "blue")
"""Names of key colours; what they are as latents, a backbone says. Green is the paper's."""

ANY_KEY = re.compile("#[0-9a-fA-F]{6}")
"""Any other key colour, as the web writes it."""

LIKE_MAGENTA = frozenset("fuchsia magenta orchid plum purple violet".split())
"""Words that make ``key="auto"`` leave magenta: a purple subject on it would be keyed away. Pink is
too pale to be."""

STEPS = (2, 1000)
"""Fewest and most denoising steps."""

CLOSED_RANGES = {
    "key_strength": (0.0, 1.0),
    "layout_sigma": (1e-3, 1e3),
    "guidance_scale": (0.0, 100.0),
    "foreground_guidance_scale": (0.0, 100.0),
    "harmony": (0.0, 1.0),
    "background_threshold": (0.0, 1.0),
    "attention_threshold": (0.0, 1.0),
    "attention_from": (0.0, 0.95),
    "mask_blur": (0.0, 100.0),
    "sharpening": (0.0, 4.0),
    "noise_strength": (0.0, 4.0),
    "unit_noise_strength": (-4.0, 4.0),
    "greenness_threshold": (-10.0, 10.0),
    "p_min": (0.0, 1.0),
    "p_max": (0.0, 1.0),
    "guidance_rescale": (0.0, 1.0),
}

CHOICES = {
    "base": tuple(METHODS),
    "placement": ("fit", "suggest", "none"),
    "planting": ("finished", "harvested"),
    "released_prompt": ("scene", "regions"),
    "layering": ("first", "difference"),
    "mask_rule": ("component", "intersection"),
    "mask_value": ("distance", "greenness"),
    "transplant": ("line", "unit", "renormalised"),
    "planted_subjects": ("separated", "all"),
    "moving": ("regrown", "transplanted"),
    "noise_blending": ("two-phase", "none"),
    "attention_blending": ("regions", "none"),
    "attention_layers": ("all", "finest", "coarsest"),
    "quality": tuple(EFFORTS),
}

TOGETHER = {"p_max": ("p_min",), "mask_value": ("key",)}
"""Fields that are checked with others."""

TRIES = (1, 100)
"""Fewest and most beginnings of a foreground."""

SKIPPED = (0, 100)
"""Fewest and most layers of text encoders that are skipped; each model has its own number."""


@dataclass(frozen=True)
class Settings:
    """One run's settings.

    Attributes:
        num_inference_steps: N, the denoising steps of each stage, at least 2.
        guidance_scale: classifier-free guidance of the composite and the background.
        foreground_guidance_scale: classifier-free guidance of the foregrounds.
        crop_ratio: r in (0, 1), how late the seedling is harvested and released (the paper: 0.5).
        key: a name of ``KEYS``, any colour as "#ff00ff", which the model's own autoencoder encodes,
            or "auto": magenta, but green for subjects called purple; one that has its key's hue by
            sight, or that its key swallowed, is begun anew on the other of the two.
        key_strength: alpha of the key-colour injection, 0 to 1.
        layout_sigma: sigma of the probabilistic layout, in half boxes.
        p_min: the layout's least probability of a cell to be the subject's.
        p_max: the layout's largest, at the box's centre; not below p_min.
        background_threshold: tau_bg, as the fraction of the way from the painted key's own spread
            to the object's distance from the key.
        attention_threshold: tau_A on the attention map scaled to [0, 1].
        attention_from: from which share of the steps before the harvest on attention counts.
        attention_layers: whose attention counts: "all", or that on the "finest" or "coarsest" grid
            of the network's cross-attention; transformers have one grid.
        harmony: how soon after the harvest step the composite's subjects may leave the look of
            their foregrounds and follow the scene's light: 1 at once (the paper), 0 never. Where
            layers come first, several do so later, the more there are.
        placement: "fit" moves and scales what was harvested into the subject's box; "suggest" is
            the paper's TAUE + layout, the probabilistic layout alone; "none" the paper's TAUE,
            where the key colour is injected everywhere and boxes count for nothing.
        planting: "finished" plants subjects as their foregrounds ended, under fresh white noise;
            "harvested" is the paper's: estimate and noise as they were at the harvest step.
        released_prompt: what the composite attends to once the seedlings are released: "scene",
            the whole scene's prompt, and of several subjects each the scene with it alone, for
            the whole one does not say which of them stands where; "regions" is the paper's, each
            its own still.
        layering: "first" makes the layers first and the composite from them: subjects are grown
            once more beside the composite, and the light that they take becomes smooth effects;
            "difference" is the paper's: the composite is its stage as it ended, and the effects
            are whatever it shows besides.
        tries: how often, at most, a foreground is begun if its object is missing, doubled, cut off
            by the canvas, far larger than its box or cannot be told from the key colour. With more
            than one, a composite that lost a subject is drawn once more, with that held for longer.
        mask_rule: "component" keeps those parts of the colour mask that attention touches, holes
            closed; "intersection" is the paper's cell-wise conjunction.
        mask_value: what tells an object from the key: "distance" of the denoised estimate to the
            key as painted, against background_threshold; "greenness" is the paper's v of the noisy
            latents, against greenness_threshold, for the green key alone.
        greenness_threshold: tau_bg of "greenness", absolute, on latents of unit variance.
        mask_blur: standard deviation of G_sigma, in latent cells; for "greenness", where it must
            outweigh noise, in cells of a canvas of 32, and as much of any other.
        sharpening: kappa of the high-pass filter.
        filter_noisy: filter the noisy latents (the paper's letter) instead of the estimate.
        transplant: where a planted region begins: "line", on the straight line that reaches the
            seedling at the harvest step; "unit" is the paper's letter, f(L) + lambda n_crop in
            place of initial noise, in the space where that is of unit variance; "renormalised"
            the same with L brought to unit variance at its own level before.
        noise_strength: lambda of the transplant by "line", a multiplier of the noise needed.
        unit_noise_strength: lambda of the other transplants, as it is printed.
        hold_crop_step: hold the noise at the crop step too (the paper's "t_crop <= t").
        planted_subjects: "separated" plants nothing of a foreground that could not be told from its
            key colour, whose prompt draws it anew; "all" is the paper's.
        noise_blending: "two-phase" holds a planted region to its seedling's noise until it is
            released; "none" plants it before the first step and leaves it free, for ablation.
        attention_blending: "regions" lets each region of the composite attend to its own prompt;
            "none" all of it to the whole scene's, for ablation.
        moving: "regrown" brings a moved subject's estimate into its box, scaled, and grows it on
            under fresh noise; "transplanted" is the paper's: the seedling as it is, noise included,
            shifted on the grid.
        guidance_rescale: how far guided predictions are brought back to the spread of those with
            the prompt (arXiv 2305.08891, section 3.4), in all stages; 0 leaves them.
        clip_skip: how many layers of the CLIP text encoders are skipped from the end, as in
            diffusers; none beyond the family's own if None.
        quality: what each stage takes of the steps: "best" all of them; "balanced" as few as cost
            nothing that can be seen; "fast" fewer of the composite's, too.
        base: the method that these values began as, "taue" (ours), "paper" or "paper-layout"; it
            decides nothing.
    """

    num_inference_steps: int = 50
    guidance_scale: float = 5.0
    foreground_guidance_scale: float = 7.5
    crop_ratio: float = 0.6
    key: str = "auto"
    key_strength: float = 0.3
    layout_sigma: float = 0.5
    harmony: float = 1.0
    placement: str = "fit"
    planting: str = "finished"
    released_prompt: str = "scene"
    layering: str = "first"
    tries: int = 3
    background_threshold: float = 0.35
    attention_threshold: float = 0.35
    mask_rule: str = "component"
    mask_blur: float = 0.5
    sharpening: float = 0.1
    filter_noisy: bool = False
    noise_strength: float = 1.0
    hold_crop_step: bool = False
    p_min: float = 0.0
    p_max: float = 1.0
    mask_value: str = "distance"
    greenness_threshold: float = PAPER["greenness_threshold"]
    transplant: str = "line"
    unit_noise_strength: float = PAPER["unit_noise_strength"]
    planted_subjects: str = "separated"
    moving: str = "regrown"
    noise_blending: str = "two-phase"
    attention_blending: str = "regions"
    attention_from: float = 0.0
    attention_layers: str = "all"
    guidance_rescale: float = 0.0
    clip_skip: int | None = None
    quality: str = "balanced"
    base: str = "taue"

    @classmethod
    def of(cls, method: str, **changes: Any) -> Self:
        """A method of :data:`taue.paper.METHODS` by its name, but for ``changes``.

        Raises:
            TaueError: if there is none of that name, or a change is out of range.
        """
        if method not in METHODS:
            raise TaueError(f"method is {quoted(method)}; choose {' or '.join(METHODS)}.")
        return cls(**{**METHODS[method], "base": method, **changes})

    @classmethod
    def paper(cls, *, layout: bool = False, **changes: Any) -> Self:
        """The method as published, without anything of ours; ``layout`` for TAUE + layout."""
        return cls.of("paper-layout" if layout else "paper", **changes)

    @property
    def effort(self) -> Effort:
        """What each stage takes of the steps."""
        return EFFORTS[self.quality]

    @property
    def deviations(self) -> dict[str, Any]:
        """Fields that are not as in the method that these began as."""
        own = type(self).of(self.base)
        names = (field.name for field in fields(self))
        return {n: getattr(self, n) for n in names if getattr(self, n) != getattr(own, n)}

    def __post_init__(self) -> None:
        _require_whole("num_inference_steps", self.num_inference_steps, STEPS)
        _require_whole("tries", self.tries, TRIES)
        if self.clip_skip is not None:
            _require_whole("clip_skip", self.clip_skip, SKIPPED)
        for name, (low, high) in CLOSED_RANGES.items():
            _require_number(name, getattr(self, name))
            if not low <= getattr(self, name) <= high:
                raise TaueError(
                    f"{name} is {getattr(self, name)}; give a number from {low:g} to {high:g}."
                )
        require_crop_ratio(self.crop_ratio)
        if not isinstance(self.key, str) or not (
            self.key in (*KEYS, "auto") or ANY_KEY.fullmatch(self.key)
        ):
            raise TaueError(
                f"key is {quoted(self.key)}; choose one of {', '.join(KEYS)}, auto or a colour, as "
                "#ff00ff."
            )
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise TaueError(
                    f"{name} is {quoted(getattr(self, name))}; choose {' or '.join(choices)}."
                )
        if self.p_min > self.p_max:
            raise TaueError(f"p_max is {self.p_max:g}; give at least p_min, {self.p_min:g}.")
        if self.mask_value == "greenness" and self.key not in ("green", "auto"):
            raise TaueError(
                f"mask_value is {quoted(self.mask_value)}, which tells green alone; "
                "choose distance or key green."
            )

    def key_for(self, prompt: str) -> str:
        """The name of the key colour for a subject's prompt, or the colour."""
        if self.key != "auto":
            return self.key
        if self.mask_value == "greenness":
            return "green"
        words = set(re.findall(r"[a-z]+", prompt.lower()))
        return "green" if words & LIKE_MAGENTA else "magenta"


def require_crop_ratio(value: Any) -> None:
    """Refuse what is no crop ratio.

    Raises:
        TaueError: unless it is a number between 0 and 1, both excluded.
    """
    _require_number("crop_ratio", value)
    if not 0 < value < 1:
        raise TaueError(f"crop_ratio is {value}; give a number between 0 and 1.")


def _require_whole(name: str, value: Any, limits: tuple[int, int]) -> None:
    low, high = limits
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise TaueError(f"{name} is {quoted(value)}; give a whole number from {low} to {high}.")


def _require_number(name: str, value: Any) -> None:
    if isinstance(value, bool) or not _is_finite(value):
        raise TaueError(f"{name} is {quoted(value)}; give a finite number.")


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False
