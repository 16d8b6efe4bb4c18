"""The laws of a backbone, the same for every family."""

import functools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from families import (
    CELLS,
    KITS,
    SIDE,
    STEPS,
    Kit,
    everywhere,
    normal,
    predicted,
    region,
)
from schedulers import build
from taue import Box, Layers, Seedling, Subject, TauePipeline, equations
from taue.backbones import Conditioning, Encoded
from taue.backbones.processors import processors
from taue.cultivate import cultivate
from taue.errors import TaueError
from taue.families import FAMILIES
from taue.harvest import harvest_index
from taue.rows import Harvest, Row, Step
from taue.scene import Request
from taue.schedulers import exchanged
from taue.settings import Settings
from taue.solver import Solver
from taue.transplant import Planting, filtered

APPLE, DESERT = "a red apple", "a dark desert"
SETTINGS = Settings(num_inference_steps=STEPS, crop_ratio=0.5, tries=1)
ACCEPTED = [(kit.name, name) for kit in KITS.values() for name in kit.accepted]
REFUSED = [(kit.name, name) for kit in KITS.values() for name in kit.refused]
CANVASES = [(kit.name, canvas) for kit in KITS.values() for canvas in kit.canvases]
NO_CANVASES = [(kit.name, *canvas) for kit in KITS.values() for canvas in kit.no_canvases]


@pytest.fixture(scope="module")
def pipe_of() -> Callable[[str], TauePipeline]:
    """A family's tiny pipeline; who changes it builds one of its own."""
    return functools.cache(lambda name: KITS[name].pipeline())


@pytest.fixture(scope="module")
def made_of(pipe_of: Callable[[str], TauePipeline]) -> Callable[[str], Layers]:
    """What a family's tiny pipeline makes of the scene of all these tests, to look at alone."""
    return functools.cache(lambda name: layers(pipe_of(name)))


@pytest.fixture(scope="module")
def read_of(pipe_of: Callable[[str], TauePipeline]) -> Callable[[str], list[Encoded]]:
    """The apple and the desert as a family reads them, whatever its scheduler."""

    @functools.cache
    def read(name: str) -> list[Encoded]:
        backbone = pipe_of(name).backbone(SIDE, SIDE)
        return [backbone.encode_prompt(text, None) for text in (APPLE, DESERT)]

    return read


@pytest.fixture(params=KITS)
def kit(request: pytest.FixtureRequest) -> Kit:
    return KITS[request.param]


@pytest.fixture
def pipe(kit: Kit, pipe_of: Callable[[str], TauePipeline]) -> TauePipeline:
    return pipe_of(kit.name)


def test_every_family_is_in_the_kit() -> None:
    assert set(KITS) == set(FAMILIES)


# With the method switched off, a pass is diffusers' own call


def bare_pass(
    kit: Kit, pipe: TauePipeline, noise: Tensor, guidance: float, **changes: Any
) -> Harvest:
    backbone = pipe.backbone(*(kit.cell * side for side in noise.shape[-2:]))
    prompt = backbone.encode_prompt(APPLE, kit.against("sunset"))
    row = Row(
        "background",
        noise,
        everywhere(prompt, guidance),
        torch.Generator(),
        **changes,
        crop_ratio=0.5,
    )
    return cultivate(backbone, [row], SETTINGS)[0]


@pytest.mark.slow
@pytest.mark.parametrize("guidance", [5.0, 1.0])
@pytest.mark.parametrize(("name", "canvas"), CANVASES)
def test_one_prompt_without_plantings_is_a_plain_call(
    pipe_of: Any, name: str, canvas: tuple[int, int], guidance: float
) -> None:
    """Encoded, denoised and decoded, while it is listened to."""
    pipe, kit = pipe_of(name), KITS[name]
    noise = normal(3, 1, kit.channels, *kit.grid(*canvas))
    harvest = bare_pass(kit, pipe, noise, guidance, listen_to=(1, 2))
    options: dict[str, Any] = {
        "negative_prompt": kit.against("sunset"),
        "num_inference_steps": STEPS,
        "guidance_scale": guidance,
    }
    latents = kit.call(pipe, APPLE, noise, output_type="latent", **options)
    scale = latents.abs().max().item()
    torch.testing.assert_close(harvest.latents, latents, atol=1e-5 * max(scale, 1), rtol=0)
    assert harvest.evaluations == STEPS * (2 if guidance > 1 and kit.negates else 1)
    assert harvest.attention is not None and harvest.attention.max() == 1
    picture = torch.from_numpy(kit.call(pipe, APPLE, noise, output_type="np", **options)[0])
    found = pipe.backbone(*canvas).decode(harvest.latents)[0].permute(1, 2, 0)
    torch.testing.assert_close(found, picture, atol=1e-5, rtol=0)
    assert picture.std() > 0


