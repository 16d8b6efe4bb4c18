"""A generation: one request from prompts, or from the seedlings of an earlier one, to layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from taue import layering, own_stages, stages
from taue.backbones import Backbone
from taue.backbones.given import Embeds
from taue.box import Box
from taue.conditions import Conditions, SceneConditions
from taue.context import Passes, StageResult
from taue.cultivate import cultivate
from taue.drawing import DrawnScene, SceneDrawer, SceneInputs
from taue.errors import TaueError
from taue.layers import Layers, StageRecord, SubjectLayer
from taue.masks import find_harvested
from taue.memo import Memo
from taue.noise import NoiseSource
from taue.objections import without_objections
from taue.outputs import INTERRUPTED, array_of, as_output, holding, tensor_of, warnings_of
from taue.own_inputs import OwnInputs
from taue.placing import Placement
from taue.scene import Request
from taue.seedling import Seedling
from taue.shifting import Shift, in_places, shifted
from taue.small import drawn_elsewhere, pictured
from taue.stack.mixing import Floats
from taue.watch import StageWatch, recorded


class Generation:
    """Prompts encoded once, then subjects, composite, background and layers, in that order.

    Args:
        backbone: the model, on the request's canvas.
        request: what is to be grown, on that canvas.
        noise_seed: the number that all noise derives from (see :class:`taue.noise.NoiseSource`).
        watch: told of every step.
        embeds: prompts of the request that come encoded.
        memo: of what other scenes of the model have in common with this one.
        passes: what makes its passes.

    Raises:
        TaueError: on construction, if the model's scheduler or the request cannot be used.
    """

    def __init__(
        self,
        backbone: Backbone,
        request: Request,
        noise_seed: int,
        watch: StageWatch,
        embeds: Embeds | None = None,
        memo: Memo | None = None,
        passes: Passes = cultivate,
    ) -> None:
        self.memo = Memo() if memo is None else memo
        self.settings = settings = request.settings
        self.backbone, self.request, self.watch = backbone, request, watch
        scheduler = backbone.new_scheduler(settings.num_inference_steps)
        self.scheduler = type(scheduler).__name__
        self._schedule = repr(sorted(scheduler.config.items()))
        source = NoiseSource(noise_seed)
        self.context = stages.Context(backbone, settings, source, watch, passes)
        self.own = OwnInputs(self.context, request)
        self._conditions = Conditions(
            backbone, request, {} if embeds is None else embeds, self.memo
        )
        self.conditions = self._conditions.scene.subjects
        self.records: list[StageRecord] = []
        self.drawing = self._drawer(self.context)
        self.changed = request.first != request

    def subjects(self, output_type: str) -> list[StageResult]:
        """Stage 1, one batch for each crop ratio; and before anything moves or goes before another
        background, the layers of what grew."""
        results: dict[int, StageResult] = {}
        for numbers in self.request.batches:
            batch = [self.conditions[number - 1] for number in numbers]
            with recorded(self.records, "foreground", numbers) as made:
                made.extend(self._begun(batch))
            results |= zip(numbers, made, strict=True)
        mine = [condition for condition in self.conditions if condition.number in self.own]
        results |= {condition.number: self.own.first(condition) for condition in mine}
        subjects = self.request.subjects
        begun = [
            one if condition.small is None else self._small(condition, one, output_type)
            for condition in self.conditions
            for one in (results[condition.number],)
        ]
        if self.changed and self._layers_first(output_type):
            begun = self._with_layers(begun)
        return [
            self.own.subject(condition)
            if one.own
            else self._in_places(self._moved(condition, one, subject.moves), subject.places)
            for condition, one, subject in zip(self.conditions, begun, subjects, strict=True)
        ]

    def _small(
        self, condition: stages.SubjectCondition, one: StageResult, output_type: str
    ) -> StageResult:
        """A subject that grew where it had room, brought into its small box: with the layer that a
        scene of its own makes of it, if layers are made."""
        assert condition.small is not None
        if self._layers_first(output_type) and not one.interrupted:
            alone = self._first_inputs(self._conditions.alone(condition))
            drawer = self._drawer(self.context.alone)
            drawn = drawer.drawn(alone, [one])
            scene = self._staged(drawer.context, alone.conditions, [one], drawn)
            made = layering.subject_layers(scene, drawn.raw, drawn.cuts, self.records).layers
            [one] = holding([one], made)
        return self._moved(condition, one, (condition.small,))

    def _begun(self, batch: Sequence[stages.SubjectCondition]) -> Sequence[StageResult]:
        """Stage 1 of a batch, unless another scene has the same subjects in the same noise."""
        context = self.context
        told = [(replace(one, released=None), context.noise_of(one).base) for one in batch]
        key = (tuple(told), self.settings, context.shape, self.scheduler, self._schedule)
        return self.memo.grown(
            key, lambda: stages.foregrounds(context, batch), lambda: context.cultivate([])
        )

    def subjects_again(
        self, seedlings: Sequence[Seedling], moves: Mapping[int, Box]
    ) -> list[StageResult]:
        """What grew before, without its stage; those in ``moves`` (number: box) move on.

        Raises:
            TaueError: if a seedling does not fit the canvas or does not know how it ended.
        """
        results: list[StageResult] = []
        for condition, seedling in zip(self.conditions, seedlings, strict=True):
            seedling.require_family(self.backbone.family, f"seedling {condition.number}")
            if seedling.final is None or seedling.denoised.shape != self.context.shape:
                raise TaueError(
                    f"seedling {condition.number} is not of this canvas and model; "
                    "use the model and size that it was made with."
                )
            if condition.number in self.own:
                results.append(self.own.subject(condition))
                continue
            final = seedling.final.to(self.backbone.device)
            kept = StageResult(final, seedling, 0, separated=self._separated(seedling))
            box = moves.get(condition.number)
            results.append(self._moved(condition, kept, () if box is None else (box,)))
        return results

    def _separated(self, seedling: Seedling) -> bool:
        """Whether a subject could be told from its key colour, from how it ended."""
        if seedling.drawn is not None:  # no key is around it that it could be told from
            return True
        return find_harvested(seedling.estimate, seedling.attention, self.settings).separated

    def _moved(
        self, condition: stages.SubjectCondition, results: StageResult, boxes: Sequence[Box]
    ) -> StageResult:
        """A subject that grew, brought into one box after another; from a box too small to draw in
        on as a picture, each time from where it had room."""
        for box in boxes:
            drawn = drawn_elsewhere(results.seedling, box)
            if drawn is not None and self.settings.moving != "transplanted":
                planted = pictured(self.context, condition, drawn, box)
                results = replace(
                    planted,
                    flaws=results.flaws,
                    separated=results.separated,
                    evaluations=results.evaluations,
                )
                continue
            found = stages.object_box(results.seedling, self.settings)
            if self.settings.moving == "transplanted":
                shift = Shift.bringing(found, box, self._grid)
                results = self._showing(results, shifted(results.seedling, shift))
                continue
            placement = Placement.fit(found, box)
            with recorded(self.records, "foreground", [condition.number]) as made:
                again = stages.regrown(self.context, [condition], [results.seedling], [placement])
                made.extend(again)
            layer = results.seedling.layer
            layer = None if layer is None else layering.brought(layer, box)
            results = replace(again[0], seedling=replace(again[0].seedling, layer=layer))
        if (boxes or condition.asked) and not (results.interrupted or results.pictured):
            stages.object_box(results.seedling, self.settings)  # it can be moved again
        return results

    def _in_places(self, one: StageResult, places: Sequence[Box]) -> StageResult:
        """A subject where it is and, its seedling shifted, in further places."""
        if not places or one.interrupted:
            return one
        found = self._object_box(one)
        shifts = [Shift.bringing(found, box, self._grid) for box in places]
        return self._showing(one, in_places(one.seedling, shifts))

    def _object_box(self, one: StageResult) -> Box:
        if one.pictured:
            return own_stages.planted_box(one.seedling)
        return stages.object_box(one.seedling, self.settings)

    @property
    def _grid(self) -> tuple[int, int]:
        return self.context.shape[-2:]

    def _showing(self, one: StageResult, seedling: Seedling) -> StageResult:
        """A foreground that ended as its seedling, shifted, tells."""
        final = one.latents if seedling.final is None else seedling.final.to(one.latents.device)
        return replace(one, seedling=seedling, latents=final)

    def _drawer(self, context: stages.Context) -> SceneDrawer:
        return SceneDrawer(context, self.watch, self.records)

    def _layers_first(self, output_type: str) -> bool:
        return self.settings.layering == "first" and output_type != "latent"

    def _first_inputs(self, conditions: SceneConditions) -> SceneInputs:
        """What the subjects' layers are made in."""
        return SceneInputs(conditions, self.own.first_ground, self.own.first_start)

    def _with_layers(self, subjects: list[StageResult]) -> list[StageResult]:
        """Subjects with the layers that their first scene makes of them; pictures have theirs."""
        if all(one.pictured for one in subjects):
            return subjects
        before = self._first_inputs(self._conditions.first)
        drawn = self.drawing.drawn(before, subjects)
        scene = self._staged(self.context, before.conditions, subjects, drawn)
        own = layering.subject_layers(scene, drawn.raw, drawn.cuts, self.records)
        return holding(subjects, own.layers)

    def _staged(
        self,
        context: stages.Context,
        conditions: SceneConditions,
        subjects: Sequence[StageResult],
        drawn: DrawnScene,
    ) -> layering.StagedScene:
        together, behind = drawn.together, drawn.behind
        return layering.StagedScene(
            context, conditions.subjects, subjects, together, behind, conditions.whole
        )

    def layers(self, subjects: list[StageResult], output_type: str) -> Layers:
        """Stages 2 and 3, what they ended with decoded, and the layers of it."""
        asked = SceneInputs(self._conditions.scene, self.own.ground, self.own.start)
        drawing = self._drawer(self.context.again) if self.changed else self.drawing
        if output_type == "latent":
            layers = self._latent(subjects, *drawing.together(asked, subjects))
            shapes = [one.seedling.mask.numpy() for one in subjects]
        else:
            layers, shapes = self._shown(subjects, drawing.drawn(asked, subjects), output_type)
        layers.records = self.records
        layers.warnings = (
            [INTERRUPTED] if self.watch.interrupted else warnings_of(self.request, subjects, shapes)
        )
        return layers if output_type == "latent" else without_objections(layers, self.backbone)

    def _latent(
        self,
        subjects: Sequence[StageResult],
        together: StageResult,
        behind: StageResult,
    ) -> Layers:
        """The three stages as they ended, not decoded: layers are made of pictures."""
        ends = [one.latents for one in subjects]
        return self._harvested(subjects, together.latents, behind.latents, ends, ends)

    def _shown(
        self,
        subjects: Sequence[StageResult],
        drawn: DrawnScene,
        output_type: str,
    ) -> tuple[Layers, list[Floats]]:
        """The three stages decoded and cut out, and the layers made from them; with the subjects'
        alphas [H, W]."""
        raw, cuts = drawn.raw, drawn.cuts

        def shown(picture: Floats) -> Any:
            return as_output(self.backbone.marked(tensor_of(picture)), output_type)

        def bare(picture: Floats) -> Any:
            return as_output(tensor_of(picture), output_type)

        layers = self._harvested(
            subjects,
            shown(raw.composite),
            bare(raw.ground),
            [bare(cut) for cut in cuts],
            [shown(picture) for picture in raw.foregrounds],
        )
        if not self._layers_first(output_type):
            return layers, [cut[..., 3] for cut in cuts]
        scene = self._staged(self.context, self._conditions.scene, subjects, drawn)
        if any(one.seedling.layer is None for one in subjects):
            own = layering.subject_layers(scene, raw, cuts, self.records)
            layers.refined = [shown(picture) for picture in own.pictures]
            layers.sources = own.sources
            subjects = holding(subjects, own.layers)
        layers.seedlings = [one.seedling for one in subjects]
        kept = [array_of(layer) for s in layers.seedlings if (layer := s.layer) is not None]
        made = layering.scene_layers(scene, raw, kept, self.records)
        layers.cuts = [layer.image for layer in layers.subjects]
        layers.raw_composite, layers.composite = layers.composite, bare(made.composite)
        layers.healed = shown(made.healed)
        layers.effects = [bare(effect) for effect in made.effects]
        layers.subjects = [
            SubjectLayer(subject, bare(image))
            for subject, image in zip(self.request.subjects, made.subjects, strict=True)
        ]
        return layers, [subject[..., 3] for subject in made.subjects]

    def _harvested(
        self,
        subjects: Sequence[StageResult],
        composite: Any,
        background: Any,
        images: Sequence[Any],
        foregrounds: Sequence[Any],
    ) -> Layers:
        seedlings = [one.seedling for one in subjects]
        asked = self.request.subjects
        return Layers(
            composite=composite,
            background=background,
            subjects=[SubjectLayer(s, i) for s, i in zip(asked, images, strict=True)],
            foregrounds=list(foregrounds),
            masks=[s.mask for s in seedlings],
            attention_maps=[s.attention for s in seedlings],
            seedlings=seedlings,
            scene=self.request,
            noise_seed=self.context.source.base,
            scheduler=self.scheduler,
        )
