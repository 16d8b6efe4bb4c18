"""Another scheduler for a model, by the name of its class in diffusers."""

from __future__ import annotations

import difflib
import inspect
import re
from typing import Any

import diffusers
from diffusers import SchedulerMixin

from taue.errors import TaueError
from taue.space import FLOW, FLOW_MATCHING, FLOW_SIGMAS, noise_levels

WRITTEN = {
    "ddim": "DDIMScheduler",
    "ddpm": "DDPMScheduler",
    "deis": "DEISMultistepScheduler",
    "dpm++": "DPMSolverMultistepScheduler",
    "dpm++2m": "DPMSolverMultistepScheduler",
    "dpmsolver++": "DPMSolverMultistepScheduler",
    "dpm++2s": "DPMSolverSinglestepScheduler",
    "euler": "EulerDiscreteScheduler",
    "eulera": "EulerAncestralDiscreteScheduler",
    "eulerancestral": "EulerAncestralDiscreteScheduler",
    "heun": "HeunDiscreteScheduler",
    "kdpm2": "KDPM2DiscreteScheduler",
    "dpm2": "KDPM2DiscreteScheduler",
    "dpm2a": "KDPM2AncestralDiscreteScheduler",
    "lcm": "LCMScheduler",
    "lms": "LMSDiscreteScheduler",
    "plms": "PNDMScheduler",
    "pndm": "PNDMScheduler",
    "tcd": "TCDScheduler",
    "unipc": "UniPCMultistepScheduler",
}
"""Schedulers as people write them, in small letters without spaces, dashes and underscores."""

HANDED = {"self", "model_output", "timestep", "sample"}
"""What the loop hands to a scheduler's ``step``; one that needs more is for another task."""

DIFFUSING = ("EulerDiscreteScheduler", "DPMSolverMultistepScheduler", "DDIMScheduler")
FLOWING = (
    "FlowMatchEulerDiscreteScheduler",
    "FlowMatchHeunDiscreteScheduler",
    "DPMSolverMultistepScheduler",
)
"""What is proposed instead of another one, to diffusion and to flow-matching models."""


def scheduler_class(name: str) -> Any:
    """The scheduler of diffusers that is called ``name``, for example "DDIMScheduler" or, as people
    write it, "ddim" or "Euler a".

    Raises:
        TaueError: if there is none, it needs a package that is not here, or it is none that
            steps from a model's output alone.
    """
    name = WRITTEN.get(re.sub(r"[\s_-]", "", name.lower()), name)
    found = getattr(diffusers, name, None) if name.endswith("Scheduler") else None
    if found is None:
        known = [one for one in dir(diffusers) if one.endswith("Scheduler")]
        near = difflib.get_close_matches(name, known, n=1) or ["EulerDiscreteScheduler"]
        raise TaueError(f"scheduler {name!r} is unknown; did you mean {near[0]}?")
    if not (isinstance(found, type) and issubclass(found, SchedulerMixin)):
        raise TaueError(f"scheduler {name} needs a package that is not installed; choose another.")
    if not hasattr(found, "step"):
        raise _unfit(name)
    parameters = inspect.signature(getattr(found, "step")).parameters.values()  # noqa: B009
    needed = {one.name for one in parameters if one.default is one.empty}
    if not needed <= HANDED:
        raise _unfit(name)
    return found


def exchanged(name: str, own: Any, steps: int) -> Any:
    """The scheduler ``name`` with the configuration of a model's ``own``.

    Raises:
        TaueError: as :func:`scheduler_class`, and if the model's configuration or the method does
            not suit it.
    """
    kind = scheduler_class(name)
    flowing = _flowing(kind, own)
    try:
        tried = kind.from_config(own.config, **flowing)
        # How far a canvas shifts the levels does not matter to whether there are any.
        shifted = {"mu": 1.0} if tried.config.get("use_dynamic_shifting") else {}
        tried.set_timesteps(steps, **shifted)
        sigmas = noise_levels(tried).sigmas
    except Exception as error:
        if isinstance(error, TaueError) and not isinstance(own, FLOW_MATCHING):
            raise
        raise _unfit(name, own) from error
    if sigmas[0] <= sigmas[-1]:  # an inverse scheduler adds noise
        raise _unfit(name, own)
    return kind.from_config(own.config, **flowing)


def _flowing(kind: type, own: Any) -> dict[str, Any]:
    """What makes a scheduler that does both do flow matching, for a model that does."""
    if not (isinstance(own, FLOW_MATCHING) and issubclass(kind, FLOW_SIGMAS)):
        return {}
    return {
        "use_flow_sigmas": True,
        "prediction_type": FLOW,
        "flow_shift": own.config.get("shift", 1.0),
        "use_dynamic_shifting": False,
    }


def _shifts(kind: Any) -> bool:
    """Whether a scheduler's levels can be shifted by the canvas."""
    return "mu" in inspect.signature(kind.set_timesteps).parameters


def _unfit(name: str, own: Any = None) -> TaueError:
    others = FLOWING if isinstance(own, FLOW_MATCHING) else DIFFUSING
    if own is not None and own.config.get("use_dynamic_shifting"):
        others = [one for one in others if _shifts(getattr(diffusers, one))]
    return TaueError(
        f"scheduler {name} does not suit this model and method; choose one such as "
        f"{', '.join(others[:-1])} or {others[-1]}."
    )