def test_encoding_is_the_inverse_of_how_latents_are_scaled(kit: Kit, pipe: TauePipeline) -> None:
    backbone, pictures = pipe.backbone(SIDE, SIDE), normal(4, 1, 3, SIDE, SIDE).sigmoid()
    vae: Any = getattr(pipe, "vae")  # noqa: B009
    encoded = vae.encode(pictures * 2 - 1)
    raw = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mode()
    shape = (1, kit.channels, *kit.grid(SIDE, SIDE))
    assert backbone.encode(pictures).shape == backbone.shape == shape
    torch.testing.assert_close(
        backbone.decode(backbone.encode(pictures)),
        (vae.decode(raw).sample / 2 + 0.5).clamp(0, 1),
        atol=1e-4,
        rtol=0,
    )


@pytest.mark.slow
def test_pndm_is_sd15s_own_and_goes_on_from_a_harvest(pipe_of: Any) -> None:
    """Its second step is made twice, from a timestep that only a whole run has."""
    kit, pipe = KITS["sd15"], TauePipeline.from_pipe(pipe_of("sd15"))
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = build("pndm")
    noise = normal(3, 1, 4, CELLS, CELLS)
    harvest = bare_pass(kit, pipe, noise, 5.0)
    options: dict[str, Any] = {"num_inference_steps": STEPS, "guidance_scale": 5.0}
    latents = kit.call(
        pipe, APPLE, noise, negative_prompt="sunset", output_type="latent", **options
    )
    torch.testing.assert_close(harvest.latents, latents, atol=1e-4, rtol=0)
    assert harvest.evaluations == 2 * (STEPS + 1)
    # From the harvest on: as many steps are left, and the end is near, whatever its memory was.
    backbone = pipe.backbone(SIDE, SIDE)
    prompt = backbone.encode_prompt(APPLE, "sunset")
    row = Row("x", harvest.noise, everywhere(prompt), estimate=harvest.denoised, crop_ratio=0.5)
    resumed = cultivate(backbone, [row], SETTINGS)[0]
    assert resumed.evaluations == harvest.evaluations - 2 * 4
    assert (resumed.latents - harvest.latents).abs().max() < 0.2
    assert pictures(layers(pipe, num_inference_steps=STEPS)).isfinite().all()


# Regions


@pytest.fixture
def both(kit: Kit, pipe: TauePipeline, read_of: Any) -> tuple[Any, Any, Any]:
    return (pipe.backbone(SIDE, SIDE), *read_of(kit.name))


def test_equal_prompts_under_any_masks_are_one_prompt(kit: Kit, both: Any) -> None:
    backbone, apple, _ = both
    latents, soft = normal(5, *backbone.shape), normal(6, 3, *backbone.shape[2:]).softmax(dim=0)
    alone = predicted(backbone, [everywhere(apple)], latents)
    split = predicted(backbone, [Conditioning((apple,) * 3, apple, 5.0, soft)], latents)
    torch.testing.assert_close(split, alone, atol=1e-5, rtol=0)


def test_a_prompt_with_an_empty_mask_changes_nothing(kit: Kit, both: Any) -> None:
    backbone, apple, desert = both
    latents, ones = normal(5, *backbone.shape), torch.ones(1, *backbone.shape[2:])
    alone = predicted(backbone, [everywhere(apple)], latents)
    masks = torch.cat([ones, torch.zeros_like(ones)])
    found = predicted(backbone, [Conditioning((apple, desert), apple, 5.0, masks)], latents)
    torch.testing.assert_close(found, alone, atol=1e-5, rtol=0)
    other = Conditioning((apple, desert), apple, 5.0, masks.flip(0))
    assert (predicted(backbone, [other], latents) - alone).abs().max() > 1e-3


