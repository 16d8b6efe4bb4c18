"""``TauePipeline``: pipelines of diffusers whose call returns layers, one for each family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import torch
from diffusers import (
    Flux2KleinPipeline,
    FluxPipeline,
    PixArtSigmaPipeline,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    ZImagePipeline,
)

from taue.admission import admit
from taue.alone import alone
from taue.backbones import Backbone
from taue.backbones.flux import FluxBackbone
from taue.backbones.given import Embeds
from taue.backbones.klein import KleinBackbone
from taue.backbones.pixart import PixArtBackbone
from taue.backbones.sd3 import SD3Backbone
from taue.backbones.sd15 import SD15Backbone
from taue.backbones.sdxl import SDXLBackbone
from taue.backbones.zimage import ZImageBackbone
from taue.bounds import MOST_RESULTS
from taue.box import Box
from taue.families import FAMILIES, FLUX, KLEIN, PIXART, SD3, SD15, SDXL, ZIMAGE
from taue.frugal import Frugal
from taue.generation import Generation
from taue.in_step import beside_others, in_step
from taue.layers import Layers
from taue.loading import Loading
from taue.memo import Memo
from taue.memory import running_out_said
from taue.noise import drawn_seed
from taue.outputs import require_known_outputs
from taue.precision import own_precision
from taue.scene import Request, Subject
from taue.settings import Settings
from taue.several import Generators, init_of, require_one, require_scenes, seeded
from taue.together import default_size, made_in_batches, require_size
from taue.watch import StageWatch, StepCallback


class TauePipeline(Frugal, Loading):
    """Layered generation with any checkpoint of a known family (TAUE, arXiv 2511.02580).

    ``TauePipeline.from_pretrained``, ``from_single_file`` and ``from_pipe`` give the pipeline of
    the model's family: a ``TauePipeline`` and the family's own of diffusers in one. Everything but
    the call is diffusers': ``.to()``, offloading, LoRA, schedulers. What memory it takes is said by
    :meth:`enable_low_memory`.

    Attributes:
        family, base: see :class:`taue.loading.Loading`.
        backbone_class: how the method sees the family.
    """

    backbone_class: ClassVar[Any]

    @property
    def network(self) -> Any:
        """The part that denoises."""
        return getattr(self, FAMILIES[self.family].network)

    @property
    def default_batch(self) -> int:
        """Results that grow as one batch at most where nobody says."""
        return 1 if self.saves_memory else default_size(self._execution_device.type)

    @property
    def interrupt(self) -> bool:
        """Whether a callback asked for an end, as in diffusers."""
        return self._interrupt

    def backbone(
        self,
        height: int | None = None,
        width: int | None = None,
        attention_kwargs: dict[str, Any] | None = None,
    ) -> Backbone:
        """The model on a canvas, as the method sees it; its own size where None.

        Raises:
            TaueError: if there is no such canvas.
        """
        return self.backbone_class(self, height, width, attention_kwargs)

    @torch.no_grad()
    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        subjects: Sequence[Subject | str] | None = None,
        background: str | None = None,
        scene: str | None = None,
        first_background: str | None = None,
        first_scene: str | None = None,
        background_image: Any = None,
        image: Any = None,
        strength: float | None = None,
        prompt_embeds: Embeds | None = None,
        num_images_per_prompt: int = 1,
        scenes: Sequence[Request] | None = None,
        batch_size: int | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        foreground_guidance_scale: float | None = None,
        crop_ratio: float | None = None,
        key: str | None = None,
        negative_prompt: str | None = None,
        generator: Generators = None,
        settings: Settings | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        callback_on_step_end: StepCallback | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> Any:
        """Make each subject, the background and their composite.

        Args:
            subjects: what stands in front, later ones nearer; at least one. Each has noise of
                its own, so adding one changes no other foreground, if they have boxes: without,
                they share the canvas side by side and move together.
            background: the background's prompt.
            scene: the whole scene's prompt, which the composite follows once its subjects are
                released; "SUBJECT and SUBJECT, BACKGROUND" if None.
            first_background, first_scene: as ``background`` and ``scene``, of the scene in which
                the subjects' layers are made before they go before ``background``, as
                :meth:`regrow` brings them there.
            background_image: a picture, or the path of one, that is behind in place of one that is
                drawn; ``background`` says what it shows. See :class:`Subject` for subjects'.
            image: a picture, or the path of one, that the composite is drawn from under noise, as
                by diffusers' img2img pipelines: a scene's ``init.image``.
            strength: how much of ``image`` is drawn anew, above 1 - ``crop_ratio`` and at most 1,
                where nothing of it is left; 0.8 if None.
            prompt_embeds: by prompt, what stands in its place: the tensors that ``encode_prompt``
                of this pipeline or another program returns for it (see
                :data:`taue.backbones.given.Embeds`).
            num_images_per_prompt: how many are made, with noise of their own.
            scenes: in place of everything up to here but ``num_images_per_prompt``, and of sizes,
                settings and ``negative_prompt``: what is made. A :class:`taue.Scene`'s own seed
                counts if there is no generator.
            batch_size: how many results grow as one batch at most, of those that are of one canvas
                and method; each as a call of its own makes it, but for rounding, and fewer where
                memory does not hold them. If None one on a CPU, where several gain nothing,
                or to save memory, and 8 elsewhere.
            height, width: the canvas in pixels, multiples of 8 or, for transformers, 16; the
                model's own size if None.
            num_inference_steps, guidance_scale, foreground_guidance_scale, crop_ratio, key:
                override the same fields of ``settings``.
            negative_prompt: for the background, the scene and subjects without one of their own.
            generator: one number is drawn from it for each result; each stage and subject has its
                own noise. Or a list, one for each result.
            settings: everything else that the method can be told (see :class:`Settings`).
            cross_attention_kwargs: passed to the denoiser, whatever its family calls them.
            output_type: "pil", "np", "pt" or "latent".
            return_dict: a tuple instead of :class:`Layers` if False.
            callback_on_step_end: ``fn(pipe, step, timestep, kwargs)`` as in diffusers; ``kwargs``
                has "latents", and besides "denoised" (what they are without their noise, which
                can be decoded), "stage", "subjects" (1-based, none for the scene) and "steps";
                in a batch those of all its scenes, in order. Of a stage that is drawn in windows
                around objects both are of those alone; "corners" has the row and column of the
                canvas's latent cells at which each begins.
            callback_on_step_end_tensor_inputs: "latents" is what there is.

        Returns:
            :class:`Layers`, or a list of them for ``scenes`` or several images per prompt, each as
            a call of its own makes it. If a callback sets ``pipe._interrupt``, what there was by
            then: each later stage takes a single step.

        Raises:
            TaueError: for bad input, before anything is computed.
        """
        require_known_outputs(output_type, callback_on_step_end_tensor_inputs)
        chosen = {
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "foreground_guidance_scale": foreground_guidance_scale,
            "crop_ratio": crop_ratio,
            "key": key,
        }
        told = {
            "subjects": subjects,
            "background": background,
            "scene": scene,
            "first_background": first_background,
            "first_scene": first_scene,
            "background_image": background_image,
            "negative_prompt": negative_prompt,
            "init": init_of(image, strength),
        }
        if scenes is None:
            requests = [require_one(told, chosen, settings).on_canvas(height, width)]
        else:
            sized = {"height": height, "width": width, "settings": settings}
            requests = require_scenes(scenes, {**told, **chosen, **sized})
            for one in requests:  # all of them before any is made
                self.check(one)
        jobs = list(seeded(requests, num_images_per_prompt, generator))
        size = self.default_batch if batch_size is None else batch_size
        require_size(size, MOST_RESULTS)
        make = partial(
            self.make_together,
            memo=Memo(),
            cross_attention_kwargs=cross_attention_kwargs,
            output_type=output_type,
            callback_on_step_end=callback_on_step_end,
            prompt_embeds=prompt_embeds,
        )
        results = made_in_batches(jobs, size, make)
        made = results if return_dict else [layers.to_tuple() for layers in results]
        return made[0] if scenes is None and num_images_per_prompt == 1 else made

    @torch.no_grad()
    def make(
        self,
        request: Request,
        generator: torch.Generator | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
        output_type: str = "pil",
        callback_on_step_end: StepCallback | None = None,
    ) -> Layers:
        """As a call, for a request that is one already, such as a scene.

        A scene's model, LoRAs, scheduler and seed are not looked at: this pipeline is the model.
        """
        [made] = self.make_together(
            [request],
            [drawn_seed(generator)],
            cross_attention_kwargs=cross_attention_kwargs,
            output_type=output_type,
            callback_on_step_end=callback_on_step_end,
        )
        if isinstance(made, Exception):
            raise made
        return made

    @torch.no_grad()
    def make_together(
        self,
        requests: Sequence[Request],
        seeds: Sequence[int],
        memo: Memo | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
        output_type: str = "pil",
        callback_on_step_end: StepCallback | None = None,
        prompt_embeds: Embeds | None = None,
    ) -> list[Layers | Exception]:
        """Requests of one canvas and method as one batch, each as :meth:`make` makes it but for
        rounding.

        Args:
            requests: such as scenes.
            seeds: the number that each one's noise derives from, see :func:`taue.noise.seed_of`.
            memo: of this pipeline and these arguments, for what requests have in common.
            cross_attention_kwargs, output_type, callback_on_step_end, prompt_embeds: as of a call.

        Returns:
            Each one's layers, or its error if it failed alone.

        Raises:
            LittleMemoryError: if they are too many at once, or one too large.
            TaueError: for bad input.
        """
        require_known_outputs(output_type, ())
        canvas = requests[0].canvas
        backbone = self.backbone(canvas.height, canvas.width, cross_attention_kwargs)
        sized = [one.on_canvas(*backbone.size) for one in requests]
        settings, watch = sized[0].settings, StageWatch(self, callback_on_step_end)
        memo = Memo() if memo is None else memo

        def grown(request: Request, seed: int) -> Layers:
            with running_out_said(self._execution_device):
                one = Generation(backbone, request, seed, watch, prompt_embeds, memo, beside_others)
                return one.layers(one.subjects(output_type), output_type)

        works = [partial(grown, *one) for one in zip(sized, seeds, strict=True)]
        with self._in_use(backbone, *sized):
            made = in_step(works, lambda model, rows: self._pass(model, rows, settings, watch))
        for one in made:
            if isinstance(one, Layers):  # which each waited for the others
                one.records = [replace(r, seconds=r.seconds / len(made)) for r in one.records]
        return made

    @torch.no_grad()
    def check(self, request: Request) -> None:
        """Make sure that :meth:`make` takes a request, growing nothing.

        Raises:
            TaueError: if not.
        """
        backbone = self.backbone(request.canvas.height, request.canvas.width)
        sized = request.on_canvas(*backbone.size)
        with self._in_use(backbone, sized):
            Generation(backbone, sized, 0, StageWatch(self, None))

    @torch.no_grad()
    def regrow(
        self,
        layers: Layers,
        background: str | None = None,
        scene: str | None = None,
        boxes: Mapping[int, Box] | None = None,
        background_image: Any = None,
        prompt_embeds: Embeds | None = None,
        generator: torch.Generator | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
        output_type: str = "pil",
        callback_on_step_end: StepCallback | None = None,
    ) -> Layers:
        """The same objects again: before another background, moved, or both.

        The foreground stage is not repeated; a moved subject grows on from its harvest step. The
        subjects' layers stay what they were, in the new scene's light.

        Args:
            layers: what an earlier call of this model returned, or :meth:`Layers.load` read.
            background: another background's prompt; the old one if None.
            scene: another prompt for the whole scene; with a new background the old one is
                dropped.
            boxes: where subjects go, by their number from 1; the others stay.
            background_image: a picture, or the path of one, that is behind now; with a new
                ``background`` alone the old one is dropped.
            prompt_embeds: as of a call; a call's own are not kept.
            generator: for new noise; without it the scene's noise stays, so that what does not
                depend on the change comes out alike.
            cross_attention_kwargs, output_type, callback_on_step_end: as in a call.

        Raises:
            TaueError: for bad input, or if the layers are of another model or size.
        """
        require_known_outputs(output_type, ())
        old, moves = layers.scene, dict(boxes or {})
        request = old.before(
            old.background if background is None else background,
            old.scene if scene is None and background is None else scene,
            old.background_image
            if background is None and background_image is None
            else background_image,
        ).moved(moves)
        seed = layers.noise_seed
        if generator is not None:
            request, seed = request.alone(), drawn_seed(generator)
        backbone = self.backbone(*request.size, cross_attention_kwargs)
        with self._in_use(backbone, request):
            watch = StageWatch(self, callback_on_step_end)
            generation = Generation(
                backbone, request, seed, watch, prompt_embeds, passes=self._pass
            )
            return generation.layers(
                generation.subjects_again(layers.seedlings, moves), output_type
            )

    @contextmanager
    def _in_use(self, backbone: Backbone, *requests: Request) -> Iterator[None]:
        """The pipeline's state while it makes a batch; models are offloaded at its end."""
        device = self._execution_device
        admit(backbone, *requests, in_turn=self.saves_memory)
        with alone(self.network), running_out_said(device), own_precision(device):
            self._interrupt = False
            self._guidance_scale = requests[0].guidance_scale
            try:
                yield
            finally:
                self.maybe_free_model_hooks()


