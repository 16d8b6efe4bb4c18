"""The scheduler families under test, all built from the configuration that SDXL-base ships."""

from typing import Any

from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    UniPCMultistepScheduler,
)

SDXL: dict[str, Any] = {
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "clip_sample": False,
    "interpolation_type": "linear",
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "sample_max_value": 1.0,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "trained_betas": None,
    "use_karras_sigmas": False,
}
"""scheduler_config.json of stabilityai/stable-diffusion-xl-base-1.0."""

FAMILIES: dict[str, Any] = {
    "euler": EulerDiscreteScheduler,
    "euler-ancestral": EulerAncestralDiscreteScheduler,
    "dpm++2m": DPMSolverMultistepScheduler,
    "ddim": DDIMScheduler,
    "unipc": UniPCMultistepScheduler,
    "lcm": LCMScheduler,
    "heun": HeunDiscreteScheduler,
}
EXPLODING = {"euler", "euler-ancestral", "heun"}
DETERMINISTIC = ("euler", "dpm++2m", "ddim", "unipc")


def build(family: str, steps: int | None = None, **changes: Any) -> Any:
    """A scheduler of SDXL's configuration with ``changes``, its timesteps set if asked."""
    scheduler = FAMILIES[family].from_config({**SDXL, **changes})
    if steps is not None:
        scheduler.set_timesteps(steps)
    return scheduler
