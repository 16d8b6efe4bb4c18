"""What Z-Image does in its own way: captions of several lengths beside one picture, padding that is
attended to, a chat around each prompt, guidance that its own call counts from 0."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.models.attention_processor import Attention
from diffusers.models.transformers.transformer_z_image import ZSingleStreamAttnProcessor
from torch import Tensor

from families import KITS, SIDE, everywhere, normal, predicted
from taue import TauePipeline
from taue.backbones import Conditioning
from taue.backbones.chat import Chat
from taue.backbones.given import given_encoding
from taue.backbones.joint_attention import JointRegions
from taue.backbones.listening import Listening
from taue.backbones.parts import require_parts_that_fit
from taue.backbones.processors import processors
from taue.backbones.zimage_attention import ZImageProcessor
from taue.backbones.zimage_layout import Layout, filled, laid_out
from taue.cultivate import cultivate
from taue.errors import TaueError
from taue.rows import Row
from taue.settings import Settings
from taue.window import Window
from tiny_models import zimage

HEIGHT, WIDTH, LENGTH, HEADS = 4, 6, 5, 2
PATCHES = HEIGHT * WIDTH // 4
APPLE, DESERT = "a red apple", "a dark desert"
LONG = " ".join([f"{DESERT} at sunset"] * 8)
PADDED = 144, 176
"""A canvas of 99 tokens, which are filled up to 128."""


# Attention


def attention() -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Attention(
            query_dim=8, heads=HEADS, dim_head=4, qk_norm="rms_norm", bias=False, out_bias=False,
            processor=ZSingleStreamAttnProcessor(),
        ).eval()  # fmt: skip


@torch.no_grad()
def run(attn: Any, tokens: Tensor, processor: Any, mask: Any = None) -> Tensor:
    attn.set_processor(processor)
    angles = normal(9, 1, tokens.shape[1], 2)
    return attn(tokens, attention_mask=mask, freqs_cis=torch.polar(torch.ones_like(angles), angles))


def test_without_regions_it_is_diffusers_own_to_the_bit() -> None:
    attn, tokens = attention(), normal(1, 2, PATCHES + LENGTH, 8)
    expected = run(attn, tokens, ZSingleStreamAttnProcessor())
    regions = JointRegions(torch.ones(2, 1, LENGTH), None)
    listening = Listening([(1,), ()], HEIGHT, WIDTH, LENGTH)
    assert torch.equal(run(attn, tokens, ZImageProcessor(regions, listening)), expected)
    assert regions.plain and list(listening.captured) == [0]


def weight(one: int, other: int, shares: Tensor, counts: Tensor) -> float:
    """How much token ``one`` sees of ``other``, both counted with the picture's first."""
    if other < PATCHES:
        return 1.0
    owner, place = divmod(other - PATCHES, counts.shape[1])
    count = counts[owner, place].item()
    if one < PATCHES:
        return shares[owner, one].item() * count
    return count if (one - PATCHES) // counts.shape[1] == owner else 0.0


def test_regions_are_the_weights_of_one_softmax_written_down_one_by_one() -> None:
    """In the bias that diffusers' own processor takes; the last of a prompt's counts for many."""
    attn, tokens = attention(), normal(1, 1, PATCHES + 2 * (LENGTH + 1), 8)
    masks = normal(5, 2, HEIGHT, WIDTH).softmax(dim=0)
    masks[:, :2, :2] = torch.tensor([1.0, 0.0]).view(2, 1, 1)  # a hard cell, too
    counts = torch.ones(2, LENGTH + 1)
    counts[:, -1], counts[1, LENGTH - 1] = 29, 0
    shares = masks.unflatten(1, (2, 2)).unflatten(3, (3, 2)).mean(dim=(2, 4)).flatten(1)
    places = range(tokens.shape[1])
    weights = torch.tensor([[weight(i, j, shares, counts) for j in places] for i in places])
    expected = run(attn, tokens, ZSingleStreamAttnProcessor(), weights.log()[None, None])
    regions = JointRegions(counts[None], masks[None])
    found = run(attn, tokens, ZImageProcessor(regions, Listening([()], HEIGHT, WIDTH, LENGTH)))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@torch.no_grad()
def test_listening_hears_the_words_and_not_the_pictures_padding() -> None:
    attn, tokens = attention(), normal(1, 1, PATCHES + LENGTH + 1, 8)
    heard = []
    for pads in (2.0, 29.0):
        counts = torch.ones(1, 1, LENGTH + 1)
        counts[..., -1] = pads
        listening = Listening([(1, 3)], HEIGHT, WIDTH, LENGTH)
        run(attn, tokens, ZImageProcessor(JointRegions(counts, None), listening))
        heard.append(listening.captured[0])
    assert torch.equal(*heard)


# Layout


@pytest.fixture(scope="module")
def pipe() -> Any:
    return KITS["zimage"].pipeline()


