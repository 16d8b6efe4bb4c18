"""Which family a model is of, and one sentence where it is of none."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMPipeline, DDIMScheduler, StableDiffusionXLPipeline, UNet2DModel
from diffusers.loaders.single_file_utils import CHECKPOINT_KEY_NAMES
from safetensors.torch import save_file

from taue import TauePipeline, models
from taue.backbones.parts import require_parts_that_fit
from taue.checkpoints import family_of
from taue.errors import TaueError
from taue.families import FAMILIES, known_titles
from taue.pipeline import PIPELINES, TaueSD3Pipeline
from tiny_models import BUILDERS


def indexed(folder: Path, index: object) -> models.Source:
    (folder / models.INDEX).write_text(json.dumps(index))
    return models.Source(models.Kind.folder, str(folder))


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("StableDiffusionXLPipeline", "sdxl"),
        ("StableDiffusionXLImg2ImgPipeline", "sdxl"),
        ("TauePipeline", "sdxl"),  # as earlier versions saved it
        ("StableDiffusion3Pipeline", "sd3"),
        ("StableDiffusionPipeline", "sd15"),
        ("FluxPipeline", "flux"),
        ("PixArtSigmaPipeline", "pixart"),
        ("ZImagePipeline", "zimage"),
        ("Flux2KleinPipeline", "klein"),
        ("Flux2KleinInpaintPipeline", "klein"),
        *((kind.__name__, name) for name, kind in PIPELINES.items()),
    ],
)
def test_a_folders_index_says_it(tmp_path: Path, name: str, family: str) -> None:
    assert family_of(indexed(tmp_path, {"_class_name": name}), {}) == family


@pytest.mark.parametrize(
    "index",
    [
        {"_class_name": "Flux2Pipeline"},
        {"_class_name": "Flux2KleinKVPipeline"},
        {"_class_name": "FluxFillPipeline"},
        {"_class_name": "PixArtAlphaPipeline"},
        {"_class_name": "ZImageOmniPipeline"},
        {"_class_name": "DiffusionPipeline"},
        {"_class_name": ["pipeline", "MyOwn"]},
        {"_class_name": "x" * 500},
        {},
        [],
        3,
    ],
)
def test_another_familys_index_is_refused_with_the_list(tmp_path: Path, index: object) -> None:
    indexed(tmp_path, index)
    with pytest.raises(TaueError, match=r"^model .+; known are SDXL, .+ and .+\.$") as caught:
        TauePipeline.from_pretrained(tmp_path)
    assert len(str(caught.value)) < 200 and "\n" not in str(caught.value)


def test_an_index_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / models.INDEX).write_text("{")
    with pytest.raises(TaueError, match=r"^model .+ cannot be loaded \(JSONDecodeError: .+\)\.$"):
        TauePipeline.from_pretrained(tmp_path)


def weights(path: Path, **shapes: tuple[int, ...]) -> models.Source:
    save_file({name: torch.zeros(shape) for name, shape in shapes.items()}, path)
    return models.Source(models.Kind.file, str(path))


SINGLE: dict[str, tuple[str, tuple[int, ...]]] = {
    "sdxl": ("xl_base", (2,)),
    "sd3": ("sd35_large", (2,)),
    "sd15": ("v1", (2,)),
    "flux": ("flux", (2,)),
    "zimage": ("z-image-turbo", (2,)),
}


@pytest.mark.parametrize("family", [one.name for one in FAMILIES.values() if one.checkpoints])
def test_the_names_in_a_single_file_say_it(tmp_path: Path, family: str) -> None:
    kind, shape = SINGLE[family]
    keys: Any = CHECKPOINT_KEY_NAMES[kind]
    name = keys if isinstance(keys, str) else keys[0]
    assert family_of(weights(tmp_path / "it.safetensors", **{name: shape}), {}) == family


def test_a_single_file_of_anything_else_is_refused_with_the_list(tmp_path: Path) -> None:
    path = tmp_path / "it.safetensors"
    weights(path, anything=(2,))
    for load in (TauePipeline.from_pretrained, TauePipeline.from_single_file):
        with pytest.raises(TaueError, match=r"^model .+ of no known family; known are .+\.$"):
            load(str(path))


def test_a_family_without_single_files_says_so(tmp_path: Path) -> None:
    with pytest.raises(TaueError, match=r"^model 'it\.safetensors' is a single file, .+; give"):
        PIPELINES["pixart"].from_single_file("it.safetensors")
    path = tmp_path / "it.safetensors"
    weights(path, anything=(2,))
    with pytest.raises(TaueError, match=r"known are SDXL, SD3, SD1\.5, FLUX\.1 and Z-Image\.$"):
        TauePipeline.from_pretrained(path)


def test_a_family_s_class_loads_its_own_models_alone(tiny_sdxl: Path) -> None:
    assert TauePipeline.from_pretrained(tiny_sdxl).family == "sdxl"
    with pytest.raises(TaueError, match=r"^model is one of SDXL, not of SD3; load it with"):
        TaueSD3Pipeline.from_pretrained(tiny_sdxl)


def test_any_pipeline_of_a_known_family_becomes_one_with_its_parts(tiny_sdxl: Path) -> None:
    plain = StableDiffusionXLPipeline.from_pretrained(tiny_sdxl)
    pipe = TauePipeline.from_pipe(plain)
    assert isinstance(pipe, TauePipeline) and isinstance(pipe, StableDiffusionXLPipeline)
    assert pipe.unet is plain.unet and pipe.network is plain.unet
    other: Any = DDIMPipeline(
        UNet2DModel(block_out_channels=(32,), down_block_types=("DownBlock2D",),
                    up_block_types=("UpBlock2D",)),
        DDIMScheduler(),
    )  # fmt: skip
    with pytest.raises(TaueError, match=r"^pipeline is a DDIMPipeline, which is of no known"):
        TauePipeline.from_pipe(other)


@pytest.mark.parametrize(
    ("family", "part", "key", "value", "says"),
    [
        ("sd3", "transformer", "joint_attention_dim", 24, "give 32 numbers a token and its tr"),
        ("sd3", "transformer", "pooled_projection_dim", 16, "the size of a whole prompt"),
        ("sd3", "vae", "latent_channels", 4, "takes 6 channels and gives 6, and its VAE has 4"),
        ("sd15", "unet", "cross_attention_dim", 24, "give 16 numbers a token and its UNet takes"),
        ("sd15", "unet", "out_channels", 8, "takes 4 channels and gives 8"),
        ("sd15", "unet", "addition_embed_type", "text_time", "its UNet is none of SD1.5's"),
        ("sdxl", "unet", "addition_embed_type", None, "its UNet is not one of SDXL's"),
        ("flux", "transformer", "in_channels", 24, "takes 24 channels and gives 24, and its VAE"),
        ("flux", "transformer", "joint_attention_dim", 24, "give 32 numbers a token and its tr"),
        ("flux", "transformer", "pooled_projection_dim", 24, "the size of a whole prompt"),
        ("flux", "transformer", "axes_dims_rope", (2, 4, 4), "positions and heads differ"),
        ("pixart", "transformer", "out_channels", 6, "takes 4 channels and gives 6, its VAE has 4"),
        ("pixart", "transformer", "caption_channels", 24, "give 32 numbers a token and its tr"),
        ("zimage", "transformer", "in_channels", 16, "takes 16 channels, and its VAE has 7"),
        ("zimage", "transformer", "cap_feat_dim", 24, "give 32 numbers a token and its tr"),
        ("zimage", "transformer", "all_patch_size", (4,), "knows no patches of 2 x 2 cells"),
        ("zimage", "transformer", "siglip_feat_dim", 8, "its transformer is Z-Image-Omni's"),
        ("klein", "transformer", "in_channels", 16, "takes 16 channels and gives 16, and its VAE"),
        ("klein", "transformer", "axes_dims_rope", (2, 4, 4), "positions and heads differ"),
        ("klein", "transformer", "joint_attention_dim", 16, "give 48 numbers a token and its tr"),
    ],
)
def test_parts_that_differ_are_named(
    family: str, part: str, key: str, value: Any, says: str
) -> None:
    pipe: Any = BUILDERS[family]()
    require_parts_that_fit(pipe, family)
    getattr(pipe, part).register_to_config(**{key: value})
    with pytest.raises(TaueError, match=r"^model does not fit together: .+; use a whole") as caught:
        require_parts_that_fit(pipe, family)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("family", "part"),
    [
        ("sd3", "text_encoder"),
        ("sd3", "tokenizer_2"),
        ("sd3", "tokenizer_3"),
        ("flux", "text_encoder_2"),
        ("flux", "tokenizer"),
        ("flux", "tokenizer_2"),
        ("pixart", "text_encoder"),
        ("pixart", "tokenizer"),
        ("zimage", "text_encoder"),
        ("zimage", "tokenizer"),
        ("klein", "text_encoder"),
        ("klein", "tokenizer"),
    ],
)
def test_a_part_that_is_missing_is_named(family: str, part: str) -> None:
    pipe: Any = BUILDERS[family]()
    setattr(pipe, part, None)
    with pytest.raises(TaueError, match=r"^model does not fit together: .+ missing.*; use a whole"):
        require_parts_that_fit(pipe, family)


def test_titles_are_told_in_one_list() -> None:
    assert known_titles() == ("SDXL, SD3, SD1.5, FLUX.1, PixArt-Sigma, Z-Image and FLUX.2 Klein")
