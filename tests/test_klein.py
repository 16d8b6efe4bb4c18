"""What FLUX.2 Klein does in its own way: fused blocks, cells that are tokens, Qwen3's chats, models
that are distilled, and levels by canvas and steps."""

from typing import Any

import pytest
import torch
from diffusers.models.transformers.transformer_flux2 import (
    Flux2Attention,
    Flux2AttnProcessor,
    Flux2ParallelSelfAttention,
    Flux2ParallelSelfAttnProcessor,
)
from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu
from torch import Tensor

from families import (
    KITS,
    SIDE,
    everywhere,
    is_the_same_beside_others,
    normal,
    predicted,
    says_what_it_cannot_be_told,
)
from taue import TauePipeline
from taue.backbones import Conditioning
from taue.backbones.chat import Chat
from taue.backbones.given import given_encoding
from taue.backbones.joint_attention import JointRegions, joint_sites
from taue.backbones.klein import QWEN_TOKENS
from taue.backbones.klein_attention import KleinProcessor
from taue.backbones.listening import Listening
from taue.backbones.parts import require_parts_that_fit
from taue.cultivate import cultivate
from taue.errors import TaueError
from taue.rows import Row
from taue.settings import Settings
from tiny_models import klein

HEIGHT, WIDTH, LENGTH, HEADS = 2, 3, 5, 2
CELLS = HEIGHT * WIDTH
APPLE, DESERT = "a red apple", "a dark desert"
KINDS = {"two streams": Flux2AttnProcessor, "one stream": Flux2ParallelSelfAttnProcessor}


# Attention


def attention(kind: str) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        told: dict[str, Any] = {"query_dim": 8, "heads": HEADS, "dim_head": 4, "out_dim": 8}
        if kind == "one stream":
            return Flux2ParallelSelfAttention(**told, mlp_ratio=3.0).eval()
        return Flux2Attention(**told, added_kv_proj_dim=8).eval()


@torch.no_grad()
def run(attn: Any, text: Tensor, picture: Tensor, processor: Any, mask: Any = None) -> Tensor:
    """What each token gets, the text's first."""
    attn.set_processor(processor)
    angles = normal(9, text.shape[1] + picture.shape[1], 2).repeat_interleave(2, dim=1)
    told: dict[str, Any] = {
        "attention_mask": mask,
        "image_rotary_emb": (angles.cos(), angles.sin()),
    }
    if isinstance(attn, Flux2Attention):
        drawn, read = attn(picture, encoder_hidden_states=text, **told)
        return torch.cat([read, drawn], dim=1)
    return attn(torch.cat([text, picture], dim=1), **told)


@pytest.mark.parametrize("kind", KINDS)
def test_without_regions_it_is_diffusers_own_to_the_bit(kind: str) -> None:
    attn, picture, text = attention(kind), normal(1, 2, CELLS, 8), normal(2, 2, LENGTH, 8)
    expected = run(attn, text, picture, KINDS[kind]())
    regions = JointRegions(torch.ones(2, 1, LENGTH), None, text_first=True)
    listening = Listening([(1,), ()], HEIGHT, WIDTH, LENGTH)
    assert torch.equal(run(attn, text, picture, KleinProcessor(regions, listening)), expected)
    assert regions.plain and list(listening.captured) == [0]
    assert listening.captured[0].shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("kind", KINDS)
def test_regions_are_a_bias_that_diffusers_own_processor_takes(kind: str) -> None:
    attn, picture, text = attention(kind), normal(1, 1, CELLS, 8), normal(2, 1, 3 * LENGTH, 8)
    masks = normal(5, 3, HEIGHT, WIDTH).softmax(dim=0)
    masks[:, 0, 0] = torch.tensor([1.0, 0.0, 0.0])  # a hard cell, too
    counts = torch.ones(3, LENGTH)
    counts[2, 4] = 0  # padding
    weights = torch.ones(3 * LENGTH + CELLS, 3 * LENGTH + CELLS)
    owner = torch.arange(3).repeat_interleave(LENGTH)
    weights[: 3 * LENGTH, : 3 * LENGTH] = (owner[:, None] == owner).float()
    weights[3 * LENGTH :, : 3 * LENGTH] = masks.flatten(1).T[:, owner]
    weights[:, : 3 * LENGTH] *= counts.flatten()
    expected = run(attn, text, picture, KINDS[kind](), weights.log())
    regions = JointRegions(counts[None], masks[None], text_first=True)
    nobody = Listening([()], HEIGHT, WIDTH, LENGTH)
    found = run(attn, text, picture, KleinProcessor(regions, nobody))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_sites_are_those_of_both_kinds_of_blocks() -> None:
    assert joint_sites(klein().transformer) == [
        *(f"transformer_blocks.{i}.attn.processor" for i in range(2)),
        *(f"single_transformer_blocks.{i}.attn.processor" for i in range(2)),
    ]