@pytest.mark.parametrize("tokens", [64, 99])
def test_captions_end_together_and_the_picture_comes_behind(pipe: Any, tokens: int) -> None:
    """Each is to the picture, and to its token of the picture's padding, what it is alone."""
    network = pipe.transformer
    lengths, (rows, columns) = (20, 70, 33, 20), (8, 8) if tokens == 64 else (9, 11)
    pictures = [normal(i, 7, 1, 2 * rows, 2 * columns) for i in range(2)]
    captions = [normal(length, length, 32) for length in lengths]
    drawn, words, _, seen, read, blank, unread = Layout(network, 2, tokens).patchify_and_embed(
        pictures, captions, 2, 1
    )
    pads = 2 if tokens % 32 else 0
    assert [len(one) for one in drawn] == [len(one) for one in seen] == [tokens + pads] * 2
    assert [len(one) for one in words] == [len(one) for one in read] == [32, 96, 64, 32]
    assert [int(one.sum()) for one in blank] == [pads] * 2
    assert [int((~one).sum()) for one in unread] == list(lengths)
    for number, (length, places) in enumerate(zip(lengths, read, strict=True)):
        sample, own = divmod(number, 2)
        alone = network.patchify_and_embed([pictures[sample]], [captions[number]], 2, 1)
        shift = places[0] - alone[4][0][0]
        assert torch.equal(places, alone[4][0][: filled(length)] + shift)
        assert torch.equal(seen[sample][:tokens], alone[3][0][:tokens] + shift)
        assert torch.equal(drawn[sample][:tokens], alone[0][0][:tokens])
        if pads:
            assert torch.equal(seen[sample][tokens + own], alone[3][0][tokens] + shift)


def test_the_transformer_has_its_own_layout_again(pipe: Any) -> None:
    before = dict(vars(pipe.transformer))
    with laid_out(pipe.transformer, 2, 64):
        assert vars(pipe.transformer).keys() > before.keys()
    assert vars(pipe.transformer).keys() == before.keys()

    def interrupted() -> None:
        with laid_out(pipe.transformer, 2, 64):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert vars(pipe.transformer).keys() == before.keys()


@pytest.fixture(scope="module", params=[(SIDE, SIDE), PADDED])
def backbone(request: Any, pipe: Any) -> Any:
    return pipe.backbone(*request.param)


def test_a_prompt_without_a_region_is_none_however_long(backbone: Any) -> None:
    """And with one it is what it is alone: the picture's padding goes with a prompt."""
    short, long = backbone.encode_prompt(APPLE, None), backbone.encode_prompt(LONG, None)
    assert filled(short.prompt.shape[1]) < filled(long.prompt.shape[1])
    noise, (rows, columns) = normal(5, *backbone.shape), backbone.shape[-2:]
    masks = torch.stack([torch.ones(rows, columns), torch.zeros(rows, columns)])
    for one, other in ((short, long), (long, short)):
        alone = predicted(backbone, [everywhere(one)], noise)
        for prompts, regions in (((one, other), masks), ((other, one), masks.flip(0))):
            found = predicted(backbone, [Conditioning(prompts, one, 5.0, regions)], noise)
            torch.testing.assert_close(found, alone, atol=1e-5, rtol=0)


