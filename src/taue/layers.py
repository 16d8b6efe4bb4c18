"""What comes out: subjects as RGBA, the background, the composite, and how they were made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from diffusers.utils import BaseOutput

from taue.box import Box
from taue.seedling import Seedling
from taue.subject import Subject


@dataclass(frozen=True)
class SubjectLayer:
    """One subject on the whole canvas.

    ``image`` is RGBA with straight alpha: a PIL image, [H, W, 4] in [0, 1] for ``"np"``,
    [4, H, W] for ``"pt"``; with ``"latent"`` the foreground's latents [1, 4, h, w], which have
    no alpha yet.
    """

    subject: Subject
    image: Any


@dataclass(frozen=True)
class StageRecord:
    """What one stage cost: its name, its subjects' numbers (1-based, none for the scene's
    stages), wall-clock seconds and UNet evaluations (samples through the UNet)."""

    stage: str
    subjects: tuple[int, ...]
    seconds: float
    unet_evaluations: int


@dataclass
class Layers(BaseOutput):
    """The result of one call of ``TauePipeline``.

    ``composite`` and ``background`` are RGB images of the call's ``output_type``. The rest is for
    researchers, one entry per subject: ``foregrounds`` (the raw foreground stage, on the key
    colour as it was painted), ``masks`` (float [h, w] on the latent grid, 1 = object),
    ``attention_maps`` (float [h, w] in [0, 1]) and ``seedlings``.
    """

    composite: Any
    background: Any
    subjects: list[SubjectLayer]
    foregrounds: list[Any]
    masks: list[Any]
    attention_maps: list[Any]
    seedlings: list[Seedling]
    records: list[StageRecord] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def rebackground(self, pipe: Any, background: str, **options: Any) -> Layers:
        """The same objects before another background, without the foreground stage.

        Args:
            pipe: the ``TauePipeline`` that made them.
            background: the new background's prompt.
            options: those of :meth:`taue.TauePipeline.regrow`, such as ``boxes``.
        """
        return pipe.regrow(self, background=background, **options)

    def move(self, pipe: Any, subject: int, box: Box, **options: Any) -> Layers:
        """One subject moved and scaled into a box, with composite and background regrown.

        Args:
            pipe: the ``TauePipeline`` that made the layers.
            subject: its number, from 1.
            box: where it goes; it keeps its shape.
            options: those of :meth:`taue.TauePipeline.regrow`.
        """
        return pipe.regrow(self, boxes={subject: box}, **options)
