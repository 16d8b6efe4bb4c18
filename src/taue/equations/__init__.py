r"""Every equation as one pure function: the paper's in :mod:`taue.equations.paper`, in its order,
what is ours in :mod:`taue.equations.ours`, and what both are written with in
:mod:`taue.equations.grid`.

Conventions. ``N`` steps, ``i`` the step's index, ``k`` the harvest step. Latents are
[B, C, h, w] in *scaled* units; masks [h, w] or [B, 1, h, w] on the latent grid, 1 = inside.
Latents of step i are :math:`x_i = a_i \hat x_0 + s_i \epsilon`, and :math:`\sigma_i = s_i / a_i`.
Nothing here knows a model or a scheduler.
"""

from taue.equations.grid import (
    gaussian_blur,
    scale_to_unit,
)
from taue.equations.ours import (
    border,
    border_colour,
    disjoint,
    extend_edges,
    key_distance,
    key_strength,
    line_end,
    noise_surplus,
    planted,
    release_step,
    resample,
    stable_guidance,
)
from taue.equations.paper import (
    attention_map,
    blend_attention,
    blend_noise,
    greenness,
    guidance,
    harvest_step,
    high_pass,
    inject_key,
    layout_mask,
    layout_probability,
    object_mask,
    shift,
    token_attention,
    transplant,
    transplanted_noise,
    unit_space,
    unit_variance,
)

__all__ = [
    "attention_map",
    "blend_attention",
    "blend_noise",
    "border",
    "border_colour",
    "disjoint",
    "extend_edges",
    "gaussian_blur",
    "greenness",
    "guidance",
    "harvest_step",
    "high_pass",
    "inject_key",
    "key_distance",
    "key_strength",
    "layout_mask",
    "layout_probability",
    "line_end",
    "noise_surplus",
    "object_mask",
    "planted",
    "release_step",
    "resample",
    "scale_to_unit",
    "shift",
    "stable_guidance",
    "token_attention",
    "transplant",
    "transplanted_noise",
    "unit_space",
    "unit_variance",
]
