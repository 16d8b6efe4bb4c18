"""What every method is asked, and how a rival draws with the same backbone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image

from taue import equations
from taue.arrays import Bytes, Region
from taue.backbones import Conditioning
from taue.errors import TaueError
from taue.evaluation.dataset import Pair
from taue.evaluation.items import Item
from taue.evaluation.methods.heard import embeds, own_tokens
from taue.families import FAMILIES, SDXL
from taue.layers import as_bytes
from taue.noise import NoiseSource
from taue.pipeline import TauePipeline
from taue.scene import Scene
from taue.stack.mixing import Floats


@dataclass(frozen=True)
class ComparedMethod:
    """One row of a comparison.

    Attributes:
        name: on the command line and in tables.
        source: the paper that it was written from.
        copies: whether it puts pixels of one picture into another, so that the two agree by
            construction.
        passes: denoising passes of one item, or by steps its UNet evaluations; second tries are
            left out.
        make: from what is asked to what is left of it, without its cost.
        check: raises ``TaueError`` if something that it needs is not installed.
        family: of the models that it draws with, by diffusers' own pipeline; None if all do.
        keyed: whether it draws its foregrounds on a key colour.
        several: whether it draws all subjects of a scene; others draw the pair's alone.
        told: what a run says of it besides; another run of it has the same.
        with_weights: itself with the weights that it needs, by a folder or a hub id; None if it
            needs none.
    """

    name: str
    source: str
    copies: bool
    passes: int | Callable[[int], int]
    make: Callable[[Drawing], Item]
    check: Callable[[], None] = lambda: None
    family: str | None = SDXL
    keyed: bool = False
    several: bool = False
    told: Mapping[str, str] = field(default_factory=dict)
    with_weights: Callable[[str], ComparedMethod] | None = None

    @property
    def weighted(self) -> bool:
        """Whether it has weights of its own, which must be named."""
        return self.with_weights is not None

    def evaluations(self, steps: int) -> int:
        """UNet evaluations of one item, with guidance."""
        return self.passes(steps) if callable(self.passes) else 2 * self.passes * steps


@dataclass(frozen=True)
class Drawing:
    """One pair to be drawn: the model, the prompts, the scene of our own method.

    ``scene`` has the seed, the canvas and the guidance that all methods share.
    """

    pipe: TauePipeline
    pair: Pair
    scene: Scene
    warnings: list[str] = field(default_factory=list)

    @cached_property
    def backbone(self) -> Any:
        """The model on the scene's canvas, as the method sees it."""
        canvas = self.scene.canvas
        return self.pipe.backbone(canvas.height, canvas.width)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.backbone.size

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width in latent cells."""
        return self.backbone.shape[-2:]

    def noise(self, name: str) -> torch.Tensor:
        """Unit noise [1, C, h, w] of its own for each picture, from the pair's seed."""
        return NoiseSource(self.scene.seed).normal(self.backbone.shape, name)

    def picture(
        self,
        prompt: str,
        name: str,
        *,
        guidance_scale: float | None = None,
        noise: torch.Tensor | None = None,
    ) -> Bytes:
        """A plain generation, uint8 [H, W, 3].

        Args:
            prompt: what it shows.
            name: of its noise.
            guidance_scale: the scene's if None.
            noise: in place of that of ``name``.
        """
        return np.asarray(self._drawn(prompt, name, guidance_scale, noise, "pil")[0])

    def latents(
        self,
        prompt: str | list[str],
        name: str,
        *,
        guidance_scale: float | None = None,
        noise: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """The same before they are decoded, [B, C, h, w] as the UNet leaves them, one for each
        prompt."""
        return self._drawn(prompt, name, guidance_scale, noise, "latent")

    def encoded(self, picture: Bytes) -> torch.Tensor:
        """A picture's most likely latents [1, C, h, w], float32, as the UNet sees them."""
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
        return self.backbone.encode(pixels / 255)

    def decoded(self, latents: torch.Tensor) -> Bytes:
        """Latents [1, C, h, w] as a picture, uint8 [H, W, 3]."""
        return as_bytes(self.backbone.decode(latents)[0])

    def _drawn(
        self,
        prompt: str | list[str],
        name: str,
        guidance_scale: float | None,
        noise: torch.Tensor | None,
        output_type: str,
    ) -> Any:
        height, width = self.size
        start = self.noise(name) if noise is None else noise
        pipe: Any = self.pipe
        drawn: Any = pipe.base.__call__(
            pipe,
            **embeds(self.backbone, [prompt] if isinstance(prompt, str) else prompt),
            height=height,
            width=width,
            num_inference_steps=self.scene.steps,
            guidance_scale=self.scene.guidance_scale if guidance_scale is None else guidance_scale,
            latents=start.to(self.pipe.device, self.pipe.dtype),
            generator=self._generator(name),
            output_type=output_type,
        )
        return drawn.images

    def attended_picture(self, prompt: str, name: str, **options: Any) -> tuple[Bytes, Floats]:
        """The same, and the attention [H, W] in [0, 1] that the pair's foreground drew, mean over
        heads, layers and steps."""
        backbone = self.backbone
        scale = options.get("guidance_scale") or self.scene.guidance_scale
        encoded = backbone.encode_prompt(prompt, None)
        whole = Conditioning((encoded,), encoded, scale)
        tokens = own_tokens(backbone, prompt, self.pair.foreground, self.pair.background)
        with backbone.attending([whole], [tokens]) as captured:
            drawn = self.picture(prompt, name, **options)
        attention = torch.nn.functional.interpolate(
            equations.attention_map([captured[0]])[None, None].cpu(),
            self.size,
            mode="bilinear",
            align_corners=False,
        )
        return drawn, attention[0, 0].numpy()

    def inpainted(self, picture: Bytes, hole: Region, prompt: str, name: str) -> Bytes:
        """A picture drawn anew where the hole [H, W] is, by the same model."""
        height, width = self.size
        painter = self.backbone.inpainting()
        painter.set_progress_bar_config(disable=True)
        drawn: Any = painter(
            **embeds(self.backbone, [prompt]),
            image=Image.fromarray(picture),
            mask_image=Image.fromarray(hole.astype(np.uint8) * 255),
            height=height,
            width=width,
            strength=1.0,
            num_inference_steps=self.scene.steps,
            guidance_scale=self.scene.guidance_scale,
            generator=self._generator(name),
        )
        return np.asarray(drawn.images[0])

    def _generator(self, name: str) -> torch.Generator:
        return NoiseSource(self.scene.seed).generator("steps", name)


def require_drawn(method: ComparedMethod, pipe: TauePipeline) -> None:
    """Refuse a model of a family that a method cannot draw with.

    Raises:
        TaueError: for a method that draws with one family's pipeline and a model of another.
    """
    if method.family is not None and method.family != pipe.family:
        own = FAMILIES[method.family].title
        raise TaueError(
            f"method {method.name} draws with {own}'s pipelines, and the model is one of "
            f"{FAMILIES[pipe.family].title}; choose a model of {own}, or the method taue."
        )


@contextmanager
def counting(network: Any) -> Iterator[list[int]]:
    """Counts samples that go through a network: the list's only value, until the block is left."""
    count = [0]

    def add(_: Any, arguments: tuple[Any, ...]) -> None:
        count[0] += len(arguments[0])

    handle = network.register_forward_pre_hook(add)
    try:
        yield count
    finally:
        handle.remove()
