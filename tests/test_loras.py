"""LoRAs by name, on the command line and in scene files; schedulers as people write them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from taue import Scene, loras, run
from taue.commands.options import chosen_scene, lora_from
from taue.errors import TaueError
from taue.scene.model import SceneLora
from taue.schedulers import scheduler_class

WANTED = {"subject": ["a red apple"], "background": "a beach", "steps": 2}


def scene(*given: str, **options: object) -> Scene:
    return chosen_scene(None, {**WANTED, "lora": list(given) or None, **options})


def test_a_lora_is_a_name_and_a_weight() -> None:
    assert lora_from("few-steps") == {"name": "few-steps"}
    assert lora_from("few-steps:0.5") == {"name": "few-steps", "weight": 0.5}
    assert lora_from("C:\\mine.safetensors") == {"name": "C:\\mine.safetensors"}
    found = scene("few-steps:0.5", "other/lora").loras
    assert found == (SceneLora(name="few-steps", weight=0.5), SceneLora(name="other/lora"))
    assert Scene.loads(scene("few-steps:0.5").dumps(), "toml").loras == found[:1]


def test_options_replace_the_files_loras() -> None:
    assert scene().loras == ()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("few-steps:99", r"lora.*weight is 99.*-10 to 10"),
        ("nowhere.safetensors", r"lora 'nowhere.safetensors' is missing"),
        ("nowhere.bin", r"lora 'nowhere.bin' is of a format that can run code"),
        ("few steps", r"lora 'few steps' is missing; .* few-steps"),
        ("x" * 5000, r"lora .* is missing|too long|has 5000"),
    ],
)
def test_what_is_no_lora_is_refused_before_a_model_is_read(name: str, said: str) -> None:
    with pytest.raises(TaueError, match=said):
        run.load(scene(name), torch.device("cpu"), torch.float32)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no LoRA")
    with pytest.raises(TaueError, match=r"is no \.safetensors file"):
        loras.resolve_lora(str(text))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\0" * 64)
    with pytest.raises(TaueError, match=r"^lora '.*broken.safetensors' does not fit this model"):
        run.load(scene(str(broken)), torch.device("cpu"), torch.float32)


def test_a_lora_of_another_model_is_refused() -> None:
    with pytest.raises(TaueError, match=r"^lora 'few-steps' (holds nothing|does not fit)"):
        run.load(scene("few-steps", model="paddy-dit"), torch.device("cpu"), torch.float32)


def test_without_peft_a_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TaueError, match=r'^lora needs peft; .*"taue\[lora\]"'):
        loras.load_loras(object(), scene("few-steps").loras)


@pytest.mark.slow
def test_weights_count_and_none_of_it_is_none() -> None:
    def drawn(*given: str) -> np.ndarray:
        chosen = scene(*given, scheduler="lcm", guidance=1.0)
        once = chosen.method.model_copy(update={"tries": 1})
        chosen = chosen.model_copy(update={"method": once})
        pipe = run.load(chosen, torch.device("cpu"), torch.float32)
        pipe.set_progress_bar_config(disable=True)
        return np.asarray(run.make(pipe, chosen).background).astype(int)

    without, half, none = drawn(), drawn("few-steps:0.5"), drawn("few-steps:0")
    assert np.abs(none - without).max() <= 1
    assert np.abs(half - without).max() > 8


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ddim", "DDIMScheduler"),
        ("Euler a", "EulerAncestralDiscreteScheduler"),
        ("euler-a", "EulerAncestralDiscreteScheduler"),
        ("DPM++ 2M", "DPMSolverMultistepScheduler"),
        ("dpm++", "DPMSolverMultistepScheduler"),
        ("LCM", "LCMScheduler"),
        ("UniPC", "UniPCMultistepScheduler"),
        ("HeunDiscreteScheduler", "HeunDiscreteScheduler"),
    ],
)
def test_schedulers_are_found_as_people_write_them(written: str, name: str) -> None:
    assert scheduler_class(written).__name__ == name


def test_every_written_scheduler_is_one() -> None:
    from taue.schedulers import WRITTEN

    for written, name in WRITTEN.items():
        assert scheduler_class(written).__name__ == name
