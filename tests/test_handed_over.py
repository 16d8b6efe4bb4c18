"""Pipelines handed to diffusers and back, saved and loaded, and its ways to save memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import (
    AutoPipelineForInpainting,
    DDIMScheduler,
    DiffusionPipeline,
    StableDiffusionXLControlNetPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLPipeline,
)

from families import KITS, Kit
from taue import TauePipeline
from taue.errors import TaueError
from taue.settings import Settings


@pytest.fixture(params=KITS)
def kit(request: Any) -> Kit:
    return KITS[request.param]


def drawn(pipe: Any, output_type: str = "np") -> np.ndarray:
    layers = pipe(
        ["a red apple"], background="a desert", num_inference_steps=2, height=128, width=128,
        generator=torch.Generator().manual_seed(3), output_type=output_type,
        settings=Settings(tries=1),  # random weights paint no object, however often they try
    )  # fmt: skip
    return np.asarray(layers.composite)


def test_a_pipeline_goes_to_diffusers_and_back(kit: Kit, painter: TauePipeline) -> None:
    for pipe in (kit.pipeline(), *([painter] if kit.name == "sdxl" else [])):
        plain = pipe.plain()
        assert type(plain) is kit.plain
        assert all(plain.components[name] is part for name, part in pipe.components.items())
        back = TauePipeline.from_pipe(plain)
        assert type(back) is type(pipe)
        assert all(back.components[name] is part for name, part in pipe.components.items())
    named: Any = StableDiffusionXLPipeline.from_pipe(painter, vae=painter.vae)
    assert type(named) is StableDiffusionXLPipeline and named.vae is painter.vae
    with pytest.raises(ValueError, match="expected"):  # diffusers' own, between its own classes too
        StableDiffusionXLImg2ImgPipeline.from_pipe(painter.plain())


def test_a_pipeline_becomes_any_of_its_family(painter: TauePipeline) -> None:
    other = painter.plain(StableDiffusionXLImg2ImgPipeline)
    assert type(other) is StableDiffusionXLImg2ImgPipeline
    assert all(other.components[name] is part for name, part in painter.components.items())
    assert type(AutoPipelineForInpainting.from_pipe(painter.plain())).__name__ == (
        "StableDiffusionXLInpaintPipeline"
    )
    back = TauePipeline.from_pipe(painter.plain(), scheduler=(ddim := DDIMScheduler()))
    assert back.scheduler is ddim and back.vae is painter.vae
    for kind, given, said in (
        (StableDiffusionXLControlNetPipeline, {}, "needs controlnet, which"),
        (StableDiffusionXLPipeline, {"unett": None}, "knows no unett"),
        ("img2img", {}, "kind is 'img2img'"),
    ):
        with pytest.raises(TaueError, match=said):
            painter.plain(kind, **given)


def test_handing_over_keeps_the_precision_of_every_part(kit: Kit) -> None:
    pipe = kit.pipeline()
    mixed = {"vae": torch.float32}  # as many keep SDXL's
    for name, part in pipe.components.items():
        if isinstance(part, torch.nn.Module):
            part.to(mixed.get(name, torch.bfloat16))
    before = {
        name: part.dtype
        for name, part in pipe.components.items()
        if isinstance(part, torch.nn.Module)
    }
    there = pipe.plain()
    back = TauePipeline.from_pipe(there)
    assert {name: getattr(back, name).dtype for name in before} == before
    assert TauePipeline.from_pipe(there, torch_dtype=torch.float32).dtype == torch.float32


@pytest.mark.slow
def test_a_saved_model_is_found_by_diffusers_and_by_us(kit: Kit, tmp_path: Path) -> None:
    pipe = kit.pipeline()
    expected = drawn(pipe)
    pipe.save_pretrained(tmp_path / "saved")
    loaded: Any = DiffusionPipeline.from_pretrained(tmp_path / "saved", trust_remote_code=True)
    assert type(loaded) is type(pipe)
    loaded.set_progress_bar_config(disable=True)
    # Read from a file, weights lie elsewhere in memory, and some CPUs then sum in another order.
    apart = np.abs(drawn(loaded) - expected)
    assert apart.max() < 1.01 / 255
    assert apart.mean() < 1e-5
    with pytest.raises(ValueError, match="trust_remote_code"):
        DiffusionPipeline.from_pretrained(tmp_path / "saved")
    again = TauePipeline.from_pretrained(tmp_path / "saved")
    assert type(again) is type(pipe)
    again.save_pretrained(tmp_path / "twice")
    code = [(tmp_path / name / "pipeline.py").read_text() for name in ("saved", "twice")]
    assert code[0] == code[1]
    index = json.loads((tmp_path / "twice" / "model_index.json").read_text())
    assert index["_class_name"] == ["pipeline", type(pipe).__name__]


def test_no_code_of_a_folder_is_run(tmp_path: Path) -> None:
    KITS["sdxl"].pipeline().save_pretrained(tmp_path / "saved")
    (tmp_path / "saved" / "pipeline.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert TauePipeline.from_pretrained(tmp_path / "saved").family == "sdxl"
    index = json.loads((tmp_path / "saved" / "model_index.json").read_text())
    for strange in ([], ["pipeline", "Other"], ["pipeline", 3], [[]]):
        index["_class_name"] = strange
        (tmp_path / "saved" / "model_index.json").write_text(json.dumps(index))
        with pytest.raises(TaueError, match="which is of no known family"):
            TauePipeline.from_pretrained(tmp_path / "saved")
    assert not (tmp_path / "ran").exists()


@pytest.mark.slow
def test_attention_in_slices_draws_the_same(kit: Kit) -> None:
    pipe = kit.pipeline()
    expected = drawn(pipe, "latent")
    pipe.enable_attention_slicing(1)
    np.testing.assert_allclose(drawn(pipe, "latent"), expected, atol=1e-3)
    pipe.disable_attention_slicing()
    np.testing.assert_allclose(drawn(pipe, "latent"), expected, atol=1e-3)
