"""The kit: what a family's laws are tested with. A further family is a pipeline in
:mod:`tiny_models` and an entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EDMEulerScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    FluxPipeline,
    PixArtSigmaPipeline,
    PNDMScheduler,
    SASolverScheduler,
    SCMScheduler,
    StableDiffusion3Pipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    ZImagePipeline,
)
from torch import Tensor

from schedulers import FAMILIES, FLOWS, build
from taue import TauePipeline
from taue.backbones import Backbone, Conditioning, Encoded
from taue.errors import TaueError
from taue.settings import Settings
from tiny_models import (
    BUILDERS,
    CHANNELS,
    FLUX_CHANNELS,
    KLEIN_CHANNELS,
    ZIMAGE_CHANNELS,
    pixart,
)

SIDE, CELLS, STEPS = 128, 16, 6


@dataclass(frozen=True)
class Kit:
    """One family.

    Attributes:
        name: as :mod:`taue.families` has it.
        plain: its pipeline of diffusers.
        channels: of its latents.
        canvases: some in pixels, height and width, that it has, with sides of odd multiples.
        no_canvases: some that it has not, with the field that is refused.
        accepted: schedulers that the method runs it with, by name.
        refused: schedulers that it does not.
        adapts: layers of its denoiser that a LoRA may change; none if diffusers loads none.
        prefix: of the denoiser in the names of a LoRA's weights.
        encoded: what its ``encode_prompt`` is told besides prompts.
        called: what its call is told besides, to be plain.
        negates: whether it knows negative prompts, and with them a guidance of two samples.
        pieces: whether long prompts are read in pieces.
        cell: pixels along a side of a latent cell.
    """

    name: str
    plain: Any
    channels: int
    canvases: tuple[tuple[int, int], ...]
    no_canvases: tuple[tuple[Any, Any, str], ...]
    accepted: Mapping[str, Callable[[], Any]]
    refused: Mapping[str, Callable[[], Any]]
    adapts: tuple[str, ...]
    prefix: str
    encoded: Mapping[str, Any] = field(default_factory=dict)
    called: Mapping[str, Any] = field(default_factory=dict)
    negates: bool = True
    pieces: bool = True
    cell: int = 8

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Cells of a canvas in pixels."""
        return height // self.cell, width // self.cell

    def pipeline(self) -> TauePipeline:
        """A tiny one of our own, with its weights to itself."""
        pipe = TauePipeline.from_pipe(BUILDERS[self.name]())
        pipe.set_progress_bar_config(disable=True)
        return pipe

    def against(self, prompt: str | None) -> str | None:
        """A negative prompt, if the family knows any."""
        return prompt if self.negates else None

    def encode(self, pipe: TauePipeline, prompt: str, negative: str | None = None) -> Any:
        """What diffusers' own ``encode_prompt`` of the same parts gives."""
        told: dict[str, Any] = {"do_classifier_free_guidance": True} if self.negates else {}
        if negative is not None:  # some take None for an empty one, and some know no None
            told["negative_prompt"] = negative
        own: Any = getattr(pipe, "encode_prompt")  # noqa: B009
        return own(prompt, device="cpu", num_images_per_prompt=1, **told, **self.encoded)

    def call(self, pipe: TauePipeline, prompt: str, noise: Tensor, **options: Any) -> Any:
        """What diffusers' own call of the same parts gives."""
        return self.plain.__call__(
            pipe, prompt, latents=noise, height=8 * noise.shape[-2], width=8 * noise.shape[-1],
            **options, **self.called,
        ).images  # fmt: skip


class PackedKit(Kit):
    """A family whose call takes and gives latents packed by fours."""

    def call(self, pipe: TauePipeline, prompt: str, noise: Tensor, **options: Any) -> Any:
        rows, columns = noise.shape[-2:]
        packed = self.plain._pack_latents(noise, *noise.shape)
        told = {"latents": packed, "height": 8 * rows, "width": 8 * columns, **options}
        images = self.plain.__call__(pipe, prompt, **told).images
        if options["output_type"] != "latent":
            return images
        return self.plain._unpack_latents(images, 8 * rows, 8 * columns, 8)


