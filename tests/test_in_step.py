"""Several scenes as one batch are what each is alone, in fewer passes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import EulerAncestralDiscreteScheduler
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from batches import scenes_file
from families import KITS
from taue import Layers, Scene, TauePipeline, frugal
from taue.cli import app
from taue.cultivate import cultivate
from taue.errors import LittleMemoryError, TaueError
from taue.generation import Generation
from taue.memo import Memo
from taue.noise import seed_of
from taue.together import alike, in_batches

BOXES = [[0.05, 0.1, 0.4, 0.4], [0.5, 0.5, 0.45, 0.4]]


def scene(*prompts: str, background: str = "a desert", **fields: Any) -> Scene:
    """Of as many subjects; several have boxes."""
    boxed = [{"box": box} for box in BOXES] if len(prompts) > 1 else [{}]
    told = {
        "background": background,
        "subjects": [{"prompt": p, **b} for p, b in zip(prompts, boxed, strict=True)],
        "steps": 3,
        "canvas": {"width": 64, "height": 64},
    }
    return Scene.from_data({**told, **fields})


def scenes_of(**fields: Any) -> list[Scene]:
    return [
        scene("a red apple", seed=3, **fields),
        scene("a blue ball", "a red car", background="a beach", seed=8, **fields),
        scene("a red apple", background="a meadow", seed=3, **fields),  # the first one's subject
    ]


ONCE: dict[str, Any] = {"method": {"tries": 1}}
"""Where it is not the point that what random weights paint is tried again."""

SCENES = scenes_of()


def pictures(layers: Layers) -> Iterator[np.ndarray]:
    for one in (layers.composite, layers.background, *(s.image for s in layers.subjects)):
        yield np.asarray(one, np.float32)
    yield from (np.asarray(mask, np.float32) * 255 for mask in layers.masks)


def furthest(some: Sequence[Layers], others: Sequence[Layers]) -> float:
    """In 1/255."""
    return max(
        float(np.abs(one - other).max())
        for a, b in zip(some, others, strict=True)
        for one, other in zip(pictures(a), pictures(b), strict=True)
    )


@pytest.fixture(scope="module")
def pipe() -> TauePipeline:
    """In double precision: in single a network of random weights answers a batch of two and one of
    one with 1e-5 between them, and what is told from its key turns on less."""
    made = KITS["sdxl"].pipeline().to(torch.float64)
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The stages of each pass's rows, from now on."""
    seen: list[list[str]] = []

    def counted(backbone: Any, rows: Any, *more: Any) -> Any:
        seen.append([row.stage for row in rows])
        return cultivate(backbone, rows, *more)

    monkeypatch.setattr(frugal, "cultivate", counted)
    return seen


@pytest.mark.slow
def test_a_batch_is_what_its_scenes_are_alone(pipe: TauePipeline, passes: list[list[str]]) -> None:
    alone, needed = list[Layers](), list[int]()
    for one in SCENES:
        alone.append(pipe.make(one, generator=torch.Generator().manual_seed(one.seed)))
        needed.append(len(passes))
        passes.clear()
    processors = dict(pipe.unet.attn_processors)
    together = pipe(scenes=SCENES, batch_size=3)
    assert pipe.unet.attn_processors == processors
    assert furthest(alone, together) <= 1
    assert [one.noise_seed for one in together] == [seed_of(one.seed) for one in SCENES]
    assert passes[0] == ["foreground"] * 3  # the third scene waits for the first one's
    assert len(passes) == max(needed)
    two = pipe(scenes=[SCENES[1], SCENES[0]], batch_size=2)  # whatever it is beside
    assert furthest([alone[1], alone[0]], two) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("family", ["sd15", "sd3", "flux", "pixart", "zimage", "klein"])
def test_a_batch_of_other_families(family: str) -> None:
    """In double precision, as above."""
    pipe = KITS[family].pipeline().to(torch.float64)
    pipe.set_progress_bar_config(disable=True)
    scenes = scenes_of(canvas={"width": 128, "height": 128}, **ONCE)[:2]
    alone, together = (pipe(scenes=scenes, batch_size=size) for size in (1, 2))
    assert furthest(alone, together) <= 1


