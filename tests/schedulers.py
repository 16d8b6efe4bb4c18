"""The scheduler families under test, all built from the configuration that SDXL-base ships."""

from typing import Any

from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FlowMatchHeunDiscreteScheduler,
    FlowMatchLCMScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
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
    "pndm": PNDMScheduler,
}
EXPLODING = {"euler", "euler-ancestral", "heun"}
DETERMINISTIC = ("euler", "dpm++2m", "ddim", "unipc")

_SIGMAS: dict[str, Any] = {
    "use_flow_sigmas": True,
    "prediction_type": "flow_prediction",
    "flow_shift": 3.0,
}
FLOWS: dict[str, Any] = {
    "flow-euler": FlowMatchEulerDiscreteScheduler,
    "flow-euler-shifted": lambda: FlowMatchEulerDiscreteScheduler(shift=3.0),
    "flow-euler-karras": lambda: FlowMatchEulerDiscreteScheduler(use_karras_sigmas=True),
    "flow-heun": FlowMatchHeunDiscreteScheduler,
    "flow-dpm++2m": lambda: DPMSolverMultistepScheduler(**_SIGMAS),
    "flow-dpm++2s": lambda: DPMSolverSinglestepScheduler(**_SIGMAS),
    "flow-unipc": lambda: UniPCMultistepScheduler(**_SIGMAS),
    "flow-euler-stochastic": lambda: FlowMatchEulerDiscreteScheduler(stochastic_sampling=True),
    "flow-lcm": FlowMatchLCMScheduler,
}
"""Flow matching in all its forms; no diffusion model's configuration fits them."""

DETERMINISTIC_FLOWS = tuple(FLOWS)[:7]


def build_flow(family: str, steps: int | None = None) -> Any:
    """A flow-matching scheduler, its timesteps set if asked."""
    scheduler = FLOWS[family]()
    if steps is not None:
        scheduler.set_timesteps(steps)
    return scheduler


def build(family: str, steps: int | None = None, **changes: Any) -> Any:
    """A scheduler of SDXL's configuration with ``changes``, its timesteps set if asked."""
    scheduler = FAMILIES[family].from_config({**SDXL, **changes})
    if steps is not None:
        scheduler.set_timesteps(steps)
    return scheduler