def test_rows_of_a_batch_attend_to_their_own_regions(kit: Kit, both: Any) -> None:
    """Some are guided and some not, some read two prompts and some one."""
    backbone, apple, desert = both
    inside = region(*backbone.shape[2:])
    masks = torch.stack([inside, 1 - inside])
    rows = [
        Conditioning((apple, desert), desert, 5.0, masks),
        everywhere(apple, 1.0),
        everywhere(desert, 3.0),
    ]
    latents = normal(5, 3, *backbone.shape[1:])
    together = predicted(backbone, rows, latents)
    for i, row in enumerate(rows):
        alone = predicted(backbone, [row], latents[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=0)


# The transplant


def seedling_of(harvest: Harvest, family: str) -> Seedling:
    cells = region(*harvest.noise.shape[2:])
    return Seedling(harvest.denoised, harvest.noise, harvest.level, cells, cells, family=family)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scheduler"), ACCEPTED)
def test_at_the_crop_step_the_region_is_the_filtered_seedling(
    pipe_of: Any, read_of: Any, name: str, scheduler: str
) -> None:
    kit, pipe = KITS[name], TauePipeline.from_pipe(pipe_of(name))
    pipe.scheduler = kit.accepted[scheduler]()
    backbone = pipe.backbone(SIDE, SIDE)
    apple, desert = read_of(name)
    row = Row(
        "foreground",
        normal(1, *backbone.shape),
        everywhere(apple),
        torch.Generator(),
        crop_ratio=0.5,
    )
    harvest = cultivate(backbone, [row], SETTINGS)[0]
    seedling = seedling_of(harvest, name)
    inside = seedling.mask
    masks = torch.stack([inside, 1 - inside])
    further = replace(
        row,
        noise=normal(2, *backbone.shape),
        conditioning=Conditioning((apple, desert), desert, 5.0, masks),
        plantings=(Planting(seedling, inside, crop_ratio=0.5),),
    )
    seen: list[Tensor] = []
    ended = cultivate(backbone, [further], SETTINGS, lambda step: seen.append(step.latents))[0]
    solver = Solver(backbone.new_scheduler(STEPS), None)
    crop = solver.order * harvest_index(solver.levels, solver.order, STEPS, 0.5)
    assert harvest.level == ended.level == solver.levels[crop]
    # What the network saw there, put together again from the estimate and the noise.
    saw = ended.level.mix(ended.denoised, ended.noise)
    end, noise = filtered(seedling.estimate, inside, SETTINGS)
    line = ended.level.mix(end, noise)
    scale = max(1.0, line.abs().max().item())
    assert ((saw - line) * inside).abs().max() < 1e-4 * scale
    assert ((saw - line) * (1 - inside)).abs().max() > 0.1
    assert len(seen) == solver.levels.count and ended.latents.isfinite().all()


@pytest.mark.parametrize(("name", "scheduler"), REFUSED)
def test_other_schedulers_are_refused_in_a_sentence(
    pipe_of: Any, name: str, scheduler: str
) -> None:
    pipe = TauePipeline.from_pipe(pipe_of(name))
    pipe.text_encoder = None  # before anything runs: whoever encodes fails
    pipe.scheduler = KITS[name].refused[scheduler]()
    with pytest.raises(
        TaueError, match=r"^(num_inference_steps is 6; )?scheduler \w+ .+\.$"
    ) as caught:
        layers(pipe, num_inference_steps=STEPS)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("steps", [998, 999, 1000])
def test_a_thousand_steps_are_finite_or_refused_in_a_sentence(
    kit: Kit, pipe: TauePipeline, steps: int
) -> None:
    """With an offset some of diffusers' schedules begin beyond the last one, or repeat a level by
    which they divide."""
    fresh, said = TauePipeline.from_pipe(pipe), {}
    for name, scheduler in kit.accepted.items():
        fresh.scheduler = scheduler()
        backbone = fresh.backbone(SIDE, SIDE)
        try:
            solver = Solver(backbone.new_scheduler(steps), torch.Generator())
        except TaueError as error:
            said[name] = str(error)
            continue
        latents = solver.start(normal(1, *backbone.shape))
        for index in range(3):
            latents = solver.step(normal(index, *backbone.shape), latents, index)
        assert latents.isfinite().all(), name
    assert all(re.match(rf"num_inference_steps is {steps}[;,] .*\.$", one) for one in said.values())
    assert steps > 998 or not set(said) - {"lcm"}  # which was distilled to 50


def test_masks_are_read_off_green_in_latents_that_tell_it(kit: Kit, pipe: TauePipeline) -> None:
    """The paper's map adds up two channels of SDXL's latents, which are others elsewhere."""

    def asked(**changes: str) -> Request:
        method = {"base": "paper", **changes}
        subjects = (Subject(APPLE),)
        return Request.from_data({"subjects": subjects, "background": DESERT, "method": method})

    if pipe.backbone().has_green:
        pipe.check(asked())
        return
    with pytest.raises(TaueError, match=r"^mask_value is 'greenness', .*; choose distance\.$"):
        pipe.check(asked())
    pipe.check(asked(mask_value="distance"))


def test_a_scheduler_by_name_takes_what_the_family_predicts(kit: Kit, pipe: TauePipeline) -> None:
    found = exchanged("DPMSolverMultistepScheduler", pipe.scheduler, STEPS)
    fresh = TauePipeline.from_pipe(pipe)
    fresh.scheduler = found
    assert layers(fresh, output_type="latent").composite.isfinite().all()


@pytest.mark.slow
def test_a_seedling_of_another_family_is_refused_in_words(
    kit: Kit, pipe: TauePipeline, both: Any, made_of: Any
) -> None:
    backbone, apple, _ = both
    row = Row("x", normal(1, *backbone.shape), everywhere(apple), crop_ratio=0.5)
    seedling = seedling_of(cultivate(backbone, [row], SETTINGS)[0], kit.name)
    other = next(name for name in FAMILIES if name != kit.name)
    strange = replace(
        row, plantings=(Planting(replace(seedling, family=other), seedling.mask, crop_ratio=0.5),)
    )
    title = FAMILIES[other].title
    with pytest.raises(TaueError, match=rf"grew in a model of {title}, .+; use a model of {title}"):
        cultivate(backbone, [strange], SETTINGS)
    own = made_of(kit.name)
    made = replace(own, seedlings=[replace(own.seedlings[0], family=other)])
    with pytest.raises(TaueError, match=r"^seedling 1 grew in a model of"):
        pipe.regrow(made, background=DESERT)


def test_a_seedlings_family_survives_its_file(kit: Kit, tmp_path: Path) -> None:
    latents, cells = torch.ones(1, kit.channels, 8, 8), torch.ones(8, 8)
    level = Solver(kit.pipeline().backbone().new_scheduler(STEPS), None).levels[2]
    Seedling(latents, -latents, level, cells, 1 - cells, family=kit.name).save(tmp_path / "it")
    again = Seedling.load(tmp_path / "it")
    assert (again.family, again.level) == (kit.name, level)


def test_a_keys_share_to_the_noise_is_the_familys_whatever_its_length(
    kit: Kit, pipe: TauePipeline
) -> None:
    backbone = pipe.backbone()
    for key in backbone.keys.values():
        length = torch.tensor(key).norm().item()
        strength = equations.key_strength(0.3, length, backbone.key_share)
        shares = strength * length / (1 - strength), backbone.key_share * 0.3 * 2**0.5 / 0.7
        assert len(key) == kit.channels and shares[0] == pytest.approx(shares[1])


# Whole generations


def layers(pipe: TauePipeline, **changes: Any) -> Layers:
    arguments: dict[str, Any] = {
        "subjects": [APPLE],
        "background": DESERT,
        "height": SIDE,
        "width": SIDE,
        "num_inference_steps": 2,
        "generator": torch.Generator().manual_seed(7),
        "output_type": "pt",
        "settings": Settings(tries=1),  # random weights paint no object, however often they try
    }
    return pipe(**{**arguments, **changes})


def pictures(result: Layers) -> Tensor:
    subjects = [s.image for s in result.subjects]
    return torch.cat([result.composite, result.background, *result.foregrounds, *subjects])


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(kit: Kit, pipe: TauePipeline, made_of: Any) -> None:
    first = made_of(kit.name)
    assert torch.equal(pictures(first), pictures(layers(pipe)))
    other = layers(pipe, generator=torch.Generator().manual_seed(8))
    assert not torch.equal(first.composite, other.composite)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "canvas"), CANVASES)
