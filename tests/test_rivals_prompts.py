"""What rivals hear of prompts that are longer than an encoder takes: all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import tiny_models
from taue.evaluation.dataset import read_data
from taue.evaluation.methods import METHODS
from taue.evaluation.methods.base import Drawing
from taue.evaluation.methods.heard import embeds, own_tokens
from taue.pipeline import TauePipeline
from taue.scene import Scene

LONG = "a red apple, " + ", ".join(["on a green meadow"] * 30)


@pytest.fixture(scope="module")
def drawing(one_pair: Path) -> Drawing:
    pipe = TauePipeline.from_pipe(tiny_models.sdxl())
    pipe.set_progress_bar_config(disable=True)
    told = {
        "seed": 1, "steps": 2, "background": "a green meadow", "scene": LONG,
        "canvas": {"width": 64, "height": 64}, "subjects": [{"prompt": "a red apple"}],
    }  # fmt: skip
    prompts = {"foreground": "a red apple", "background": "a green meadow", "scene": LONG}
    pair = read_data(one_pair).pairs[0].model_copy(update=prompts)
    return Drawing(pipe, pair, Scene.from_data(told))


@pytest.mark.parametrize("method", ["plain", "composite-then-cut", "alfie", "tkg"])
def test_long_prompts_are_drawn(method: str, drawing: Drawing) -> None:
    assert METHODS[method].make(drawing).composite.shape == (64, 64, 3)


def test_the_end_of_a_long_prompt_is_heard(drawing: Drawing) -> None:
    ends = [drawing.picture(f"{LONG}, {end}", "plain") for end in ("a tree", "a boat", "a boat")]
    assert (ends[1] == ends[2]).all() and (ends[0] != ends[1]).any()


def test_a_short_prompt_is_what_diffusers_makes_of_its_text(drawing: Drawing) -> None:
    pipe: Any = drawing.pipe
    with torch.no_grad():
        encoded, negative, pooled, nothing = pipe.encode_prompt("a red apple", device="cpu")
    told = embeds(drawing.backbone, ["a red apple"])
    assert torch.equal(told["prompt_embeds"], encoded)
    assert torch.equal(told["negative_prompt_embeds"], negative)
    assert torch.equal(told["pooled_prompt_embeds"], pooled)
    assert torch.equal(told["negative_pooled_prompt_embeds"], nothing)


def test_prompts_of_one_call_are_one_length_and_say_what_they_said(drawing: Drawing) -> None:
    short, long = "a red apple", LONG
    told = embeds(drawing.backbone, [short, long])
    alone = embeds(drawing.backbone, [short])
    assert told["prompt_embeds"].shape == told["negative_prompt_embeds"].shape
    assert told["prompt_embeds"].shape[1] > alone["prompt_embeds"].shape[1]
    latents, unet = torch.randn(1, 4, 8, 8), drawing.pipe.unet
    added = {"text_embeds": alone["pooled_prompt_embeds"], "time_ids": torch.zeros(1, 6)}
    with torch.no_grad():
        one, other = (
            unet(latents, 500, encoder_hidden_states=tokens, added_cond_kwargs=added).sample
            for tokens in (alone["prompt_embeds"], told["prompt_embeds"][:1])
        )
    assert torch.allclose(one, other, atol=1e-5)


def test_the_foregrounds_words_are_found_wherever_they_stand(drawing: Drawing) -> None:
    backbone, ground = drawing.backbone, drawing.pair.background
    late = ", ".join(["on a green meadow"] * 30) + ", a red apple"
    first = own_tokens(backbone, LONG, "a red apple", ground)
    last = own_tokens(backbone, late, "a red apple", ground)
    length = backbone.tokenizers[0].model_max_length
    assert len(first) == len(last) and max(first) < length <= min(last)
    assert own_tokens(backbone, ground, "a red apple", ground)  # none of its own: all
