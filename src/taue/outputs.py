"""What a generation hands out: pictures as they were asked for, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from diffusers.utils.pil_utils import numpy_to_pil
from torch import Tensor

from taue.box import Box
from taue.context import StageResult, picture_of
from taue.errors import TaueError
from taue.flaws import Flaw, flaws, warning
from taue.scene import Request, Subject
from taue.stack.mixing import Floats

OUTPUT_TYPES = ("pil", "np", "pt", "latent")

INTERRUPTED = "interrupted: the layers are unfinished."


def warnings_of(
    request: Request, results: Sequence[StageResult], shapes: Sequence[Floats]
) -> list[str]:
    """What is wrong with the subjects as they ended, in sentences.

    Args:
        request: of the generation.
        results: how each subject ended.
        shapes: the subjects' alphas [H, W].
    """
    ended = zip(request.subjects, results, shapes, strict=True)
    return [
        warning(number, subject.prompt, flaw)
        for number, (subject, one, shape) in enumerate(ended, 1)
        if not one.own
        for flaw in flaws(shape, kept_to(request, subject), separated=one.separated)
        if not (subject.places and flaw is Flaw.DOUBLED)
    ]


def kept_to(request: Request, subject: Subject) -> Box | None:
    """The box whose size a subject should have: what is only shifted keeps its own."""
    settings = request.settings
    if settings.moving == "transplanted" and subject.moves:
        return None
    if subject.places or (settings.placement == "none" and not subject.moves):
        return None
    return subject.moves[-1] if subject.moves else subject.box


def holding(subjects: Sequence[StageResult], layers: Sequence[Floats]) -> list[StageResult]:
    """Subjects with their layers [H, W, 4]."""
    return [
        replace(one, seedling=replace(one.seedling, layer=tensor_of(layer)[0].contiguous()))
        for one, layer in zip(subjects, layers, strict=True)
    ]


def array_of(layer: Tensor) -> Floats:
    """[C, H, W] as an array [H, W, C]."""
    return picture_of(layer[None])


def tensor_of(picture: Floats) -> Tensor:
    """An array [H, W, C] as a batch of one, [1, C, H, W]."""
    return torch.from_numpy(picture).permute(2, 0, 1)[None]


def as_output(pictures: Tensor, output_type: str) -> Any:
    """[1, C, H, W] in [0, 1] as one PIL image, [H, W, C] array or [C, H, W] tensor."""
    if output_type == "pt":
        return pictures[0]
    array = pictures[0].permute(1, 2, 0).cpu().numpy()
    return array if output_type == "np" else numpy_to_pil(array)[0]


def as_tensor(picture: Any) -> Tensor:
    """What :func:`as_output` made, as it was: [1, C, H, W] in [0, 1]."""
    if isinstance(picture, torch.Tensor):
        return picture[None]
    array = np.asarray(picture)
    return tensor_of(array.astype(np.float32)) / (255 if array.dtype == np.uint8 else 1)


def require_known_outputs(output_type: str, tensor_inputs: Sequence[str]) -> None:
    """Make sure that a call's results, and what a callback is handed, are of a known kind.

    Raises:
        TaueError: if not.
    """
    if output_type not in OUTPUT_TYPES:
        raise TaueError(f"output_type is {output_type!r}; choose one of {', '.join(OUTPUT_TYPES)}.")
    if unknown := set(tensor_inputs) - {"latents"}:
        raise TaueError(
            f"callback_on_step_end_tensor_inputs has {sorted(unknown)}; "
            'only "latents" can be handed to a callback.'
        )