def test_canvases_of_the_family(
    pipe_of: Any, made_of: Any, name: str, canvas: tuple[int, int]
) -> None:
    height, width = canvas
    known = canvas == (SIDE, SIDE)
    made = made_of(name) if known else layers(pipe_of(name), height=height, width=width)
    assert made.composite.shape == made.background.shape == (3, height, width)
    assert made.subjects[0].image.shape == (4, height, width)
    cells = KITS[name].grid(height, width)
    assert made.masks[0].shape == made.attention_maps[0].shape == cells
    assert made.seedlings[0].denoised.shape == (1, KITS[name].channels, *cells)
    assert pictures(made).isfinite().all()


@pytest.mark.parametrize(("name", "height", "width", "field"), NO_CANVASES)
def test_other_canvases_are_refused_in_a_sentence(
    pipe_of: Any, name: str, height: Any, width: Any, field: str
) -> None:
    pipe = pipe_of(name)
    multiple = pipe.backbone().multiple
    with pytest.raises(TaueError, match=rf"^{field} is .+; give a multiple of {multiple} from"):
        layers(pipe, height=height, width=width)


@pytest.mark.slow
def test_two_subjects_move_and_go_before_another_background(kit: Kit, pipe: TauePipeline) -> None:
    """Whatever random weights paint is found where attention saw it."""
    apple = Subject(APPLE, box=Box(0.1, 0.2, 0.4, 0.5))
    car = Subject("a blue car", box=Box(0.5, 0.5, 0.4, 0.4), moves=(Box(0.55, 0.1, 0.4, 0.4),))
    made = layers(pipe, subjects=[apple, car], generator=torch.Generator().manual_seed(1))
    assert [s.subject for s in made.subjects] == [apple, car]
    assert [s.family for s in made.seedlings] == [kit.name] * 2
    assert pictures(made).isfinite().all()
    again = made.rebackground(pipe, "a sunny beach", boxes={1: Box(0.2, 0.4, 0.3, 0.3)},
                              output_type="pt")  # fmt: skip
    assert not torch.equal(again.background, made.background)
    assert pictures(again).isfinite().all()


