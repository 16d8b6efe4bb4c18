"""What PixArt-Sigma alone has: T5's padding, SDXL's autoencoder, word of its canvas."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import PixArtTransformer2DModel

from families import KITS, SIDE, everywhere, normal, predicted
from taue import TauePipeline
from taue.backbones.given import given_encoding
from taue.errors import TaueError
from taue.window import Window
from tiny_models import BUILDERS

APPLE, DESERT = "a red apple", "a dark desert at sunset"


@pytest.fixture(scope="module")
def backbone() -> Any:
    return KITS["pixart"].pipeline().backbone(SIDE, SIDE)


def test_a_prompt_is_as_long_as_its_tokens(backbone: Any) -> None:
    tokenizer = backbone.pipeline.tokenizer
    encoded = backbone.encode_prompt(f" {APPLE.upper()} ", DESERT)
    ids = tokenizer(APPLE).input_ids
    assert encoded.prompt.shape[1] == len(ids)
    assert encoded.negative.shape[1] == len(tokenizer(DESERT).input_ids)
    assert encoded.content == tuple(range(len(ids) - 1))  # all but the end
    assert backbone.encode_prompt(APPLE, None).negative.shape[1] == len(tokenizer("").input_ids)


def test_a_prompt_that_t5_cannot_read_whole_is_refused(backbone: Any) -> None:
    long = "apple " * 400
    for pair in ((long, None), (APPLE, long)):
        with pytest.raises(TaueError, match=r"T5, which takes 300 at most; shorten it\.$"):
            backbone.encode_prompt(*pair)
    with pytest.raises(TaueError, match=r"^clip_skip is 1; this model's text encoders can skip 0"):
        backbone.encode_prompt(APPLE, None, 1)
    with pytest.raises(TaueError, match="models of this family cannot; leave the weight out"):
        backbone.encode_prompt("a (red:1.3) apple", None)


def test_embeddings_come_with_their_masks(backbone: Any) -> None:
    own = backbone.encode_prompt(APPLE, DESERT)
    given = KITS["pixart"].encode(backbone.pipeline, APPLE, DESERT)
    assert given[0].shape[1] == given[2].shape[1] == 300
    whole = given_encoding(APPLE, own, (given[0], None, *given[2:]), backbone.returns)
    assert whole.prompt.shape[1] == 300  # without a mask all of them count
    texts = given_encoding(APPLE, own, (*given[:2], None, None), backbone.returns)
    assert torch.equal(texts.negative, own.negative)
    for mask in (given[1][:, :-1], torch.zeros_like(given[1]), "mask"):
        with pytest.raises(TaueError, match=r"have a mask that does not fit; give \[1, L\]"):
            given_encoding(APPLE, own, (given[0], mask, *given[2:]), backbone.returns)


@torch.no_grad()
def test_a_model_that_was_told_of_the_canvas_is_told() -> None:
    """As PixArt-Alpha's are; of Sigma's none is known, and its pipeline could not."""
    wide: dict[str, Any] = {"attention_head_dim": 12, "cross_attention_dim": 24}
    plain = BUILDERS["pixart"](use_additional_conditions=True, **wide)
    backbone: Any = TauePipeline.from_pipe(plain).backbone(SIDE, 2 * SIDE)
    encoded, noise = backbone.encode_prompt(APPLE, None), normal(1, *backbone.shape)
    found = predicted(backbone, [everywhere(encoded, 1.0)], noise)

    def theirs(resolution: list[float]) -> torch.Tensor:
        return plain.transformer(
            noise,
            encoder_hidden_states=encoded.prompt,
            timestep=torch.tensor([500.0]),
            added_cond_kwargs={
                "resolution": torch.tensor([resolution]),
                "aspect_ratio": torch.tensor([[resolution[0] / resolution[1]]]),
            },
        ).sample[:, :4]

    torch.testing.assert_close(found, theirs([SIDE, 2 * SIDE]), atol=1e-5, rtol=0)
    assert (found - theirs([2 * SIDE, SIDE])).abs().max() > 1e-4


@torch.no_grad()
@pytest.mark.parametrize("canvas", [(SIDE, SIDE), (144, 176)])
def test_a_window_knows_where_it_is_on_the_canvas(canvas: tuple[int, int]) -> None:
    """Diffusers alone stretches the positions of a whole picture over it."""
    pipe: Any = KITS["pixart"].pipeline()
    backbone: Any = pipe.backbone(*canvas)
    encoded, noise = backbone.encode_prompt(APPLE, None), normal(1, *backbone.shape)
    seen: list[torch.Tensor] = []

    def embedded(part: Any, latents: torch.Tensor, *corners: tuple[int, int]) -> torch.Tensor:
        rows = [replace(everywhere(encoded, 1.0), corner=corner) for corner in corners]
        # After the hook that places them.
        hook = pipe.transformer.transformer_blocks[0].register_forward_pre_hook(
            lambda _, given: seen.append(given[0])
        )
        predicted(part, rows, latents)
        hook.remove()
        rows_, columns = latents.shape[-2] // 2, latents.shape[-1] // 2
        return seen.pop().unflatten(1, (rows_, columns))

    whole = embedded(backbone, noise, (0, 0))
    windows = [Window(4, 2, 8, 12), Window(2, 4, 8, 12)]
    latents = torch.cat([window.of(noise) for window in windows])
    part = backbone.windowed(windows[0])
    found = embedded(part, latents, *((one.top, one.left) for one in windows))
    expected = torch.cat([whole[:, 2:6, 1:7], whole[:, 1:5, 2:8]])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    odd = embedded(part, latents[:1], (3, 2)) - found[:1]  # a window may begin within a patch
    assert 1e-3 < odd.abs().max() < (found[:1] - found[1:]).abs().max()
    assert not pipe.transformer.pos_embed._forward_hooks


def test_its_autoencoder_is_used_in_float32_where_half_precision_overflows() -> None:
    pipe: Any = TauePipeline.from_pipe(BUILDERS["pixart"](), dtype=torch.float16)
    backbone, seen = pipe.backbone(SIDE, SIDE), []
    hook = pipe.vae.decoder.register_forward_pre_hook(lambda _, given: seen.append(given[0].dtype))
    assert backbone.decode(normal(1, *backbone.shape)).isfinite().all()
    hook.remove()
    assert seen == [torch.float32] and pipe.vae.dtype == torch.float16


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Saved as it is published: of the tokenizer, what sentencepiece made, and the transformer
    under the name that it had in diffusers then."""
    import sentencepiece

    pipe = KITS["pixart"].pipeline()
    pipe.save_pretrained(tmp_path / "model")
    with (tmp_path / "model" / "tokenizer" / "spiece.model").open("wb") as made:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([APPLE, DESERT] * 20), model_writer=made, vocab_size=36,
            hard_vocab_limit=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
        )  # fmt: skip
    for file, name in (("model_index.json", "transformer"), ("transformer/config.json", "")):
        told = json.loads((tmp_path / "model" / file).read_text())
        older = "Transformer2DModel"
        told |= {name: ["diffusers", older]} if name else {"_class_name": older}
        (tmp_path / "model" / file).write_text(json.dumps(told))
    tokenizer = tmp_path / "model" / "tokenizer"
    (tokenizer / "tokenizer.json").unlink()
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": 512}
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(config))
    return tmp_path / "model"


def test_a_folder_as_it_is_published_is_read(folder: Path) -> None:
    import sentencepiece

    pipe: Any = TauePipeline.from_pretrained(folder)
    assert type(pipe.transformer) is PixArtTransformer2DModel
    read: Any = sentencepiece.SentencePieceProcessor(
        model_file=str(folder / "tokenizer" / "spiece.model")
    )
    assert pipe.tokenizer(APPLE).input_ids == [*read.encode(APPLE), 1]
    assert pipe.backbone(SIDE, SIDE).encode_prompt(APPLE, None).prompt.isfinite().all()


def test_without_the_package_it_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(TaueError, match=r'^model .+ install it with pip install "taue\[t5\]"\.$'):
        TauePipeline.from_pretrained(folder)