@pytest.mark.slow
def test_a_model_that_paints_and_a_scheduler_that_draws() -> None:
    """In double precision, where batches of one and of two answer alike; in single the sampler's
    noise lets rounding grow to 2/255 at two values of a picture."""
    painter = TauePipeline.from_pretrained("paddy", dtype=torch.float64)
    painter.set_progress_bar_config(disable=True)
    canvas = {"canvas": {"width": 128, "height": 128}, "steps": 5, **ONCE}
    scenes = [
        scene("a red apple", seed=3, **canvas),
        scene("a blue ball", "a red car", background="a beach", seed=4, **canvas),
    ]
    painter.scheduler = EulerAncestralDiscreteScheduler.from_config(painter.scheduler.config)
    alone, together = (painter(scenes=scenes, batch_size=size) for size in (1, 2))
    assert furthest(alone, together) == 0


@pytest.mark.slow
def test_several_images_of_one_prompt_are_a_batch(
    pipe: TauePipeline, passes: list[list[str]]
) -> None:
    asked = {"subjects": ["a red apple"], "background": "a desert", "height": 64, "width": 64}
    asked |= {"num_inference_steps": 2, "num_images_per_prompt": 2, "output_type": "latent"}
    alone = pipe(**asked, generator=torch.Generator().manual_seed(5))
    passes.clear()
    seen: list[tuple[str, int, tuple[int, ...]]] = []

    def callback(pipe: Any, step: int, time: Any, told: dict[str, Any]) -> dict[str, Any]:
        seen.append((told["stage"], len(told["latents"]), told["subjects"]))
        return told

    together = pipe(
        **asked,
        generator=torch.Generator().manual_seed(5),
        batch_size=2,
        callback_on_step_end=callback,
    )
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one.composite, other.composite, atol=1e-4, rtol=1e-4)
    assert ["composite", "composite"] in passes
    assert ("foreground", 2, (1, 1)) in seen and ("composite", 2, ()) in seen