def attention(pipe: TauePipeline) -> dict[str, Any]:
    return processors(pipe.network)


@pytest.mark.slow
@pytest.mark.parametrize("end", [None, RuntimeError, KeyboardInterrupt])
def test_processors_are_restored_however_it_ends(
    kit: Kit, pipe: TauePipeline, end: type[BaseException] | None
) -> None:
    before, seen = attention(pipe), []

    def callback(own: Any, step: int, timestep: Any, handed: dict[str, Any]) -> dict[str, Any]:
        if handed["stage"] == "composite":
            seen.append(any(p is not before[n] for n, p in attention(pipe).items()))
            if end is not None:
                raise end
            own._interrupt = True
        return handed

    try:
        layers(pipe, callback_on_step_end=callback, output_type="latent")
    except (RuntimeError, KeyboardInterrupt):
        assert end is not None
    assert seen == [True]  # a composite attends by region
    after = attention(pipe)
    assert after.keys() == before.keys() and all(after[n] is p for n, p in before.items())
    assert not pipe.interrupt or end is None


@pytest.mark.slow
def test_a_callback_sees_every_step(kit: Kit, pipe: TauePipeline) -> None:
    seen: list[tuple[str, int]] = []

    def callback(own: Any, step: int, timestep: Any, handed: dict[str, Any]) -> dict[str, Any]:
        assert own is pipe and handed["latents"].shape[1] == kit.channels
        seen.append((handed["stage"], step))
        return {}

    # A key that is chosen is kept, whatever colours random weights paint on it.
    chosen = Settings(tries=1, key="green")
    result = layers(pipe, callback_on_step_end=callback, settings=chosen)
    whole = [(stage, i) for stage in ("foreground", "composite") for i in range(2)]
    # Random weights may draw a composite that has lost the subject: then it is not refined.
    refined = [stage for stage in result.sources if stage == "refine"]
    assert seen == [*whole, *((stage, 1) for stage in ("background", *refined, "heal"))]


