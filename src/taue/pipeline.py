"""``TauePipeline``: SDXL's pipeline whose call returns layers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from taue import matte, models, stages
from taue.backbones import Encoded
from taue.backbones.sdxl import SDXLBackbone
from taue.errors import TaueError
from taue.layers import Layers, StageRecord, SubjectLayer
from taue.noise import NoiseSource
from taue.settings import Settings
from taue.space import noise_levels
from taue.subject import Subject, default_boxes
from taue.watch import Recorded, StageWatch, StepCallback

OUTPUT_TYPES = ("pil", "np", "pt", "latent")
SMALLEST_LATENT = 8


class TauePipeline(StableDiffusionXLPipeline):
    """Layered generation with any SDXL-class checkpoint (TAUE, arXiv 2511.02580).

    Everything but the call is ``StableDiffusionXLPipeline``: ``.to()``, offloading, LoRA,
    schedulers, ``from_pipe``, ``from_single_file``.
    """

    @classmethod
    def from_pretrained(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, pretrained_model_name_or_path: Any, **kwargs: Any
    ) -> TauePipeline:
        """Load ``"paddy"``, ``"sdxl"``, a hub id, a diffusers folder or a single file.

        Without a ``dtype`` (or ``torch_dtype``, its old name) everything is float32: left alone,
        text encoders would take the precision that they were saved in and the UNet another.

        Raises:
            TaueError: if there is no such model or it cannot be read.
        """
        source = models.resolve(str(pretrained_model_name_or_path))
        old = kwargs.pop("torch_dtype", None)
        kwargs.setdefault("dtype", torch.float32 if old is None else old)
        if kwargs["dtype"] == torch.float16 and source.location in models.HALF_VARIANTS:
            kwargs.setdefault("variant", models.HALF_VARIANTS[source.location])
        try:
            if source.kind == "file":
                return cls.from_single_file(source.location, **kwargs)
            return super().from_pretrained(source.location, **kwargs)
        except Exception as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), "")
            raise TaueError(
                f"model {str(pretrained_model_name_or_path)!r} cannot be loaded "
                f"({type(error).__name__}: {reason.strip().rstrip('.')})."
            ) from error

    @torch.no_grad()
    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self,
        subjects: Sequence[Subject | str],
        background: str,
        scene: str | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        foreground_guidance_scale: float | None = None,
        crop_ratio: float | None = None,
        key: str | None = None,
        negative_prompt: str | None = None,
        generator: torch.Generator | None = None,
        settings: Settings | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
        callback_on_step_end: StepCallback | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
    ) -> Layers | tuple[Any, ...]:
        """Make each subject, the background and their composite.

        Args:
            subjects: what stands in front, later ones nearer; at least one. Each has noise of
                its own, so adding one changes no other foreground, if they have boxes: without,
                they share the canvas side by side and move together.
            background: the background's prompt.
            scene: the whole scene's prompt; "SUBJECT, BACKGROUND" joined if None.
            height, width: the canvas in pixels, multiples of 8; the model's own size if None.
            num_inference_steps, guidance_scale, foreground_guidance_scale, crop_ratio, key:
                override the same fields of ``settings``.
            negative_prompt: for the background, the scene and subjects without one of their own.
            generator: one number is drawn from it; each stage and subject has its own noise.
            settings: everything else that the method can be told (see :class:`Settings`).
            cross_attention_kwargs: passed to the UNet.
            output_type: "pil", "np", "pt" or "latent".
            return_dict: a tuple instead of :class:`Layers` if False.
            callback_on_step_end: ``fn(pipe, step, timestep, kwargs)`` as in diffusers; ``kwargs``
                has "latents", and "stage", "subject" (1-based or None) and "steps" besides.
            callback_on_step_end_tensor_inputs: "latents" is what there is.

        Returns:
            :class:`Layers`. If a callback sets ``pipe._interrupt``, what there was by then: each
            later stage takes a single step.

        Raises:
            TaueError: for bad input, before anything is computed.
        """
        chosen = {
            "num_inference_steps": num_inference_steps,
            "guidance_scale": guidance_scale,
            "foreground_guidance_scale": foreground_guidance_scale,
            "crop_ratio": crop_ratio,
            "key": key,
        }
        given = {name: value for name, value in chosen.items() if value is not None}
        settings = replace(settings or Settings(), **given)
        people = _checked_subjects(subjects)
        _check_words(background, scene, negative_prompt)
        _require_known_outputs(output_type, callback_on_step_end_tensor_inputs)
        height, width = self._canvas(height, width)
        whole = scene or ", ".join([*(s.prompt for s in people), background])
        source = NoiseSource(generator)

        self._interrupt = False
        self._guidance_scale = settings.guidance_scale
        self._cross_attention_kwargs = cross_attention_kwargs
        backbone = SDXLBackbone(self, height, width, cross_attention_kwargs)
        noise_levels(backbone.new_scheduler(settings.num_inference_steps))  # or an early refusal
        garden = stages.Garden(
            backbone,
            settings,
            source,
            (1, self.unet.config.in_channels, *self._latent_size(height, width)),
            StageWatch(self, callback_on_step_end),
        )
        try:
            records: list[StageRecord] = []
            prompts = [
                backbone.encode(s.prompt, s.negative_prompt or negative_prompt) for s in people
            ]
            behind = backbone.encode(background, negative_prompt)
            together = backbone.encode(whole, negative_prompt)
            ends = _grow(garden, people, prompts, behind, together, records)
            started = time.perf_counter()
            layers = self._harvested(people, *ends, backbone, output_type)
            records.append(StageRecord("decode", None, time.perf_counter() - started, 0))
        finally:
            self.maybe_free_model_hooks()
        layers.records = records
        layers.warnings = _warnings(people, ends[0], interrupted=bool(self.interrupt))
        layers.settings = {
            **asdict(settings),
            "subjects": [asdict(s) for s in people],
            "background": background,
            "scene": whole,
            "negative_prompt": negative_prompt,
            "height": height,
            "width": width,
            "noise_seed": source.base,
            "scheduler": type(self.scheduler).__name__,
        }
        return layers if return_dict else layers.to_tuple()

    def _canvas(self, height: int | None, width: int | None) -> tuple[int, int]:
        """The canvas in pixels, checked."""
        own: Any = self.unet.config.sample_size
        rows, columns = own if isinstance(own, (list, tuple)) else (own, own)
        factor = self.vae_scale_factor
        sides: dict[str, Any] = {
            "height": rows * factor if height is None else height,
            "width": columns * factor if width is None else width,
        }
        least = SMALLEST_LATENT * factor
        for name, value in sides.items():
            if not isinstance(value, int) or value % factor or value < least:
                raise TaueError(
                    f"{name} is {value!r}; give a multiple of {factor} from {least} pixels on."
                )
        return sides["height"], sides["width"]

    def _latent_size(self, height: int, width: int) -> tuple[int, int]:
        return height // self.vae_scale_factor, width // self.vae_scale_factor

    def _harvested(
        self,
        people: list[Subject],
        grown: list[stages.Grown],
        together: stages.Grown,
        alone: stages.Grown,
        backbone: SDXLBackbone,
        output_type: str,
    ) -> Layers:
        """Decode what the stages ended with, and cut the subjects out."""
        seedlings = [one.seedling for one in grown]
        masks = [s.mask for s in seedlings]
        attention = [s.attention for s in seedlings]
        ends = [*grown, together, alone]
        if output_type == "latent":
            *first, composite, background = (one.harvest.latents for one in ends)
            images, foregrounds = first, first
        else:
            *first, composite, background = (backbone.decode(e.harvest.latents) for e in ends)
            cut = [matte.extract(f[0], m) for f, m in zip(first, masks, strict=True)]
            images = [_as_output(rgba[None], output_type) for rgba in cut]
            marked = [self._watermarked(picture) for picture in (*first, composite, background)]
            *foregrounds, composite, background = (_as_output(p, output_type) for p in marked)
        return Layers(
            composite=composite,
            background=background,
            subjects=[SubjectLayer(s, i) for s, i in zip(people, images, strict=True)],
            foregrounds=list(foregrounds),
            masks=masks,
            attention_maps=attention,
            seedlings=seedlings,
        )

    def _watermarked(self, picture: Tensor) -> Tensor:
        """SDXL's invisible watermark on [1, 3, H, W] in [0, 1], where the pipeline has one."""
        if self.watermark is None:
            return picture
        return self.watermark.apply_watermark(picture * 2 - 1) / 2 + 0.5


