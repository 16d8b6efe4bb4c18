"""The pipeline as its users meet it: what goes in, what comes out, what is declined."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, StableDiffusionXLPipeline
from PIL import Image
from torch import Tensor

from schedulers import build
from taue import Subject, TauePipeline
from taue.errors import TaueError
from taue.layers import Layers
from taue.scene.subject import Box
from taue.seedling import Seedling
from taue.settings import Settings
from taue.space import Level

STEPS = 2
APPLE, DESERT = "a red apple", "a desert at sunset"


@pytest.fixture(scope="module")
def pipe(tiny_sdxl: Path) -> TauePipeline:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def seeded(seed: int = 7) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def layers(pipe: TauePipeline, **changes: Any) -> Layers:
    arguments: dict[str, Any] = {
        "subjects": [APPLE],
        "background": DESERT,
        "num_inference_steps": STEPS,
        "generator": seeded(),
        "output_type": "pt",
        # Random weights paint no object, however often they try.
        "settings": Settings(tries=1, quality="best"),
    }
    return pipe(**{**arguments, **changes})


@pytest.fixture(scope="module")
def made(pipe: TauePipeline) -> Layers:
    """The scene of most of these tests, to look at alone."""
    return layers(pipe)


def pictures(result: Layers) -> Tensor:
    """Everything that was painted, in one [4 + n, H, W] stack."""
    subjects = [s.image for s in result.subjects]
    return torch.cat([result.composite, result.background, *result.foregrounds, *subjects])


# What comes out


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(pipe: TauePipeline, made: Layers) -> None:
    assert torch.equal(pictures(made), pictures(layers(pipe)))


@pytest.mark.slow
def test_another_seed_or_a_generator_used_again_gives_another_picture(pipe: TauePipeline) -> None:
    def drawn(generator: torch.Generator) -> Layers:
        return layers(pipe, generator=generator, output_type="latent")

    generator = seeded()
    first, again = drawn(generator), drawn(generator)
    other = drawn(seeded(8))
    assert not torch.equal(first.composite, again.composite)
    assert not torch.equal(first.composite, other.composite)


@pytest.mark.slow
def test_another_subject_changes_no_other_foreground(pipe: TauePipeline) -> None:
    stages = Settings(tries=1, quality="best", layering="difference")
    apple = Subject(APPLE, box=Box(0.1, 0.2, 0.4, 0.5))
    ball = Subject("a blue ball", "dark", Box(0.5, 0.5, 0.4, 0.4))
    alone, both = (
        layers(pipe, subjects=some, settings=stages) for some in ([apple], [apple, ball])
    )
    # Equal but for the rounding of kernels that a larger batch chooses.
    torch.testing.assert_close(alone.foregrounds[0], both.foregrounds[0], atol=1e-4, rtol=0)
    torch.testing.assert_close(alone.masks[0], both.masks[0])
    assert not torch.equal(alone.composite, both.composite)
    assert not torch.equal(both.foregrounds[0], both.foregrounds[1])
    assert [s.subject for s in both.subjects] == [apple, ball]


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), [(72, 136), (64, 128), (200, 64)])
def test_any_multiple_of_eight_is_a_canvas(pipe: TauePipeline, height: int, width: int) -> None:
    result = layers(pipe, height=height, width=width, subjects=[APPLE, "a blue car"])
    assert result.composite.shape == result.background.shape == (3, height, width)
    for subject, foreground, mask, attention, seedling in zip(
        result.subjects, result.foregrounds, result.masks, result.attention_maps,
        result.seedlings, strict=True,
    ):  # fmt: skip
        assert subject.image.shape == (4, height, width)
        assert foreground.shape == (3, height, width)
        assert mask.shape == attention.shape == (height // 8, width // 8)
        assert seedling.denoised.shape == (1, 4, height // 8, width // 8)
        assert set(mask.unique().tolist()) <= {0.0, 1.0}
    assert torch.stack([p.isfinite().all() for p in pictures(result)]).all()


@pytest.mark.slow
def test_output_types_are_views_of_the_same_picture(pipe: TauePipeline, made: Layers) -> None:
    pt, array = made, layers(pipe, output_type="np")
    pil, latent = layers(pipe, output_type="pil"), layers(pipe, output_type="latent")
    assert array.composite.shape == (128, 128, 3) and array.subjects[0].image.shape[2] == 4
    np.testing.assert_array_equal(array.composite, pt.composite.permute(1, 2, 0).numpy())
    assert isinstance(pil.composite, Image.Image) and pil.composite.size == (128, 128)
    assert pil.subjects[0].image.mode == "RGBA" and pil.background.mode == "RGB"
    np.testing.assert_array_equal(
        np.asarray(pil.subjects[0].image), np.round(array.subjects[0].image * 255)
    )
    assert latent.composite.shape == latent.subjects[0].image.shape == (1, 4, 16, 16)
    decoded = pipe.vae.decode(latent.composite / pipe.vae.config.scaling_factor).sample[0]
    torch.testing.assert_close((decoded / 2 + 0.5).clamp(0, 1), pt.raw_composite)


@pytest.mark.slow
def test_a_tuple_is_the_same_as_layers(pipe: TauePipeline, made: Layers) -> None:
    whole = made
    parts: Any = layers(pipe, return_dict=False)
    assert isinstance(parts, tuple)
    assert torch.equal(parts[0], whole.composite) and torch.equal(parts[1], whole.background)
    assert parts[2][0].subject == whole[2][0].subject == whole["subjects"][0].subject
    assert len(parts) == len(whole.to_tuple())


@pytest.mark.slow
def test_records_count_what_every_stage_cost(pipe: TauePipeline) -> None:
    result = layers(pipe, subjects=[APPLE, "a blue ball"], guidance_scale=1.0)
    found = [(r.stage, r.subjects, r.unet_evaluations) for r in result.records]
    assert found == [
        # Guided, and once more at the harvest step after they were placed.
        ("foreground", (1, 2), 2 * 2 * (STEPS + 1)),
        ("composite", (), STEPS),  # no guidance, one evaluation a step
        ("background", (), STEPS),
        ("decode", (), 0),
        ("refine", (1, 2), 2),  # one step is left after the harvest
        ("heal", (), 1),
    ]
    assert all(r.seconds > 0 for r in result.records)
    assert result.settings["whole"] == f"{APPLE} and a blue ball, {DESERT}"
    assert result.settings["guidance_scale"] == 1.0


@pytest.mark.slow
def test_what_cannot_be_told_from_its_key_is_tried_again_and_not_planted(
    pipe: TauePipeline,
) -> None:
    def tried(**settings: Any) -> Layers:
        return layers(pipe, settings=Settings(**settings), output_type="latent")

    once, thrice = tried(tries=1), tried(tries=3)
    assert "could not be told from its key colour" in once.warnings[0]
    tries = thrice.records[0].unet_evaluations / once.records[0].unet_evaluations
    assert tries == 3 if thrice.warnings else tries in (2, 3)
    assert not torch.equal(once.foregrounds[0], thrice.foregrounds[0])
    # The sharpening of what is planted cannot matter where nothing is.
    assert torch.equal(once.composite, tried(tries=1, sharpening=2.0).composite)


@pytest.mark.slow
def test_no_guidance_anywhere_runs_and_listens(pipe: TauePipeline) -> None:
    result = layers(pipe, guidance_scale=0.0, foreground_guidance_scale=1.0)
    assert [r.unet_evaluations for r in result.records] == [STEPS, STEPS, STEPS, 0, 1, 1]
    assert result.attention_maps[0].max() == 1


@pytest.mark.slow
@pytest.mark.parametrize("family", ["dpm++2m", "unipc", "lcm", "heun", "euler-ancestral"])
def test_every_scheduler_family_makes_layers(tiny_sdxl: Path, family: str) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = build(family)
    one, again = (layers(pipe, height=64, width=64) for _ in range(2))
    assert one.composite.isfinite().all() and torch.equal(one.composite, again.composite)
    # Two samples an iteration; Heun's two steps are three iterations.
    assert one.records[0].unet_evaluations == (6 if family == "heun" else 4)


# What goes in


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no subject": ({"subjects": []}, "subjects"),
    "no subject at all": ({"subjects": None}, "subjects"),
    "a subject that is no text": ({"subjects": [3]}, "subject"),
    "one name for two": (
        {"subjects": [Subject(APPLE, name="it"), Subject(APPLE, name="It")]},
        "subjects",
    ),
    "empty subject": ({"subjects": [" "]}, "subject"),
    "empty background": ({"background": ""}, "background"),
    "background that is no text": ({"background": 5}, "background"),
    "empty scene": ({"scene": " "}, "scene"),
    "one step": ({"num_inference_steps": 1}, "num_inference_steps"),
    "half a step": ({"num_inference_steps": 2.5}, "num_inference_steps"),
    "guidance that is no number": ({"guidance_scale": float("nan")}, "guidance_scale"),
    "boundless guidance": ({"foreground_guidance_scale": float("inf")}, "foreground_guidance"),
    "negative guidance": ({"guidance_scale": -1.0}, "guidance_scale"),
    "crop ratio 0": ({"crop_ratio": 0.0}, "crop_ratio"),
    "crop ratio 1": ({"crop_ratio": 1.0}, "crop_ratio"),
    "unknown key": ({"key": "beige"}, "key"),
    "odd canvas": ({"height": 130}, "height"),
    "small canvas": ({"width": 56}, "width"),
    "canvas that is no number": ({"width": "128"}, "width"),
    "generators": ({"generator": [torch.Generator(), torch.Generator()]}, "generator"),
    "unknown output": ({"output_type": "jpg"}, "output_type"),
    "unknown tensor": (
        {"callback_on_step_end_tensor_inputs": ["prompt_embeds"]},
        "callback_on_step_end_tensor_inputs",
    ),
    "negative prompt that is no text": ({"negative_prompt": ["dark"]}, "negative_prompt"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_declined_in_a_sentence_that_names_it(pipe: TauePipeline, name: str) -> None:
    changes, field = BAD[name]
    with pytest.raises(TaueError, match=rf"^{field}.+\.$") as caught:
        layers(pipe, **changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("values", [(0, 0, 0, 1), (0.6, 0, 0.5, 1), (0, float("nan"), 1, 1)])
def test_a_box_must_lie_on_the_canvas(values: tuple[float, float, float, float]) -> None:
    with pytest.raises(TaueError, match=r"^box"):
        Box(*values)


def test_a_step_that_the_scheduler_cannot_take_is_a_sentence(tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.scheduler = build("lcm")
    with pytest.raises(TaueError, match="num_inference_steps"):
        layers(pipe, num_inference_steps=60)  # LCM was distilled to 50


def test_a_scheduler_of_another_family_is_declined_before_anything_runs(tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.scheduler = FlowMatchEulerDiscreteScheduler()
    pipe.text_encoder = None  # whoever encodes fails
    with pytest.raises(TaueError, match=r"^scheduler FlowMatch\w+ is not supported"):
        layers(pipe)


@pytest.mark.slow
def test_arguments_override_settings(pipe: TauePipeline) -> None:
    settings = Settings(num_inference_steps=9, crop_ratio=0.25, key="blue")
    result = layers(pipe, settings=settings, crop_ratio=0.75)
    assert result.settings["num_inference_steps"] == STEPS
    assert (result.settings["crop_ratio"], result.settings["key"]) == (0.75, "blue")


# Callbacks


@pytest.mark.slow
def test_a_callback_sees_every_step_of_every_stage_in_order(pipe: TauePipeline) -> None:
    seen: list[tuple[Any, ...]] = []

    def callback(own: Any, step: int, timestep: Any, handed: dict[str, Any]) -> dict[str, Any]:
        assert own is pipe and own.num_timesteps == STEPS
        assert handed["latents"].shape == (max(1, len(handed["subjects"])), 4, 16, 16)
        seen.append((handed["stage"], handed["subjects"], step, handed["steps"], int(timestep)))
        return {}

    layers(pipe, subjects=[APPLE, "a blue ball"], callback_on_step_end=callback)
    stages = [("foreground", (1, 2)), ("composite", ()), ("background", ())]
    times = [501, 1]  # SDXL's leading timesteps for two steps
    whole = [(*s, i, STEPS, times[i]) for s in stages for i in range(STEPS)]
    # The layers grow on from the harvest step, which is the last of two.
    further = [(*s, 1, STEPS, times[1]) for s in (("refine", (1, 2)), ("heal", ()))]
    assert seen == whole + further


def test_a_callback_is_handed_what_the_docstring_says(pipe: TauePipeline) -> None:
    handed: list[set[str]] = []

    def callback(own: Any, step: int, timestep: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        handed.append(set(kwargs))
        own._interrupt = True
        return kwargs

    layers(pipe, callback_on_step_end=callback, output_type="latent")
    told = (TauePipeline.__call__.__doc__ or "").split("callback_on_step_end: ")[1]
    named = set(re.findall(r'"(\w+)"', told.split("callback_on_step_end_tensor_inputs")[0]))
    assert handed[0] == named == {"latents", "denoised", "corners", "stage", "subjects", "steps"}
    assert all(one == named for one in handed)


@pytest.mark.slow
def test_a_callback_changes_the_latents_of_its_stage_alone(pipe: TauePipeline) -> None:
    def callback(own: Any, step: int, timestep: Any, handed: dict[str, Any]) -> dict[str, Any]:
        last = handed["stage"] == "background" and step == STEPS - 1
        return {"latents": torch.zeros_like(handed["latents"])} if last else handed

    plain = layers(pipe, output_type="latent")
    changed = layers(pipe, output_type="latent", callback_on_step_end=callback)
    assert torch.equal(changed.composite, plain.composite)
    assert not changed.background.any()


@pytest.mark.slow
@pytest.mark.parametrize("box", [None, Box(0.1, 0.3, 0.6, 0.6)])
def test_a_callback_sees_the_step_at_which_a_stage_is_harvested(
    pipe: TauePipeline, box: Box | None
) -> None:
    """Although what follows it is another pass, on a window or beside the background."""
    seen: dict[str, list[int]] = {}
    doubled: tuple[str, int] | None = None

    def callback(own: Any, step: int, timestep: Any, handed: dict[str, Any]) -> dict[str, Any]:
        seen.setdefault(handed["stage"], []).append(step)
        more = 2 if (handed["stage"], step) == doubled else 1
        return {"latents": more * handed["latents"]}

    wish = {"num_inference_steps": 15, "settings": Settings(tries=1), "output_type": "latent"}
    wish["subjects"] = [Subject("a red apple", box=box)]
    plain = layers(pipe, **wish)
    told = layers(pipe, callback_on_step_end=callback, **wish)
    assert seen["foreground"] == list(range(12))
    assert seen["composite"] == list(range(15))
    assert torch.equal(told.composite, plain.composite)
    doubled = ("foreground", 6 if box else 8)
    other = layers(pipe, callback_on_step_end=callback, **wish)
    assert not torch.equal(other.foregrounds[0], plain.foregrounds[0])
    doubled = ("composite", 9)
    other = layers(pipe, callback_on_step_end=callback, **wish)
    assert torch.equal(other.foregrounds[0], plain.foregrounds[0])
    assert not torch.equal(other.composite, plain.composite)


@pytest.mark.slow
def test_an_interrupt_ends_soon_and_leaves_no_trace(pipe: TauePipeline) -> None:
    before = dict(pipe.unet.attn_processors)
    seen: list[str] = []

    def callback(own: Any, step: int, timestep: Any, handed: dict[str, Any]) -> dict[str, Any]:
        seen.append(handed["stage"])
        own._interrupt = True
        return handed

    result = layers(pipe, num_inference_steps=20, callback_on_step_end=callback)
    stages = ["foreground", "composite", "background", "refine", "heal"]
    assert seen == stages  # one step each
    assert any("interrupted" in warning for warning in result.warnings)
    after = pipe.unet.attn_processors
    assert all(after[name] is before[name] for name in before)
    assert not layers(pipe).warnings or "interrupted" not in layers(pipe).warnings[0]


@pytest.mark.slow
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_no_trace(
    pipe: TauePipeline, made: Layers, error: type[BaseException]
) -> None:
    before = dict(pipe.unet.attn_processors)

    def callback(own: Any, step: int, timestep: Any, handed: dict[str, Any]) -> dict[str, Any]:
        if handed["stage"] == "composite":
            raise error
        return handed

    with pytest.raises(error):
        layers(pipe, callback_on_step_end=callback)
    after = pipe.unet.attn_processors
    assert all(after[name] is before[name] for name in before)
    assert torch.equal(layers(pipe).composite, made.composite)


# A diffusers pipeline like any other


@pytest.mark.slow
def test_a_plain_pipeline_becomes_one_and_stays_as_it_was(tiny_sdxl: Path, made: Layers) -> None:
    plain: Any = StableDiffusionXLPipeline.from_pretrained(tiny_sdxl)
    plain.set_progress_bar_config(disable=True)

    def call() -> Tensor:
        return plain(
            APPLE, num_inference_steps=STEPS, generator=seeded(), output_type="latent"
        ).images

    before = call()
    ours = TauePipeline.from_pipe(plain)
    ours.set_progress_bar_config(disable=True)
    assert torch.equal(layers(ours).composite, made.composite)
    assert torch.equal(call(), before)


@pytest.mark.slow
def test_a_saved_pipeline_paints_the_same_picture(
    pipe: TauePipeline, made: Layers, tmp_path: Path
) -> None:
    pipe.save_pretrained(tmp_path / "saved")
    again = TauePipeline.from_pretrained(str(tmp_path / "saved"))
    again.set_progress_bar_config(disable=True)
    assert torch.equal(pictures(layers(again)), pictures(made))


@pytest.mark.slow
def test_half_precision_makes_layers_with_float32_harvests(tiny_sdxl: Path) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl), torch_dtype=torch.bfloat16)
    pipe.set_progress_bar_config(disable=True)
    result = layers(pipe)
    assert pictures(result).dtype == result.seedlings[0].denoised.dtype == torch.float32
    assert pictures(result).isfinite().all()


@pytest.mark.slow
def test_a_low_rank_adapter_changes_the_layers_and_unloads(
    tiny_sdxl: Path, pipe: TauePipeline, made: Layers
) -> None:
    import peft

    adapted = TauePipeline.from_pretrained(str(tiny_sdxl))
    adapted.set_progress_bar_config(disable=True)
    adapted.unet.add_adapter(
        peft.LoraConfig(r=2, target_modules=["attn2.to_k"], init_lora_weights=False)
    )
    drawn, plain = (layers(one, output_type="latent").foregrounds[0] for one in (adapted, pipe))
    assert not torch.equal(drawn, plain)
    silenced = layers(adapted, cross_attention_kwargs={"scale": 0.0})
    torch.testing.assert_close(silenced.raw_composite, made.raw_composite, atol=1e-5, rtol=0)
    # The layers are of 8 bits, and rounding may fall the other way.
    torch.testing.assert_close(silenced.composite, made.composite, atol=1 / 255, rtol=0)


# Seedlings


@pytest.mark.slow
def test_a_seedling_survives_its_file(made: Layers, tmp_path: Path) -> None:
    seedling = made.seedlings[0]
    seedling.save(tmp_path / "apple.safetensors")
    again = Seedling.load(tmp_path / "apple.safetensors")
    assert again.level == seedling.level and again.sigma == seedling.sigma
    for name in ("denoised", "noise", "attention", "mask"):
        assert torch.equal(getattr(again, name), getattr(seedling, name))
    at_two = Level(1.0, 2.0).mix(again.denoised, again.noise)
    assert torch.equal(at_two, seedling.denoised + 2.0 * seedling.noise)
    assert [p.name for p in tmp_path.iterdir()] == ["apple.safetensors"]


def test_a_seedling_of_the_time_when_levels_were_ratios_is_read(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    latents, cells = torch.ones(1, 4, 8, 8), torch.ones(8, 8)
    old = {
        "denoised": latents,
        "noise": -latents,
        "sigma": torch.tensor(2.5, dtype=torch.float64),
        "attention": cells,
        "mask": 1 - cells,
    }
    save_file(old, tmp_path / "old.safetensors")
    assert Seedling.load(tmp_path / "old.safetensors").level == Level(1.0, 2.5)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def not_one(path: Path) -> None:
    path.write_text("a seedling")


def without_its_noise(path: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(path)
    del tensors["noise"]
    save_file(tensors, path)


@pytest.mark.parametrize("spoil", [cut_short, not_one, without_its_noise, Path.unlink])
def test_a_broken_seedling_is_declined_in_a_sentence(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    path = tmp_path / "broken.safetensors"
    latents, cells = torch.ones(1, 4, 8, 8), torch.ones(8, 8)
    Seedling(latents, -latents, Level(1.0, 2.0), cells, 1 - cells).save(path)
    spoil(path)
    with pytest.raises(TaueError, match=r"^seedling .*broken.safetensors cannot be read"):
        Seedling.load(path)