@pytest.mark.slow
def test_a_saved_pipeline_is_loaded_by_its_index_and_paints_the_same(
    kit: Kit, pipe: TauePipeline, made_of: Any, tmp_path: Path
) -> None:
    pipe.save_pretrained(tmp_path / "saved")
    again = TauePipeline.from_pretrained(str(tmp_path / "saved"))
    again.set_progress_bar_config(disable=True)
    assert isinstance(again, kit.plain) and again.family == kit.name
    assert type(again) is type(pipe)
    # Read from a file, weights lie elsewhere in memory, and some CPUs then sum in another order.
    apart = pictures(layers(again)) - pictures(made_of(kit.name))
    assert apart.abs().max() < 2.01 / 255
    assert apart.abs().mean() < 1e-5


@pytest.mark.slow
def test_a_folder_of_diffusers_is_loaded_by_its_index(
    kit: Kit, tiny_folders: Callable[[str], Path]
) -> None:
    pipe = TauePipeline.from_pretrained(tiny_folders(kit.name), torch_dtype=torch.bfloat16)
    assert (pipe.family, pipe.network.dtype) == (kit.name, torch.bfloat16)
    pipe.set_progress_bar_config(disable=True)
    made = layers(pipe)
    assert pictures(made).dtype == made.seedlings[0].denoised.dtype == torch.float32
    assert pictures(made).isfinite().all()


@pytest.mark.slow
def test_a_low_rank_adapter_is_loaded_scaled_and_unloaded(kit: Kit, tmp_path: Path) -> None:
    import peft

    if not kit.adapts:
        with pytest.raises(TaueError, match=r"^lora is given, and .+ takes none: .+; leave it out"):
            kit.pipeline().load_lora_weights(tmp_path)
        return
    source, target = kit.pipeline(), kit.pipeline()

    def drawn(**told: Any) -> Tensor:
        """The composite, before anything is cut out, which no adapter has a part in."""
        return layers(target, output_type="latent", **told).composite

    plain = drawn()
    source.network.add_adapter(
        peft.LoraConfig(r=2, target_modules=list(kit.adapts), init_lora_weights=False)
    )
    weights = peft.get_peft_model_state_dict(source.network)
    save: Any = getattr(source, "save_lora_weights")  # noqa: B009
    save(tmp_path, **{f"{kit.prefix}_lora_layers": weights})
    target.load_lora_weights(tmp_path)
    assert not torch.equal(drawn(), plain)
    silenced = drawn(cross_attention_kwargs={"scale": 0.0})
    torch.testing.assert_close(silenced, plain, atol=1e-4, rtol=0)
    unload: Any = getattr(target, "unload_lora_weights")  # noqa: B009
    unload()
    torch.testing.assert_close(drawn(), plain, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_offloading_gives_the_same_picture_twice(kit: Kit, made_of: Any) -> None:
    offloaded = kit.pipeline()
    # Without an accelerator the hooks move everything from the CPU to the CPU, but they do run.
    offloaded.enable_model_cpu_offload(device="cuda" if torch.cuda.is_available() else "cpu")
    first, again = layers(offloaded), layers(offloaded)
    assert torch.equal(first.composite, again.composite)
    torch.testing.assert_close(
        first.composite.cpu(), made_of(kit.name).composite, atol=1e-2, rtol=0
    )


def test_memory_is_the_backbones_to_say(kit: Kit, pipe: TauePipeline) -> None:
    small, large = pipe.backbone(SIDE, SIDE), pipe.backbone(SIDE, 240)
    assert 0 < small.denoising_bytes(2) < small.denoising_bytes(4) < 3 * small.denoising_bytes(2)
    assert small.denoising_bytes(2) < large.denoising_bytes(2)
    assert small.decoding_bytes() < large.decoding_bytes()


def _first(step: Step) -> None:
    step.interrupted = True


def test_an_interrupted_pass_says_so(kit: Kit, pipe: TauePipeline) -> None:
    backbone = pipe.backbone(SIDE, SIDE)
    row = Row(
        "x",
        normal(1, *backbone.shape),
        everywhere(backbone.encode_prompt(APPLE, None)),
        crop_ratio=0.5,
    )
    harvest = cultivate(backbone, [row], SETTINGS, _first)[0]
    assert harvest.interrupted and harvest.evaluations == (2 if kit.negates else 1)
