"""What the stages of one generation share, what a subject is grown from, what a stage ends with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from taue.backbones import Backbone, Conditioning, Encoded
from taue.box import Box
from taue.cultivate import cultivate
from taue.effort import Effort
from taue.flaws import Flaw
from taue.noise import NoiseSource, seed_of
from taue.rows import Harvest, Observer, Row
from taue.seedling import Seedling
from taue.settings import Settings
from taue.stack.mixing import Floats
from taue.window import Window

Passes = Callable[[Backbone, Sequence[Row], Settings, Observer], list[Harvest]]
"""What makes a pass: :func:`taue.cultivate.cultivate`, or :func:`taue.in_step.beside_others`."""


@dataclass(frozen=True)
class Context:
    """What all stages of one call share.

    Attributes:
        effort: what each stage takes of the steps, if not as the settings say.
    """

    backbone: Backbone
    settings: Settings
    source: NoiseSource
    observe: Observer
    passes: Passes = cultivate
    effort: Effort | None = None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of one row's latents, (1, C, h, w)."""
        return self.backbone.shape

    def picture(self, latents: Tensor) -> Floats:
        """Scaled latents [1, C, h, w] decoded, RGB [H, W, 3] in [0, 1]."""
        return picture_of(self.backbone.decode(latents))

    def noise_of(self, condition: SubjectCondition) -> NoiseSource:
        """What a subject's own noise derives from."""
        return self.source if condition.seed is None else NoiseSource(seed_of(condition.seed))

    def conditioning(
        self,
        prompts: Sequence[Encoded],
        whole: Encoded,
        scale: float,
        regions: Sequence[Tensor] | None = None,
    ) -> Conditioning:
        """What a row is conditioned on: one prompt everywhere, or one for each region [h, w]."""
        masks = None if regions is None else torch.stack(list(regions))
        return Conditioning(tuple(prompts), whole, scale, masks, self.settings.guidance_rescale)

    def within(self, window: Window) -> Context:
        """The same on a part of the canvas."""
        return replace(self, backbone=self.backbone.windowed(window))

    def steps(self, stage: str) -> int:
        """Of a stage's schedule."""
        effort = self.settings.effort if self.effort is None else self.effort
        return effort.steps(stage, self.settings.num_inference_steps)

    @property
    def alone(self) -> Context:
        """For a scene that is drawn for the sake of one subject's layer."""
        return self._composing(self.settings.effort.alone)

    @property
    def again(self) -> Context:
        """For a scene whose subjects have their layers from another one."""
        return self._composing(self.settings.effort.again)

    def _composing(self, share: float) -> Context:
        """The same, but for the composite's share of the steps."""
        return replace(self, effort=replace(self.settings.effort, composite=share))

    def cultivate(self, rows: Sequence[Row]) -> list[Harvest]:
        """One pass of these rows."""
        return self.passes(self.backbone, rows, self.settings, self.observe)


@dataclass(frozen=True)
class Start:
    """What a composite begins from: scaled latents [1, C, h, w], free of noise, as a crop ratio the
    step at which it does, and the noise that is on them then, if that is not to be drawn."""

    latents: Tensor
    begin: float
    noise: Tensor | None = None


@dataclass(frozen=True)
class Key:
    """A key colour as RGB in [0, 1] and as scaled latents [C]."""

    rgb: tuple[float, float, float]
    latents: tuple[float, ...]


@dataclass(frozen=True)
class KeyChoice:
    """The key colour that is used and the one that may take its place."""

    used: Key
    other: Key


@dataclass(frozen=True)
class SubjectCondition:
    """What a subject is grown from.

    Attributes:
        number: 1-based, of the subject; its noise depends on it alone.
        prompt: encoded, one.
        key: the key colour as scaled latents [C].
        box: where it goes.
        fits: whether it is brought into the box; if not, the layout only suggests the place.
        crop_ratio: when its seedling is harvested.
        asked: whether the box was asked for.
        released: what its region attends to in place of the whole scene's prompt: of several the
            scene with this one alone; with its own negative prompt. None for the whole scene's.
        seed: of its own noise, if that is not the scene's.
        choice: the key's colour and the one that may take its place; None if the key was chosen.
        harmony: how soon it may leave its foreground's look, if not as the settings say.
        small: where it goes, if there is no room to draw it there (see :mod:`taue.small`); ``box``
            is then where it grows.
    """

    number: int
    prompt: Encoded
    key: tuple[float, ...]
    box: Box
    fits: bool
    crop_ratio: float
    asked: bool = False
    released: Encoded | None = None
    seed: int | None = None
    choice: KeyChoice | None = None
    harmony: float | None = None
    small: Box | None = None

    @property
    def on_other_key(self) -> SubjectCondition:
        """The same on the other key, if there is a choice."""
        if self.choice is None:
            return self
        used, other = self.choice.used, self.choice.other
        return replace(self, key=other.latents, choice=KeyChoice(used=other, other=used))


@dataclass(frozen=True)
class StageResult:
    """A stage's end: scaled latents [1, C, h, w], what to plant next, samples sent through the
    network, what is or was wrong with a foreground's object on the way, whether the object that
    can be planted could be told from its key colour, whether the stage was cut short, whether it
    is a user's own picture that was never drawn, what it decodes to [H, W, 3] if that was seen
    already, and of a foreground that ended before it came into its box what it is to go on from
    there with."""

    latents: Tensor
    seedling: Seedling
    evaluations: int
    flaws: tuple[Flaw, ...] = ()
    separated: bool = True
    interrupted: bool = False
    own: bool = False
    picture: Floats | None = None
    unplaced: SubjectCondition | None = None

    @property
    def pictured(self) -> bool:
        """Whether a picture is planted, a user's own or one of what was drawn elsewhere: its layer
        is that picture, whatever the composite makes of it."""
        return self.own or self.seedling.drawn is not None


def picture_of(decoded: Tensor) -> Floats:
    """[1, 3, H, W] as an array [H, W, 3]."""
    return decoded[0].permute(1, 2, 0).cpu().numpy().astype(np.float32)