def _grow(
    garden: stages.Garden,
    people: Sequence[Subject],
    prompts: Sequence[Encoded],
    background: Encoded,
    whole: Encoded,
    records: list[StageRecord],
) -> tuple[list[stages.Grown], stages.Grown, stages.Grown]:
    """The three stages: each subject's foreground, the composite, the background."""
    grown: list[stages.Grown] = []
    boxes = default_boxes(len(people))
    for number, (subject, prompt) in enumerate(zip(people, prompts, strict=True), 1):
        box = subject.box or boxes[number - 1]
        colour = garden.settings.key_for(subject.prompt)
        with Recorded(records, "foreground", number) as record:
            grown.append(record(stages.foreground(garden, prompt, box, colour, number)))
    seedlings = [one.seedling for one in grown]
    with Recorded(records, "composite") as record:
        together = record(stages.composite(garden, prompts, background, whole, seedlings))
    with Recorded(records, "background") as record:
        alone = record(stages.background(garden, background, together.seedling))
    return grown, together, alone


def _warnings(
    people: Sequence[Subject], grown: Sequence[stages.Grown], *, interrupted: bool
) -> list[str]:
    notes = [
        f"subject {number} ({subject.prompt}) could not be told from its key colour; "
        "try another key or seed."
        for number, (subject, one) in enumerate(zip(people, grown, strict=True), 1)
        if not one.separated
    ]
    return [*notes, "interrupted: the layers are unfinished."] if interrupted else notes