class TaueSDXLPipeline(TauePipeline, StableDiffusionXLPipeline):
    """SDXL's pipeline whose call returns layers."""

    family = SDXL
    base = StableDiffusionXLPipeline
    backbone_class = SDXLBackbone


class TaueSD3Pipeline(TauePipeline, StableDiffusion3Pipeline):
    """The pipeline of Stable Diffusion 3 and 3.5 whose call returns layers."""

    family = SD3
    base = StableDiffusion3Pipeline
    backbone_class = SD3Backbone


class TaueSD15Pipeline(TauePipeline, StableDiffusionPipeline):
    """The pipeline of Stable Diffusion 1 and 2 whose call returns layers."""

    family = SD15
    base = StableDiffusionPipeline
    backbone_class = SD15Backbone


class TaueFluxPipeline(TauePipeline, FluxPipeline):
    """The pipeline of FLUX.1 whose call returns layers."""

    family = FLUX
    base = FluxPipeline
    backbone_class = FluxBackbone


class TauePixArtSigmaPipeline(TauePipeline, PixArtSigmaPipeline):
    """The pipeline of PixArt-Sigma whose call returns layers."""

    family = PIXART
    base = PixArtSigmaPipeline
    backbone_class = PixArtBackbone


class TaueZImagePipeline(TauePipeline, ZImagePipeline):
    """The pipeline of Z-Image whose call returns layers."""

    family = ZIMAGE
    base = ZImagePipeline
    backbone_class = ZImageBackbone


class TaueFlux2KleinPipeline(TauePipeline, Flux2KleinPipeline):
    """The pipeline of FLUX.2 Klein whose call returns layers."""

    family = KLEIN
    base = Flux2KleinPipeline
    backbone_class = KleinBackbone


PIPELINES = TauePipeline.of_family
"""By the family's name."""