@pytest.mark.slow
def test_what_scenes_have_in_common_is_made_once(
    pipe: TauePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = scenes_of(**ONCE)[::2]
    scenes += [scene("a red apple", **{"seed": 3, **ONCE, **more}) for more in MORE]
    alone = [pipe.make(one, generator=torch.Generator().manual_seed(one.seed)) for one in scenes]
    encode, read = pipe.backbone_class.encode_prompt, list[tuple[str, str | None]]()

    def heard(self: Any, prompt: str, negative: str | None, *more: Any) -> Any:
        read.append((prompt, negative))
        return encode(self, prompt, negative, *more)

    monkeypatch.setattr(pipe.backbone_class, "encode_prompt", heard)
    memo, together = Memo(), list[Any]()
    for one in scenes:
        together += pipe.make_together([one], [seed_of(one.seed)], memo)
    assert furthest(alone, together) == 0
    assert len(read) == len(set(read))
    spent = [sum(r.unet_evaluations for r in one.records if r.stage == "foreground")
             for one in together]  # fmt: skip
    assert spent[1] == 0 and all(spent[:1] + spent[2:])


MORE: list[dict[str, Any]] = [
    {"seed": 8},
    {"negative_prompt": "dark"},
    {"foreground_guidance_scale": 2.0},
    {"method": {"crop_ratio": 0.4, "tries": 1}},
    {"subjects": [{"prompt": "a red apple", "box": BOXES[0]}]},
    {"subjects": [{"prompt": "a red apple", "seed": 4}]},
    {"canvas": {"width": 64, "height": 128}},
]
"""Each of which alone makes another foreground."""


@pytest.mark.slow
def test_one_that_fails_spoils_no_other_and_a_pass_that_fails_all(
    pipe: TauePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Generation.layers

    def lost(self: Generation, *given: Any) -> Layers:
        if self.request.background == "a beach":
            raise TaueError("a subject is lost.")
        return whole(self, *given)

    monkeypatch.setattr(Generation, "layers", lost)
    scenes = scenes_of(**ONCE)
    made = pipe.make_together(scenes, [1, 2, 3])
    assert [type(one) for one in made] == [Layers, TaueError, Layers]
    with pytest.raises(TaueError, match="a subject is lost"):
        pipe(scenes=scenes, batch_size=3, output_type="latent")

    def full(*given: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(frugal, "cultivate", full)
    with pytest.raises(LittleMemoryError, match="too little memory"):
        pipe.make_together(scenes, [1, 2, 3])


@pytest.mark.slow
def test_where_memory_runs_out_batches_are_smaller(
    pipe: TauePipeline, passes: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = [scene("a red apple", seed=seed, steps=2, **ONCE) for seed in range(4)]
    counted: Any = frugal.cultivate

    def narrow(backbone: Any, rows: Any, *more: Any) -> Any:
        if len(rows) > 2:
            raise MemoryError
        return counted(backbone, rows, *more)

    monkeypatch.setattr(frugal, "cultivate", narrow)
    together = pipe(scenes=scenes, batch_size=4, output_type="latent")
    assert max(map(len, passes)) == 2 and len(together) == 4
    monkeypatch.setattr(frugal, "cultivate", counted)
    alone = pipe(scenes=scenes, output_type="latent")
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one.composite, other.composite, atol=1e-4, rtol=1e-4)


@given(st.lists(st.integers(), max_size=40), st.integers(1, 9), st.integers(1, 9))
def test_batches_keep_the_order_and_what_memory_holds(
    jobs: list[int], size: int, room: int
) -> None:
    made: list[int] = []

    def make(batch: Sequence[int]) -> Sequence[int]:
        if len(batch) > room:
            raise LittleMemoryError("full.")
        made.append(len(batch))
        return [-one for one in batch]

    assert list(in_batches(jobs, size, make)) == [-one for one in jobs]
    assert all(1 <= one <= min(size, room) for one in made) and sum(made) == len(jobs)


def test_what_differs_in_canvas_or_method_is_no_batch() -> None:
    scenes = [
        SCENES[0],
        scene("a car", steps=4),
        SCENES[1],
        scene("a car", method={"key": "blue"}),
        SCENES[2],
    ]
    assert alike(scenes) == [[0, 2, 4], [1], [3]]


@pytest.mark.slow
def test_a_batch_size_that_can_be_none_is_refused(pipe: TauePipeline, tmp_path: Path) -> None:
    for wrong in (0, 101, 1.5, True, "2"):
        with pytest.raises(TaueError, match=r"batch_size is .*; give a whole number from 1 to 100"):
            pipe(scenes=SCENES, batch_size=wrong)
    file = scenes_file(tmp_path, 2)
    told = ["batch", "run", str(file), "--out", str(tmp_path / "store"), "--batch-size", "0"]
    result = CliRunner().invoke(app, told)
    assert result.exit_code == 2 and "batch-size is 0; give a whole number" in result.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.slow
def test_taue_batch_run_in_batches_that_share_subjects(tiny_sdxl: Path, tmp_path: Path) -> None:
    import pandas as pd

    varied = {"background": {"each": ["a beach", "a desert", "a meadow"]}, "method": "paper"}
    file = scenes_file(tmp_path, 2, model=str(tiny_sdxl), **varied)
    frames: list[pd.DataFrame] = []
    for name, more in (("alone", []), ("together", ["--batch-size", "4"])):
        told = ["batch", "run", str(file), "--out", str(tmp_path / name), "--device", "cpu", *more]
        result = CliRunner().invoke(app, told)
        assert result.exit_code == 0, result.stderr
        frame = pd.read_parquet(tmp_path / name / "index").sort_values("id")
        frames.append(frame.reset_index(drop=True))
    one, other = frames
    assert set(one["together"]) == {1} and set(other["together"]) == {4, 2}
    assert list(one["id"]) == list(other["id"])
    for places in zip(one["place"], other["place"], strict=True):
        folders = [tmp_path / n / p for n, p in zip(("alone", "together"), places, strict=True)]
        for file in ("composite.png", "background.png"):
            a, b = (np.asarray(open_picture(folder / file), np.int16) for folder in folders)
            assert np.abs(a - b).max() <= 1
    # Of each seed one scene grew the subject, and the two others have it.
    for frame, name in zip(frames, ("alone", "together"), strict=True):
        grew = 0
        for place in frame["place"]:
            report = json.loads((tmp_path / name / place / "report.json").read_text())
            stages = [s for s in report["stages"] if s["stage"] == "foreground"]
            grew += sum(s["unet_evaluations"] for s in stages) > 0
        assert grew == 2


def open_picture(path: Path) -> Any:
    from PIL import Image

    return Image.open(path)