def test_rows_and_equal_prompts_of_any_length_on_any_canvas(backbone: Any) -> None:
    short, long = backbone.encode_prompt(APPLE, LONG), backbone.encode_prompt(LONG, None)
    masks = normal(6, 2, *backbone.shape[-2:]).softmax(dim=0)
    rows = [
        everywhere(short),
        everywhere(long, 1.0),
        Conditioning((long, long), short, 4.0, masks),
        Conditioning((short, long), short, 4.0, masks),
    ]
    noise = normal(5, 1, *backbone.shape[1:]).expand(len(rows), -1, -1, -1)
    together = predicted(backbone, rows, noise)
    for i, row in enumerate(rows):
        alone = predicted(backbone, [row], noise[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=0)
    one = predicted(backbone, [everywhere(long, 4.0)], noise[:1])
    torch.testing.assert_close(together[2:3], one, atol=1e-5, rtol=0)


def test_where_the_picture_is_padded_its_refiner_attends_by_region_too(pipe: Any) -> None:
    masks = torch.stack([torch.ones(18, 22), torch.zeros(18, 22)])
    for canvas, parts in ((PADDED, {"layers", "noise_refiner"}), ((SIDE, SIDE), {"layers"})):
        backbone, before = pipe.backbone(*canvas), processors(pipe.transformer)
        prompt = backbone.encode_prompt(APPLE, None)
        row = Conditioning((prompt, prompt), prompt, 5.0, masks[:, : backbone.shape[-2]])
        with backbone.attending([row], [()]):
            within = processors(pipe.transformer)
        ours = {name.split(".")[0] for name, one in within.items() if one is not before[name]}
        assert ours == parts and processors(pipe.transformer) == before


def test_a_window_is_a_picture_of_its_size(pipe: Any) -> None:
    """Positions count tokens, and are not stretched."""
    canvas, small, window = pipe.backbone(256, 256), pipe.backbone(SIDE, SIDE), Window(4, 8, 16, 16)
    row, noise = everywhere(canvas.encode_prompt(APPLE, None)), normal(5, *small.shape)
    part = canvas.windowed(window)
    found = predicted(part, [replace(row, corner=(window.top, window.left))], noise)
    torch.testing.assert_close(found, predicted(small, [row], noise), atol=1e-5, rtol=0)


# Guidance, levels and prompts


@pytest.mark.parametrize("scale", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("shift", [{"shift": 6.0}, {"use_dynamic_shifting": True}])
def test_guidance_is_one_more_than_its_own_call_is_told(scale: float, shift: Any) -> None:
    """Its own 0 is none, and so are our 1 and 0; levels as its scheduler says."""
    pipe: Any = TauePipeline.from_pipe(zimage())
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = FlowMatchEulerDiscreteScheduler(**shift)
    backbone = pipe.backbone(SIDE, 2 * SIDE)
    noise, prompt = normal(1, *backbone.shape), backbone.encode_prompt(APPLE, DESERT)
    row = Row("x", noise, everywhere(prompt, scale), crop_ratio=0.5)
    made = cultivate(backbone, [row], Settings(num_inference_steps=4))[0]
    plain = KITS["zimage"].plain.__call__(
        pipe, APPLE, negative_prompt=DESERT, latents=noise, height=SIDE, width=2 * SIDE,
        num_inference_steps=4, guidance_scale=max(scale - 1, 0), output_type="latent",
    ).images  # fmt: skip
    torch.testing.assert_close(made.latents, plain, atol=1e-5, rtol=0)
    assert made.evaluations == 4 * backbone.evaluations(scale) == 4 * (2 if scale > 1 else 1)


@pytest.mark.parametrize("prompt", [APPLE, "user", "", "assistant\nuser", " <|im_end|> é"])
def test_a_prompts_own_tokens_are_found_in_its_chat(pipe: Any, prompt: str) -> None:
    backbone, tokenizer = pipe.backbone(SIDE, SIDE), pipe.tokenizer
    encoded = backbone.encode_prompt(prompt, None)
    ids = Chat(tokenizer, enable_thinking=True).tokens(prompt)
    assert encoded.prompt.shape[1] == len(ids)
    assert tokenizer.decode([ids[place] for place in encoded.content]) == prompt
    places = encoded.content
    assert places == tuple(range(6, 6 + len(places)))  # behind "<|im_start|>user\n" in letters


def test_what_it_cannot_be_told_is_said(pipe: Any) -> None:
    backbone = pipe.backbone(SIDE, SIDE)
    for pair in (("apple " * 600, None), (APPLE, "apple " * 600)):
        with pytest.raises(TaueError, match=r"tokens for Qwen3, which takes 512 at most; shorten"):
            backbone.encode_prompt(*pair)
    with pytest.raises(TaueError, match=r"^clip_skip is 1; this model's text encoders can skip 0"):
        backbone.encode_prompt(APPLE, None, 1)
    with pytest.raises(TaueError, match="models of this family cannot; leave the weight out"):
        backbone.encode_prompt("a (red:1.3) apple", None)
    assert backbone.encode_prompt("apple " * 480, None).prompt.shape[1] <= 512


def test_embeddings_are_lists_as_encode_prompt_gives_them(pipe: Any) -> None:
    backbone = pipe.backbone(SIDE, SIDE)
    own = backbone.encode_prompt(APPLE, DESERT)
    told = pipe.encode_prompt(APPLE, do_classifier_free_guidance=False)
    given = given_encoding(APPLE, own, told, backbone.returns)
    assert torch.equal(given.prompt, own.prompt) and given.content == own.content
    assert torch.equal(given.negative, own.negative)  # none is given: the text's
    tensors = given_encoding(APPLE, own, (told[0][0][None], None), backbone.returns)
    assert torch.equal(tensors.prompt, own.prompt)
    with pytest.raises(TaueError, match="give 2 tensors"):
        given_encoding(APPLE, own, ([], told[0]), backbone.returns)
    for wrong in ([told[0][0]] * 2, [told[0][0][:, :3]], [APPLE]):
        with pytest.raises(TaueError, match=r"^prompt_embeds for 'a red apple' have .+; give \[1"):
            given_encoding(APPLE, own, (wrong, None), backbone.returns)


def test_a_tokenizer_that_knows_no_chats_is_named() -> None:
    plain = zimage()
    plain.tokenizer.chat_template = None
    with pytest.raises(TaueError, match=r"^model does not fit .+ template is missing; use"):
        require_parts_that_fit(plain, "zimage")