# Models that are distilled, and their base


def ours(*, distilled: bool) -> Any:
    pipe = TauePipeline.from_pipe(klein(distilled=distilled))
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def base() -> Any:
    return ours(distilled=False)


@pytest.fixture(scope="module")
def distilled() -> Any:
    return ours(distilled=True)


def test_what_was_distilled_needs_no_guidance(base: Any, distilled: Any) -> None:
    """And stays so when it is handed over."""
    for pipe, samples in ((base, 2), (TauePipeline.from_pipe(distilled.plain()), 1)):
        backbone = pipe.backbone(SIDE, SIDE)
        prompt, noise = backbone.encode_prompt(APPLE, None), normal(1, *backbone.shape)
        assert [backbone.evaluations(scale) for scale in (1.0, 4.0)] == [1, samples]
        one, other = (predicted(backbone, [everywhere(prompt, s)], noise) for s in (1.0, 4.0))
        assert torch.equal(one, other) == (samples == 1)
        assert prompt.negative.shape[1] == (QWEN_TOKENS if samples == 2 else 0)


@pytest.mark.parametrize("kind", ["base", "distilled"])
def test_the_loop_is_a_plain_call(kind: str, request: pytest.FixtureRequest) -> None:
    """In as many steps as what was distilled is for; without a negative prompt it is the empty
    one."""
    pipe, steps = request.getfixturevalue(kind), 4
    backbone = pipe.backbone(SIDE, 2 * SIDE)
    noise = normal(1, *backbone.shape)
    row = Row("x", noise, everywhere(backbone.encode_prompt(APPLE, None), 4.0), crop_ratio=0.5)
    made = cultivate(backbone, [row], Settings(num_inference_steps=steps))[0]
    plain = KITS["klein"].call(
        pipe, APPLE, noise, num_inference_steps=steps, guidance_scale=4.0, output_type="latent"
    )
    torch.testing.assert_close(made.latents, plain, atol=1e-5, rtol=0)
    assert made.evaluations == steps * backbone.evaluations(4.0)


@pytest.mark.slow
@torch.no_grad()
def test_in_double_precision_the_plain_call_is_met_to_rounding() -> None:
    """From encoding to decoding, with a negative prompt."""
    kit, pipe = KITS["klein"], KITS["klein"].pipeline()
    pipe.to(dtype=torch.float64)
    backbone: Any = pipe.backbone(SIDE, SIDE)
    noise = normal(1, *backbone.shape).double()
    told: dict[str, Any] = {"num_inference_steps": 4, "guidance_scale": 4.0}
    row = Row("x", noise, everywhere(backbone.encode_prompt(APPLE, DESERT), 4.0), crop_ratio=0.5)
    made = cultivate(backbone, [row], Settings(num_inference_steps=4))[0]
    plain = kit.call(pipe, APPLE, noise, negative_prompt=DESERT, output_type="latent", **told)
    torch.testing.assert_close(made.latents.double(), plain, atol=1e-5, rtol=0)
    drawn = kit.call(pipe, APPLE, noise, negative_prompt=DESERT, output_type="pt", **told)
    found = backbone.decode(made.latents)
    torch.testing.assert_close(found, drawn.float(), atol=1e-5, rtol=0)


# Prompts


def test_a_prompt_is_where_it_is_alone_whatever_it_is_beside(base: Any) -> None:
    """Text has places: each prompt's count from zero."""
    backbone, seen = base.backbone(SIDE, SIDE), []
    apple, desert = (backbone.encode_prompt(text, None) for text in (APPLE, DESERT))
    masks = torch.full((2, *backbone.shape[2:]), 0.5)
    hook = base.transformer.pos_embed.register_forward_pre_hook(
        lambda _, given: seen.append(given[0])
    )
    row = Conditioning((apple, desert), apple, 1.0, masks)
    predicted(backbone, [row], normal(1, *backbone.shape))
    hook.remove()
    picture, text = seen
    assert text.tolist() == [[0, 0, 0, place] for _ in range(2) for place in range(QWEN_TOKENS)]
    assert picture.tolist() == [[0, row, column, 0] for row in range(8) for column in range(8)]