class ListedKit(Kit):
    """A family whose call counts guidance from 0, which is none, and takes and gives prompts as
    lists."""

    def encode(self, pipe: TauePipeline, prompt: str, negative: str | None = None) -> Any:
        own: Any = getattr(pipe, "encode_prompt")  # noqa: B009
        return own(prompt, device="cpu", negative_prompt=negative)

    def call(self, pipe: TauePipeline, prompt: str, noise: Tensor, **options: Any) -> Any:
        told = {**options, "guidance_scale": options["guidance_scale"] - 1}
        return super().call(pipe, prompt, noise, **told)


class KleinKit(Kit):
    """A family whose call takes negative prompts encoded alone, and gives latents without the
    normalisation that they had on their way."""

    def encode(self, pipe: TauePipeline, prompt: str, negative: str | None = None) -> Any:
        return getattr(pipe, "encode_prompt")(prompt, device="cpu")  # noqa: B009

    def call(self, pipe: TauePipeline, prompt: str, noise: Tensor, **options: Any) -> Any:
        negative = options.pop("negative_prompt", None)
        against = None if negative is None else self.encode(pipe, negative)[0]
        rows, columns = noise.shape[-2:]
        images = self.plain.__call__(
            pipe, prompt=prompt, latents=noise, negative_prompt_embeds=against,
            height=self.cell * rows, width=self.cell * columns, **options,
        ).images  # fmt: skip
        if options["output_type"] != "latent":
            return images
        norm = getattr(pipe, "vae").bn  # noqa: B009
        mean, deviation = norm.running_mean, (norm.running_var + norm.eps).sqrt()
        packed = self.plain._patchify_latents(images)
        return (packed - mean.view(1, -1, 1, 1)) / deviation.view(1, -1, 1, 1)


def _diffusion(name: str) -> Callable[[], Any]:
    return lambda: build(name)


_FLOW_SIGMAS: dict[str, Any] = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
_FLOW_CONFIG = FlowMatchEulerDiscreteScheduler(shift=3.0).config
_UNETS: dict[str, Any] = {
    "channels": 4,
    "canvases": ((128, 128), (72, 136), (200, 64)),
    "no_canvases": ((130, 128, "height"), (128, 56, "width"), ("128", 128, "height")),
    "accepted": {name: _diffusion(name) for name in FAMILIES},
    "refused": {
        "flow matching": FlowMatchEulerDiscreteScheduler,
        "latents of other units": EDMEulerScheduler,
        "levels in between": lambda: PNDMScheduler(skip_prk_steps=False),
        "made from a flow's configuration": lambda: EulerDiscreteScheduler.from_config(
            _FLOW_CONFIG
        ),
    },
    "adapts": ("attn2.to_k", "attn2.to_v"),
    "prefix": "unet",
}

_FLOWING: dict[str, Any] = {
    "accepted": {
        **FLOWS,
        "flow-euler-dynamic": lambda: FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    },
    "refused": {
        "diffusion": lambda: build("euler"),
        "made from a flow's configuration": lambda: DDIMScheduler.from_config(_FLOW_CONFIG),
        "inverted": lambda: FlowMatchEulerDiscreteScheduler(invert_sigmas=True),
        "of diffusion": lambda: DPMSolverMultistepScheduler.from_config(_FLOW_CONFIG),
        "short of the end": lambda: DEISMultistepScheduler(**_FLOW_SIGMAS),
        "too far from the line": lambda: SASolverScheduler(**_FLOW_SIGMAS),
        "of consistency": SCMScheduler,
    },
    "adapts": ("attn.add_k_proj", "attn.add_v_proj", "attn.to_q"),
    "prefix": "transformer",
}

