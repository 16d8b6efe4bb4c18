"""From a scene to its layers: load the model, exchange the scheduler, call the pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch

from taue import loras, models
from taue.alone import alone
from taue.box import Box
from taue.errors import TaueError
from taue.layers import Layers
from taue.memo import Memo
from taue.noise import seed_of
from taue.pipeline import TauePipeline
from taue.scene import Scene
from taue.scene.picture import OwnPicture
from taue.schedulers import exchanged, scheduler_class
from taue.watch import StepCallback


def load(
    scene: Scene, device: torch.device, dtype: torch.dtype, *, saves_memory: bool = False
) -> TauePipeline:
    """The scene's model on a device, with its LoRAs; in low memory, if it shall save some (see
    :meth:`TauePipeline.enable_low_memory`).

    Raises:
        TaueError: if model, revision, LoRA or scheduler is not to be had.
    """
    if scene.scheduler is not None:
        scheduler_class(scene.scheduler)  # a wrong name is said before gigabytes are read
    for one in scene.loras:
        loras.resolve_lora(one.name)
    chosen = {} if scene.revision is None else {"revision": scene.revision}
    try:
        pipe = TauePipeline.from_pretrained(scene.model, torch_dtype=dtype, **chosen)
    except TaueError as error:
        raise _out_of_reach(scene, error) from error
    loras.load_loras(pipe, scene.loras)
    if not saves_memory:
        return pipe.to(device)
    pipe.enable_low_memory(device)
    return pipe


def make(
    pipe: TauePipeline, scene: Scene, callback_on_step_end: StepCallback | None = None
) -> Layers:
    """Make a scene's layers, with PIL images.

    Args:
        pipe: the scene's model, as :func:`load` gives it; it may be used for many scenes.
        scene: what to make.
        callback_on_step_end: as of :class:`TauePipeline`.

    Raises:
        TaueError: for what the model cannot do, or if memory runs out.
    """
    with _prepared(pipe, scene):
        return pipe.make(
            scene,
            generator=torch.Generator().manual_seed(scene.seed),
            callback_on_step_end=callback_on_step_end,
        )


def make_several(
    pipe: TauePipeline,
    scenes: Sequence[Scene],
    memo: Memo | None = None,
    callback_on_step_end: StepCallback | None = None,
) -> list[Layers | Exception]:
    """Make several scenes' layers as one batch, each as :func:`make` does but for rounding.

    Args:
        pipe: as of :func:`make`.
        scenes: of one canvas, method and scheduler.
        memo: of this model, for what scenes have in common.
        callback_on_step_end: as of :class:`TauePipeline`.

    Returns:
        Each one's layers, or its error if it failed alone.

    Raises:
        LittleMemoryError: if they are too many at once, or one too large.
        TaueError: for what the model cannot do.
    """
    with _prepared(pipe, scenes[0]):
        return pipe.make_together(
            scenes,
            [seed_of(one.seed) for one in scenes],
            memo,
            callback_on_step_end=callback_on_step_end,
        )


def check(pipe: TauePipeline, scene: Scene) -> None:
    """Make sure that :func:`make` takes a scene, growing nothing.

    Raises:
        TaueError: if its scheduler, prompts, boxes or canvas do not suit the model or the memory.
    """
    with _prepared(pipe, scene):
        pipe.check(scene)


def regrow(
    pipe: TauePipeline,
    layers: Layers,
    background: str,
    whole: str | None,
    boxes: Mapping[int, Box],
    image: OwnPicture | None = None,
    callback_on_step_end: StepCallback | None = None,
) -> Layers:
    """Grow the layers of a scene again: before another background, and subjects moved.

    Args:
        pipe: the scene's model, as :func:`load` gives it.
        layers: of a scene, as :func:`make` and :meth:`Layers.load` give them.
        background: what is behind now.
        whole: the whole scene's prompt; joined from the others if None.
        boxes: where subjects go, by their number from 1.
        image: a user's own picture of what is behind now.
        callback_on_step_end: as of :class:`TauePipeline`.

    Returns:
        The layers; making their scene from nothing gives the same bytes.

    Raises:
        TaueError: as :func:`make`, and if the layers are of another model or size.
    """
    with _prepared(pipe, layers.made_scene):
        return pipe.regrow(
            layers,
            background=background,
            scene=whole,
            boxes=boxes,
            background_image=image,
            callback_on_step_end=callback_on_step_end,
        )


@contextmanager
def _prepared(pipe: TauePipeline, scene: Scene) -> Iterator[None]:
    """The pipeline with the scene's scheduler, for one thread at a time."""
    with alone(pipe.network):
        own = pipe.scheduler
        if scene.scheduler is not None:
            pipe.scheduler = exchanged(scene.scheduler, own, scene.steps)
        try:
            yield
        finally:
            pipe.scheduler = own


def _out_of_reach(scene: Scene, error: TaueError) -> TaueError:
    """Say plainly that a hub id was not found or the hub not reached; else the error itself."""
    source = models.resolve(scene.model)
    if source.kind is not models.Kind.hub or not isinstance(error.__cause__, OSError):
        return error
    revision = f" at revision {scene.revision}" if scene.revision else ""
    return TaueError(
        f"model {source.location}{revision} is neither a folder here nor was it found on the hub; "
        "check the name and the network, or choose paddy, which needs none."
    )
