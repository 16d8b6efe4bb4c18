"""The rival with weights of its own: published names, offsets that come and go, the decoder, and
the method at tiny size."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import drawn_runs
import tiny_models
from taue.errors import TaueError
from taue.evaluation.dataset import read_data
from taue.evaluation.items import read_item
from taue.evaluation.methods import layerdiffuse
from taue.evaluation.methods.base import Drawing
from taue.evaluation.methods.offsets import added, published_names, read_offsets
from taue.evaluation.methods.transparent import WIDTHS, TransparentDecoder
from taue.evaluation.runs import ITEMS, read_run
from taue.pipeline import TauePipeline
from taue.scene import Scene
from tiny_networks import NARROW, save_layerdiffuse


@pytest.fixture(scope="module")
def unet() -> Any:
    return tiny_models.sdxl().unet


@pytest.fixture(scope="module")
def weights(unet: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_layerdiffuse(tmp_path_factory.mktemp("weights") / "layerdiffuse", unet)


call = partial(drawn_runs.call, method="layerdiffuse")


def state(unet: Any) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in unet.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_published_names_are_those_of_diffusers_own_conversion(unet: Any) -> None:
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    names = published_names(unet)
    there: dict[str, Any] = {}
    for name, _ in unet.named_parameters():
        module, _, kind = name.rpartition(".")
        there[f"model.diffusion_model.{names[module]}.{kind}"] = name
    converted = convert_ldm_unet_checkpoint(dict(there), dict(unet.config))
    assert len(there) == len(converted) == len(unet.state_dict())
    assert all(name == value for name, value in converted.items())


def test_offsets_are_added_and_taken_away_again(unet: Any, weights: Path) -> None:
    before, first = state(unet), unet.conv_in
    whole = read_offsets(load_file(weights / layerdiffuse.BLENDED), unet)
    told = load_file(weights / layerdiffuse.FOREGROUND["attn"])
    attention = read_offsets(told, unet)
    assert attention and all(".attn" in name for name in attention)
    name = next(iter(attention))
    up, down = (
        told[f"diffusion_model.{published_names(unet)[name.removesuffix('.weight')]}.weight{end}"]
        for end in ("::lora::0", "::lora::1")
    )
    assert torch.allclose(attention[name], up @ down)
    scaled = {
        **told,
        **{
            key.replace("::lora::0", "::lora::2"): torch.tensor(1.0)
            for key in told
            if key.endswith("::lora::0")
        },
    }
    assert torch.allclose(read_offsets(scaled, unet)[name], up @ down / 2)  # alpha 1 of rank 2
    with added(unet, attention):
        now = dict(unet.named_parameters())
        assert torch.allclose(now[name], before[name] + attention[name])
        untouched = next(n for n in before if n not in attention)
        assert torch.equal(now[untouched], before[untouched])
    assert same(state(unet), before)

    beside, x = torch.randn(1, 4, 8, 8), torch.randn(2, 4, 8, 8)
    with added(unet, whole, beside):
        wide = whole["conv_in.weight"].clone()
        wide[:, :4] += before["conv_in.weight"]
        seen = torch.cat([x, beside.expand(2, -1, -1, -1)], dim=1)
        bias = before["conv_in.bias"] + whole["conv_in.bias"]
        expected = torch.nn.functional.conv2d(seen, wide, bias, padding=1)
        assert torch.allclose(unet.conv_in(x), expected, atol=1e-6)
    assert unet.conv_in is first
    with pytest.raises(RuntimeError), added(unet, whole, beside):
        unet.conv_in(torch.randn(1, 3, 8, 8))
    assert unet.conv_in is first
    assert same(state(unet), before)


def test_diffusers_names_are_whole_offsets_and_strange_ones_are_refused(unet: Any) -> None:
    name, parameter = next(iter(unet.named_parameters()))
    assert torch.equal(read_offsets({name: parameter.data}, unet)[name], parameter.data)
    wide = unet.conv_in.weight.shape[0]
    for tensors, sentence in (
        ({"nothing.weight": torch.zeros(1)}, "'nothing.weight' does not fit this model"),
        ({"conv_in.bias": torch.zeros(wide + 1)}, "'conv_in.bias' does not fit"),
        ({"a.b::magic::0": torch.zeros(1)}, "'a.b' is of no known kind"),
        ({"a.b::diff": torch.zeros(1)}, "'a.b::diff' is of no known kind"),
        ({"diffusion_model.out.9.weight::diff::0": torch.zeros(1)}, "does not fit this model"),
    ):
        with pytest.raises(TaueError, match=sentence):
            read_offsets(tensors, unet)


@pytest.mark.slow
def test_the_decoder_is_the_released_one_in_shape_and_blind_to_turning() -> None:
    with torch.device("meta"):
        whole = TransparentDecoder()
    # The file is 208 MB of 16-bit numbers.
    assert sum(p.numel() for p in whole.parameters()) == 104_104_804
    tensors = whole.state_dict()
    levels = [tensors[f"down_blocks.{i}.resnets.0.conv1.weight"] for i in range(len(WIDTHS))]
    assert [weight.shape[0] for weight in levels] == list(WIDTHS)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        decoder = TransparentDecoder.of(TransparentDecoder(NARROW).state_dict())
        picture, latents = torch.rand(1, 3, 64, 128), torch.randn(1, 4, 8, 16)
    rgba = decoder.rgba(picture, latents)
    assert rgba.shape == (1, 4, 64, 128)
    assert 0 <= float(rgba.min()) < float(rgba.max()) <= 1
    turned = decoder.rgba(*(torch.rot90(one, 1, (2, 3)) for one in (picture, latents)))
    assert torch.allclose(torch.rot90(turned, -1, (2, 3)), rgba, atol=1e-5)
    with torch.no_grad():
        alpha = decoder(picture, latents)[:, :1]
        others = decoder(picture, torch.zeros_like(latents))[:, :1]
    assert not torch.allclose(alpha, others)  # it hears the latents


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["attn", "conv"])
def test_the_method_draws_its_three_stages(
    variant: str, unet: Any, one_pair: Path, tiny_sdxl: Path, tmp_path: Path
) -> None:
    weights = save_layerdiffuse(tmp_path / "weights", unet, variant)
    run = tmp_path / "run"
    done = call(one_pair, run, tiny_sdxl, "--layerdiffuse", weights)
    assert done.exit_code == 0, done.stderr
    item = read_item(run / ITEMS / "000001")
    assert item.background is not None and item.foreground is not None and item.mask is not None
    assert item.cost.unet_evaluations == 12  # three passes of 2 steps with guidance
    assert not (item.background == item.composite).all()
    assert item.mask.min() < item.mask.max()
    assert f"transparent_{variant}" in read_run(run).options["layerdiffuse"]
    # The same model draws as before: nothing of the offsets stays.
    again = tmp_path / "again"
    assert call(one_pair, again, tiny_sdxl, "--layerdiffuse", weights).exit_code == 0
    for path in (run / ITEMS).rglob("*.png"):
        assert path.read_bytes() == (again / path.relative_to(run)).read_bytes()


@pytest.mark.slow
def test_what_is_missing_or_another_models_is_one_sentence(
    weights: Path, one_pair: Path, tiny_sdxl: Path, tmp_path: Path
) -> None:
    lacking, strange = tmp_path / "lacking", tmp_path / "strange"
    for folder in (lacking, strange):
        folder.mkdir()
        for path in weights.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
    (lacking / layerdiffuse.BACKGROUND).unlink()
    save_file({"conv_in.weight": torch.zeros(3)}, strange / layerdiffuse.DECODER)
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in layerdiffuse.FILES:
        (broken / name).write_bytes(b"no")
    size = ["--height", "72"]
    for place, (more, sentence) in enumerate(
        [
            ([], "method layerdiffuse needs its weights; give --layerdiffuse a folder"),
            (["--layerdiffuse", tmp_path / "nowhere"], "layerdiffuse"),
            (["--layerdiffuse", lacking], "lacks layer_xl_fgble2bg.safetensors; take it from"),
            (["--layerdiffuse", strange], "has another network's vae_transparent_decoder"),
            (["--layerdiffuse", broken], "no readable file of weights"),
            (["--layerdiffuse", weights, *size], "draws sides that are multiples of 64"),
        ]
    ):
        done = call(one_pair, tmp_path / f"out-{place}", tiny_sdxl, *more)
        assert done.exit_code == 2, more
        assert sentence in done.stderr, done.stderr
        assert len(done.stderr.splitlines()[-1]) < 400
    paddy = call(one_pair, tmp_path / "paddy", "paddy", "--layerdiffuse", weights)
    assert paddy.exit_code == 2
    assert "does not fit this model" in paddy.stderr


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*upcast_vae:FutureWarning")  # diffusers' own call
def test_in_half_precision_the_autoencoder_is_used_as_the_backbone_uses_it(
    weights: Path, one_pair: Path, tiny_sdxl: Path
) -> None:
    pipe = TauePipeline.from_pretrained(str(tiny_sdxl))
    pipe.set_progress_bar_config(disable=True)
    pipe.to(dtype=torch.float16)
    vae: Any = pipe.vae
    vae.register_to_config(force_upcast=True)
    # As of SDXL's, its activations are beyond half precision, where it has norms behind them.
    with torch.no_grad():
        for stem in (vae.encoder.conv_in, vae.decoder.conv_in):
            stem.weight *= 3e4 / float(stem.weight.abs().max())
    seen: list[torch.dtype] = []
    for part in (vae.quant_conv, vae.post_quant_conv):
        part.register_forward_pre_hook(lambda _, x: seen.append(x[0].dtype))
    told = {
        "seed": 1, "steps": 2, "background": "a beach", "canvas": {"width": 64, "height": 64},
        "subjects": [{"prompt": "a red apple"}],
    }  # fmt: skip
    drawing = Drawing(pipe, read_data(one_pair).pairs[0], Scene.from_data(told))
    item = layerdiffuse.make(drawing, weights)
    assert set(seen) == {torch.float32} and vae.dtype == torch.float16
    assert drawing.encoded(item.composite).isfinite().all()
    assert item.foreground is not None and item.foreground.std() > 0