KITS: dict[str, Kit] = {
    one.name: one
    for one in (
        Kit("sdxl", StableDiffusionXLPipeline, **_UNETS),
        Kit("sd15", StableDiffusionPipeline, **_UNETS),
        Kit(
            "sd3",
            StableDiffusion3Pipeline,
            channels=CHANNELS,
            canvases=((128, 128), (144, 176), (240, 128)),
            no_canvases=(
                (136, 128, "height"),  # of 8, but a patch is 16
                (128, 112, "width"),
                (272, 128, "height"),  # further than its positions go
                (128.0, 128, "height"),
            ),
            encoded={"prompt_2": None, "prompt_3": None},
            **_FLOWING,
        ),
        PackedKit(
            "flux",
            FluxPipeline,
            channels=FLUX_CHANNELS,
            canvases=((128, 128), (144, 176), (272, 128)),
            no_canvases=((136, 128, "height"), (128, 112, "width"), (128, "128", "width")),
            negates=False,
            pieces=False,
            **_FLOWING,
        ),
        Kit(
            "pixart",
            PixArtSigmaPipeline,
            **{
                **_UNETS,
                "canvases": ((128, 128), (144, 176), (272, 128)),
                "no_canvases": ((136, 128, "height"), (128, 112, "width"), (128, "128", "width")),
                "accepted": {
                    **_UNETS["accepted"],
                    "linear betas": lambda: pixart().scheduler,
                },
                "adapts": (),
                "prefix": "transformer",
            },
            called={"use_resolution_binning": False, "clean_caption": False},
            pieces=False,
        ),
        ListedKit(
            "zimage",
            ZImagePipeline,
            channels=ZIMAGE_CHANNELS,
            # Of 64 tokens, and of some that are no multiple of 32, which are padded.
            canvases=((128, 128), (144, 176), (272, 128)),
            no_canvases=((136, 128, "height"), (128, 112, "width"), (1040, 128, "height")),
            pieces=False,
            **{**_FLOWING, "adapts": ("attention.to_q", "attention.to_v")},
        ),
        KleinKit(
            "klein",
            Flux2KleinPipeline,
            channels=KLEIN_CHANNELS,
            canvases=((128, 128), (144, 176), (272, 128)),
            no_canvases=((136, 128, "height"), (128, 112, "width"), (128, "128", "width")),
            pieces=False,
            cell=16,
            **_FLOWING,
        ),
    )
}


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def region(height: int = CELLS, width: int = CELLS) -> Tensor:
    """A part of the canvas, the same whatever cells it is in."""
    mask = torch.zeros(height, width)
    down, across = height / CELLS, width / CELLS
    mask[int(4 * down) : round(11 * down), int(5 * across) : round(13 * across)] = 1
    return mask


@torch.no_grad()
def predicted(
    backbone: Backbone, conditionings: list[Conditioning], latents: Tensor, time: float = 500.0
) -> Tensor:
    """One prediction of each row, as the loop makes it."""
    times = torch.full((len(conditionings),), time)
    with backbone.attending(conditionings, [()] * len(conditionings)):
        return backbone.predict(latents, times, conditionings)


def everywhere(prompt: Encoded, scale: float = 5.0) -> Conditioning:
    return Conditioning((prompt,), prompt, scale)


def is_the_same_beside_others(backbone: Backbone, *prompts: Encoded) -> None:
    """Prompts of other lengths read in one batch as each does alone."""
    noise = normal(1, len(prompts), *backbone.shape[1:])
    together = predicted(backbone, [everywhere(one) for one in prompts], noise)
    for i, one in enumerate(prompts):
        alone = predicted(backbone, [everywhere(one)], noise[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=0)


def says_what_it_cannot_be_told(
    pipe: Any, prompt: str, negative: str | None, skipped: int | None, says: str
) -> None:
    """By its backbone, and by a call of it."""
    with pytest.raises(TaueError, match=says):
        pipe.backbone(SIDE, SIDE).encode_prompt(prompt, negative, skipped)
    asked: dict[str, Any] = {"background": "a dark desert", "height": SIDE, "width": SIDE}
    settings = Settings(clip_skip=skipped)
    with pytest.raises(TaueError, match=says):
        pipe([prompt], negative_prompt=negative, settings=settings, **asked)