def test_a_prompts_own_tokens_are_those_between_the_chats(base: Any) -> None:
    tokenizer, chat = base.tokenizer, Chat(base.tokenizer, enable_thinking=False)
    for prompt in (APPLE, "user", "\n", "ä", "<|im_end|>s", ""):
        content = chat.content(prompt)
        ids = [chat.tokens(prompt)[place] for place in content]
        assert tokenizer.decode(ids) == prompt
    encoded = base.backbone(SIDE, SIDE).encode_prompt(APPLE, None)
    assert encoded.content == chat.content(APPLE) and encoded.content


@pytest.mark.parametrize(
    ("prompt", "negative", "skipped", "says"),
    [
        (
            APPLE,
            DESERT,
            None,
            r"^negative_prompt is 'a dark desert'; a distilled FLUX\.2 Klein knows none, .+ out\.$",
        ),
        ("a (red:1.3) apple", None, None, r"^prompt .+ weighs words, .+ of this family cannot"),
        (APPLE, None, 1, r"^clip_skip is 1; this model's text encoders can skip 0 at most\.$"),
        ("apple " * 600, None, None, r"^prompt .+ tokens for Qwen3, which takes 512 at most; sho"),
    ],
)
def test_what_it_cannot_be_told_is_said(
    distilled: Any, prompt: str, negative: str | None, skipped: int | None, says: str
) -> None:
    says_what_it_cannot_be_told(distilled, prompt, negative, skipped, says)


def test_a_long_negative_prompt_of_the_base_is_refused(base: Any) -> None:
    with pytest.raises(TaueError, match=r"tokens for Qwen3, which takes 512 at most; shorten it"):
        base.backbone(SIDE, SIDE).encode_prompt(APPLE, "apple " * 600)


def test_shorter_embeddings_are_as_good(base: Any) -> None:
    """Such as of ``max_sequence_length=128``: what is missing is attended to by nobody."""
    backbone = base.backbone(SIDE, SIDE)
    own = backbone.encode_prompt(APPLE, None)
    told = base.encode_prompt(APPLE, max_sequence_length=128)
    short = given_encoding(APPLE, own, told, backbone.returns)
    assert short.prompt.shape[1] == 128 and short.content == own.content
    is_the_same_beside_others(backbone, own, short)


# Latents and levels


def test_a_key_is_a_packed_cell_in_the_measure_of_the_batch_norm(base: Any) -> None:
    """A flat colour's inner cells are it; what is normalised is packed as diffusers packs it."""
    backbone = base.backbone(SIDE, SIDE)
    pictures = normal(4, 1, 3, SIDE, SIDE).sigmoid()
    theirs = base._encode_vae_image(pictures * 2 - 1, None)
    torch.testing.assert_close(backbone.encode(pictures), theirs, atol=1e-5, rtol=0)
    green = torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
    flat = backbone.encode(green.expand(1, 3, 2 * SIDE, 2 * SIDE))[0, :, 6:10, 6:10]
    key = backbone.key((0.0, 1.0, 0.0))
    assert (flat.flatten(1).median(dim=1).values - key).abs().max() < 0.05


def test_levels_are_shifted_by_canvas_and_steps(base: Any) -> None:
    for height, steps in ((SIDE, 4), (2 * SIDE, 4), (SIDE, 8)):
        scheduler = base.backbone(height, SIDE).new_scheduler(steps)
        even = torch.linspace(1, 1 / steps, steps, dtype=torch.float64)
        mu = compute_empirical_mu(height * SIDE // 256, steps)
        levels = 1 / (1 + torch.tensor(-mu).exp() * (1 / even - 1))
        torch.testing.assert_close(scheduler.sigmas[:-1].double(), levels, atol=1e-6, rtol=0)


# Parts


def test_an_encoder_with_too_few_layers_or_without_a_chat_is_refused() -> None:
    pipe = klein()
    pipe.tokenizer.chat_template = None
    with pytest.raises(TaueError, match="its tokenizer's chat template is missing; use a whole"):
        require_parts_that_fit(pipe, "klein")
    pipe.text_encoder.config.num_hidden_layers = 20
    with pytest.raises(TaueError, match="its text encoder has 20 layers, and the 27th is read"):
        require_parts_that_fit(pipe, "klein")