def _checked_subjects(subjects: Sequence[Subject | str]) -> list[Subject]:
    if isinstance(subjects, (str, Subject)):
        subjects = [subjects]
    people = [s if isinstance(s, Subject) else Subject(s) for s in subjects or ()]
    if not people:
        raise TaueError('subjects is empty; give at least one, for example "a red apple".')
    return people


def _check_words(background: str, scene: str | None, negative_prompt: str | None) -> None:
    _require_text("background", background)
    if scene is not None:
        _require_text("scene", scene)
    if negative_prompt is not None and not isinstance(negative_prompt, str):
        raise TaueError(f"negative_prompt is {negative_prompt!r}; give one text or None.")


def _require_known_outputs(output_type: str, tensor_inputs: Sequence[str]) -> None:
    if output_type not in OUTPUT_TYPES:
        raise TaueError(f"output_type is {output_type!r}; choose one of {', '.join(OUTPUT_TYPES)}.")
    if unknown := set(tensor_inputs) - {"latents"}:
        raise TaueError(
            f"callback_on_step_end_tensor_inputs has {sorted(unknown)}; "
            'only "latents" can be handed to a callback.'
        )


def _require_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise TaueError(f"{name} is empty; say what it shows in words.")


def _as_output(pictures: Tensor, output_type: str) -> Any:
    """[1, C, H, W] in [0, 1] as one PIL image, [H, W, C] array or [C, H, W] tensor."""
    if output_type == "pt":
        return pictures[0]
    array = pictures[0].permute(1, 2, 0).cpu().numpy()
    if output_type == "np":
        return array
    return StableDiffusionXLPipeline.numpy_to_pil(array[None])[0]
