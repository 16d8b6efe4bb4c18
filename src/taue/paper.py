"""The paper's method (arXiv 2511.02580), as values of :class:`taue.settings.Settings`.

*published* is what the paper says. It leaves the other numbers open: these are *ours*, found by
``benchmarks/sweep.py`` on paddy, with what TKG-DM (arXiv 2411.15580) tells of SDXL; see
``docs/method.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PAPER: Mapping[str, Any] = {
    "num_inference_steps": 50,  # published
    "guidance_scale": 5.0,  # published
    "foreground_guidance_scale": 7.5,  # published
    "crop_ratio": 0.5,  # published
    "key": "green",  # published
    "placement": "none",  # published: layout is the variant TAUE + layout
    "planting": "harvested",  # published
    "transplant": "unit",  # published; at which scale: docs/decisions/0012
    "filter_noisy": True,  # published
    "hold_crop_step": True,  # published: t_crop <= t
    "planted_subjects": "all",  # published: nothing is left out
    "mask_value": "greenness",  # published
    "mask_rule": "intersection",  # published
    "released_prompt": "regions",  # published
    "moving": "transplanted",  # published
    "layering": "difference",  # published: the composite is its stage
    "tries": 1,  # published: a foreground is what it is
    "harmony": 1.0,  # published: free after t_crop
    "quality": "best",  # published: every stage takes all steps
    "key_strength": 0.28,  # ours: alpha
    "layout_sigma": 0.5,  # ours: sigma
    "p_min": 0.0,  # ours
    "p_max": 1.0,  # ours
    "mask_blur": 0.5,  # ours: of G
    "greenness_threshold": 2.0,  # ours: tau_bg
    "attention_threshold": 0.2,  # ours: tau_A
    "attention_from": 0.0,  # ours: all steps
    "attention_layers": "all",  # ours
    "sharpening": 0.1,  # ours: kappa
    "unit_noise_strength": 0.88,  # ours: lambda
}
"""The paper's TAUE."""

METHODS: Mapping[str, Mapping[str, Any]] = {
    "taue": {},
    "paper": PAPER,
    "paper-layout": {**PAPER, "placement": "suggest"},
}
"""What can be chosen by name, as what differs from the defaults: ours, the paper's TAUE, and its
TAUE + layout."""
