"""What comes out: subjects as RGBA, the background, the composite, and how they were made."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from diffusers.utils import BaseOutput

from taue.arrays import Bytes
from taue.box import Box
from taue.errors import TaueError
from taue.finite import require_finite
from taue.scene import Request, Scene, Subject
from taue.scene.subject import layer_stems
from taue.seedling import Seedling
from taue.stack import Pictures, Stack, stack_of


@dataclass(frozen=True)
class SubjectLayer:
    """One subject on the whole canvas.

    ``image`` is RGBA with straight alpha: a PIL image, [H, W, 4] in [0, 1] for ``"np"``,
    [4, H, W] for ``"pt"``; with ``"latent"`` the foreground's latents [1, C, h, w], which have
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

    ``composite`` and ``background`` are RGB images of the call's ``output_type``; ``effects``, one
    for each subject, are RGBA like it: black with alpha, the light that it takes from the
    background. Effects and subjects laid over the background are the composite.

    The rest is for researchers. One entry per subject: ``foregrounds`` (the raw foreground stage,
    on the key colour as it was painted), ``cuts`` (those cut out, RGBA), ``refined`` (the same
    object grown once more beside the composite, from which the subject was cut), ``sources`` (the
    stage of that, "refine" or "foreground"; empty if subjects kept the layers that they had),
    ``masks`` (float [h, w] on the latent grid, 1 = object), ``attention_maps`` (float [h, w] in [0,
    1]) and ``seedlings``. ``raw_composite`` is the composite's stage as it ended, ``healed`` the
    picture with which the model stands behind the layers. With ``layering="difference"`` and for
    latents ``effects``, ``cuts`` and ``refined`` are empty, and these two None.

    ``scene`` is what was asked for, on the canvas that was used: the :class:`taue.Scene`, if one
    was made. ``noise_seed`` is the number that all noise derives from, ``scheduler`` the class that
    was used.
    """

    composite: Any
    background: Any
    subjects: list[SubjectLayer]
    foregrounds: list[Any]
    masks: list[Any]
    attention_maps: list[Any]
    seedlings: list[Seedling]
    scene: Request
    noise_seed: int
    scheduler: str = ""
    effects: list[Any] = field(default_factory=list)
    cuts: list[Any] = field(default_factory=list)
    refined: list[Any] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    raw_composite: Any = None
    healed: Any = None
    records: list[StageRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Layers:
        """Read a result folder, with PIL images.

        Raises:
            TaueError: if it is none, or one of its files is missing, broken or too large.
        """
        from taue.files.saved import read_parts

        parts = read_parts(folder)
        pairs = zip(parts["scene"].subjects, parts["subjects"], strict=True)
        return cls(**{**parts, "subjects": [SubjectLayer(*pair) for pair in pairs]})

    @property
    def settings(self) -> dict[str, Any]:
        """What the layers were made with, as plain values, as a report tells it."""
        used = {"noise_seed": self.noise_seed, "scheduler": self.scheduler}
        return {**self.scene.to_dict(), **used}

    @property
    def made_scene(self) -> Scene:
        """The scene that was made.

        Raises:
            TaueError: if it was a call of a pipeline, which names no model and no seed.
        """
        if not isinstance(self.scene, Scene):
            raise TaueError(
                "scene names no model and no seed; make the layers with taue.run.make, or add them "
                "with Scene.making."
            )
        return self.scene

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

    def stack(self, mode: str = "exact") -> Stack:
        """The layers in order, 8-bit, ready to be saved or flattened.

        Args:
            mode: "exact" for layers whose source-over is the composite, at most 1/255 off; "raw"
                for the stages untouched: the background and the foregrounds cut out.

        Raises:
            TaueError: if there is no such mode, or these layers are latents.
        """
        subjects = [layer.subject for layer in self.subjects]
        return stack_of(
            Pictures(
                composite=as_bytes(self.composite),
                background=as_bytes(self.background),
                subjects=tuple(as_bytes(layer.image) for layer in self.subjects),
                names=tuple(subject.name or subject.prompt for subject in subjects),
                effects=tuple(as_bytes(effect) for effect in self.effects),
                cuts=tuple(as_bytes(cut) for cut in self.cuts),
                stems=tuple(layer_stems(subjects)),
            ),
            mode,
        )

    def save(self, path: str | os.PathLike[str], mode: str = "exact") -> Path:
        """Write the stack: ``x.psd``, ``x.ora``, a folder ``x`` of PNG, ``x.webp`` of WebP files.

        A file replaces an older one at once and whole; a folder must not exist yet.

        Raises:
            TaueError: if the ending is not known or the path cannot be written.
        """
        from taue.files.layered import check_ending, save

        check_ending(path)
        return save(self.stack(mode), path)


def as_bytes(image: Any) -> Bytes:
    """A picture of any ``output_type`` but "latent" as uint8 [H, W, C]."""
    if hasattr(image, "detach"):
        if image.ndim != 3:
            raise TaueError(
                'output_type is "latent"; layers to be stacked need "pil", "np" or "pt".'
            )
        image = image.detach().float().cpu().permute(1, 2, 0).numpy()
    pixels = np.asarray(image)
    if pixels.dtype == np.uint8:
        return pixels
    require_finite(pixels, "a layer")
    return (pixels * 255).round().clip(0, 255).astype(np.uint8)
