"""``taue generate``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from taue import loras, models
from taue.bounds import MOST_RESULTS
from taue.commands import asked
from taue.commands.conventions import Device, Dtype, Memory, NewFolder, Overwrite
from taue.commands.growing import foregrounds_of, grow_result, require_pictures
from taue.commands.options import chosen_scene
from taue.commands.series import grow_series, require_count, series
from taue.devices import Machine
from taue.errors import TaueError
from taue.scene import Scene
from taue.together import require_size

if TYPE_CHECKING:
    from taue.commands.growing import Grow


def generate(
    *,
    files: asked.Scenes = None,
    subject: asked.Subjects = None,
    background: asked.Background = None,
    background_image: asked.BackgroundImage = None,
    init_image: asked.InitImage = None,
    strength: asked.Strength = None,
    out: NewFolder,
    box: asked.Boxes = None,
    name: asked.Names = None,
    subject_negative: asked.SubjectNegatives = None,
    subject_image: asked.SubjectImages = None,
    method: asked.MethodName = None,
    quality: asked.Quality = None,
    negative: asked.Negative = None,
    scene: asked.WholeScene = None,
    seed: asked.Seed = None,
    count: asked.Count = None,
    batch_size: asked.BatchSize = None,
    steps: asked.Steps = None,
    guidance: asked.Guidance = None,
    foreground_guidance: asked.ForegroundGuidance = None,
    crop_ratio: asked.CropRatio = None,
    guidance_rescale: asked.GuidanceRescale = None,
    clip_skip: asked.ClipSkip = None,
    key: asked.Key = None,
    harmony: asked.Harmony = None,
    model: asked.Model = None,
    revision: asked.Revision = None,
    scheduler: asked.Scheduler = None,
    lora: asked.Loras = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    memory: Memory = "normal",
    width: asked.Width = None,
    height: asked.Height = None,
) -> None:
    """Make subjects (RGBA), a background and their composite from text or a scene file.

    Crop ratios of single subjects and all other settings of the method stand in scene files.
    """
    # By name, as they are typed.
    options = {name.replace("_", "-"): value for name, value in locals().items()}
    began, machine = time.perf_counter(), Machine(device, dtype, memory)
    require_count(count, len(files or [None]))
    if batch_size is not None:
        require_size(batch_size, MOST_RESULTS, "batch-size")
    scenes = [chosen_scene(file, options) for file in files or [None]]
    for one in scenes:
        _check_model(one)
    if count is not None or len(scenes) > 1:
        wanted = series(scenes, count or 1)
        grow_series(wanted, out, machine, began, batch_size, overwrite=overwrite)
        return
    chosen = scenes[0]

    def prepare() -> Grow:
        from taue import run

        return lambda pipe, bars: run.make(pipe, chosen, bars)

    growing = foregrounds_of(chosen)
    grow_result(chosen, prepare, growing, out, machine, began, overwrite=overwrite)


def _check_model(scene: Scene) -> None:
    """What can be known of a scene's model and pictures before torch is imported."""
    require_pictures(scene)
    for one in scene.loras:
        loras.resolve_lora(one.name)
    if models.resolve(scene.model).kind is not models.Kind.hub and scene.revision is not None:
        raise TaueError(
            f"revision is {scene.revision!r}, but model {scene.model} is not from the hub; "
            "leave the revision out."
        )
