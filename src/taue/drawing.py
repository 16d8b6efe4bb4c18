"""Stages 2 and 3 and their pictures: a scene around its subjects, drawn again if it lost one."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from torch import Tensor

from taue import beside, layering, own_pictures, own_stages, stages
from taue.conditions import SceneConditions
from taue.context import Context, StageResult, Start, picture_of
from taue.finish import goes_on, next_begin
from taue.layers import StageRecord
from taue.lost import lost
from taue.outputs import array_of
from taue.stack.mixing import Floats
from taue.watch import StageWatch, recorded

HELD = 0.2
"""The harmony, as a share of the one that is asked for, with which a subject is held that the
composite lost: its object is settled by then, and the scene's light can still fall on it."""

FOR_EACH_OTHER, CROWDED = 0.2, 0.4
"""By so much less each of several subjects is let go for every other one, down to so much: the more
there are, the more of them a composite loses, to another's shape or colours. What it loses of a
crowd it loses however long that is held."""


def let_go(count: int) -> float:
    """As a share of the harmony, how soon each of so many subjects is let go."""
    return max(CROWDED, 1 - FOR_EACH_OTHER * (count - 1))


@dataclass(frozen=True)
class SceneInputs:
    """What a scene is drawn from besides its subjects: its prompts, what is behind [3, H, W] in
    [0, 1] if that is a user's own picture, and what the composite begins from; None for noise."""

    conditions: SceneConditions
    ground: Tensor | None
    start: Start | None


@dataclass(frozen=True)
class DrawnScene:
    """Composite and background as their stages ended, and in pictures with the foregrounds cut
    out, RGBA [H, W, 4] in [0, 1]."""

    together: StageResult
    behind: StageResult
    raw: layering.Raw
    cuts: tuple[Floats, ...]


class SceneDrawer:
    """Draws scenes.

    Args:
        context: of the call.
        watch: of it.
        records: what each stage cost is added to them.
    """

    def __init__(self, context: Context, watch: StageWatch, records: list[StageRecord]) -> None:
        self.context, self.watch, self.records = context, watch, records

    def drawn(self, inputs: SceneInputs, subjects: Sequence[StageResult]) -> DrawnScene:
        """Stages 2 and 3, and their pictures. If the composite lost subjects, it is finished once
        more, with these held for longer, but for a crowd, which is; what lost fewer counts."""
        share = let_go(len(subjects)) if self.context.settings.layering == "first" else 1.0
        inputs = self._held(inputs, share, [one.number for one in inputs.conditions.subjects])
        ends = self.together(inputs, subjects)
        with self._decoding():
            foregrounds = self._foregrounds(subjects)
            cuts = layering.cut_outs(foregrounds, subjects)
            first = DrawnScene(*ends, self._raw(foregrounds, *ends, inputs.ground), cuts)
        gone = self._lost(first, inputs, subjects)
        if not gone or share <= CROWDED:
            return first
        ends = self._finished_again(self._held(inputs, HELD, gone), subjects, *ends)
        with self._decoding():
            again = DrawnScene(*ends, self._raw(foregrounds, *ends, inputs.ground), cuts)
        return again if len(self._lost(again, inputs, subjects)) < len(gone) else first

    def _held(self, inputs: SceneInputs, share: float, numbers: Collection[int]) -> SceneInputs:
        """The same, with subjects of these numbers let go at such a share of the harmony."""
        harmony = share * self.context.settings.harmony
        return replace(inputs, conditions=inputs.conditions.with_harmony(harmony, numbers))

    def together(
        self, inputs: SceneInputs, subjects: Sequence[StageResult]
    ) -> tuple[StageResult, StageResult]:
        """Stages 2 and 3: the composite, and the background or the user's own picture of it."""
        context, ground = self.context, inputs.ground
        if ground is not None:
            there = own_stages.own_background(context, ground)
            return self._composite(inputs, subjects, there), there
        if inputs.start is None and beside.go_on_together(context):
            scene = inputs.conditions
            row = context, scene.subjects, scene.background, scene.whole, subjects
            return beside.composite_and_background(*row, self.records)
        together = self._composite(inputs, subjects)
        with recorded(self.records, "background") as made:
            made.append(stages.background(context, inputs.conditions.background, together.seedling))
        return together, made[0]

    def _composite(
        self,
        inputs: SceneInputs,
        subjects: Sequence[StageResult],
        picture: StageResult | None = None,
    ) -> StageResult:
        """Stage 2: before a background that is to be drawn, or into a user's own picture."""
        scene, start = inputs.conditions, inputs.start
        row = self.context, scene.subjects, scene.background, scene.whole, subjects
        with recorded(self.records, "composite") as made:
            made.append(
                stages.composite(*row, start)
                if picture is None
                else own_stages.composite_into(*row, picture, start)
            )
        return made[0]

    def _finished_again(
        self,
        inputs: SceneInputs,
        subjects: Sequence[StageResult],
        together: StageResult,
        behind: StageResult,
    ) -> tuple[StageResult, StageResult]:
        """Stage 2 from its harvest step on, under another harmony, which acts from there on alone;
        what the background repeats of the composite stays, and so does the background."""
        steps, ratio = self.context.steps("composite"), self.context.settings.crop_ratio
        earlier = any(one.crop_ratio < ratio for one in inputs.conditions.subjects)
        if earlier or not goes_on(steps, ratio):
            return self.together(inputs, subjects)
        harvested = together.seedling
        start = Start(harvested.denoised, next_begin(steps, ratio), harvested.noise)
        picture = None if inputs.ground is None else behind
        again = self._composite(replace(inputs, start=start), subjects, picture)
        final = again.latents.cpu()
        return replace(again, seedling=replace(harvested, final=final)), behind

    def _lost(
        self, drawn: DrawnScene, inputs: SceneInputs, subjects: Sequence[StageResult]
    ) -> set[int]:
        """Numbers of the subjects that a composite lost, if it is ours to try again."""
        settings = self.context.settings
        ours = settings.layering == "first" and settings.tries > 1 and settings.harmony > 0
        if not ours or self.watch.interrupted:
            return set()
        raw = drawn.raw
        gone = lost(drawn.cuts, raw.composite, raw.background)
        return {
            condition.number
            for condition, one, is_gone in zip(
                inputs.conditions.subjects, subjects, gone, strict=True
            )
            if is_gone and one.separated and not one.pictured and one.seedling.final is not None
        }

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.records.append(StageRecord("decode", (), time.perf_counter() - started, 0))

    def _foregrounds(self, subjects: Sequence[StageResult]) -> tuple[Floats, ...]:
        """Stage 1 decoded; pictures as they are, on their key colours."""
        return tuple(
            own_pictures.on_key(array_of(one.seedling.layer))
            if one.pictured and one.seedling.layer is not None
            else (self.context.picture(one.latents) if one.picture is None else one.picture)
            for one in subjects
        )

    def _raw(
        self,
        foregrounds: tuple[Floats, ...],
        together: StageResult,
        behind: StageResult,
        ground: Tensor | None,
    ) -> layering.Raw:
        """The other two stages decoded, beside the foregrounds."""
        composite = self.context.picture(together.latents)
        decoded = self.context.backbone.decode(behind.latents)
        # What every layer's composite is laid over is marked already; a user's own
        # picture none.
        decoded = decoded if behind.own else self.context.backbone.marked(decoded)
        background = picture_of(decoded)
        laid_over = background if ground is None else picture_of(ground[None])
        return layering.Raw(composite, background, foregrounds, laid_over)
