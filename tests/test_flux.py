"""What FLUX does in its own way: both kinds of its blocks, guidance that is embedded, T5's prompts,
and levels by the canvas."""

import re
from typing import Any

import pytest
import torch
from diffusers.models.transformers.transformer_flux import FluxAttention, FluxAttnProcessor
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
from taue.backbones.flux import T5_TOKENS
from taue.backbones.flux_attention import FluxProcessor
from taue.backbones.given import given_encoding
from taue.backbones.joint_attention import JointRegions, joint_sites
from taue.backbones.listening import Listening
from taue.cultivate import cultivate
from taue.errors import TaueError
from taue.rows import Row
from taue.schedulers import exchanged
from taue.settings import Settings
from tiny_models import TOKENS, flux

HEIGHT, WIDTH, LENGTH, HEADS = 4, 6, 5, 2
PATCHES = HEIGHT * WIDTH // 4
APPLE, DESERT = "a red apple", "a dark desert"
KINDS = ("two streams", "one stream")


# Attention


def attention(kind: str) -> FluxAttention:
    own: dict[str, Any] = {"pre_only": True} if kind == "one stream" else {"added_kv_proj_dim": 8}
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return FluxAttention(
            query_dim=8,
            heads=HEADS,
            dim_head=4,
            out_dim=8,
            context_pre_only=False,
            bias=True,
            processor=FluxAttnProcessor(),
            **own,
        ).eval()


@torch.no_grad()
def run(attn: Any, text: Tensor, picture: Tensor, processor: Any, mask: Any = None) -> Tensor:
    """What each token gets, the text's first."""
    attn.set_processor(processor)
    angles = normal(9, text.shape[1] + picture.shape[1], 2).repeat_interleave(2, dim=1)
    told: dict[str, Any] = {
        "attention_mask": mask,
        "image_rotary_emb": (angles.cos(), angles.sin()),
    }
    if hasattr(attn, "to_add_out"):
        drawn, read = attn(picture, encoder_hidden_states=text, **told)
        return torch.cat([read, drawn], dim=1)
    return attn(torch.cat([text, picture], dim=1), **told)


def nobody(length: int = LENGTH) -> Listening:
    return Listening([()], HEIGHT, WIDTH, length)


@pytest.mark.parametrize("kind", KINDS)
def test_without_regions_it_is_diffusers_own_to_the_bit(kind: str) -> None:
    attn, picture, text = attention(kind), normal(1, 2, PATCHES, 8), normal(2, 2, LENGTH, 8)
    expected = run(attn, text, picture, FluxAttnProcessor())
    regions = JointRegions(torch.ones(2, 1, LENGTH), None, text_first=True)
    listening = Listening([(1,), ()], HEIGHT, WIDTH, LENGTH)
    assert torch.equal(run(attn, text, picture, FluxProcessor(regions, listening)), expected)
    assert regions.plain and list(listening.captured) == [0]


def weight(one: int, other: int, shares: Tensor, counts: Tensor) -> float:
    """How much token ``one`` sees of ``other``, both counted with the text's tokens first."""
    prompts, length = counts.shape
    text = prompts * length
    if other >= text:
        return 1.0
    owner, place = divmod(other, length)
    count = counts[owner, place].item()
    if one >= text:
        return shares[owner, one - text].item() * count
    return count if one // length == owner else 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_regions_are_the_weights_of_one_softmax_written_down_one_by_one(kind: str) -> None:
    """In the bias that diffusers' own processor takes."""
    attn, picture, text = attention(kind), normal(1, 1, PATCHES, 8), normal(2, 1, 3 * LENGTH, 8)
    masks = normal(5, 3, HEIGHT, WIDTH).softmax(dim=0)
    masks[:, :2, :2] = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)  # a hard cell, too
    counts = torch.ones(3, LENGTH)
    counts[1, 2], counts[2, 4] = 4, 0  # one that counts for many, and padding
    shares = masks.unflatten(1, (2, 2)).unflatten(3, (3, 2)).mean(dim=(2, 4)).flatten(1)
    tokens = range(3 * LENGTH + PATCHES)
    weights = torch.tensor([[weight(i, j, shares, counts) for j in tokens] for i in tokens])
    expected = run(attn, text, picture, FluxAttnProcessor(), weights.log())
    regions = JointRegions(counts[None], masks[None], text_first=True)
    found = run(attn, text, picture, FluxProcessor(regions, nobody()))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_that_counts_for_many_needs_no_regions(kind: str) -> None:
    attn, picture, text = attention(kind), normal(1, 1, PATCHES, 8), normal(2, 1, LENGTH, 8)
    counts = torch.tensor([1.0, 3.0, 1.0, 1.0, 0.0])
    bias = torch.cat([counts.log(), torch.zeros(PATCHES)])[None, None, None]
    expected = run(attn, text, picture, FluxAttnProcessor(), bias)
    regions = JointRegions(counts[None, None], None, text_first=True)
    found = run(attn, text, picture, FluxProcessor(regions, nobody()))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_listening_is_the_softmax_over_the_first_prompts_words(kind: str) -> None:
    """Of queries and keys as they meet, with the positions that they have."""
    attn: Any = attention(kind)
    picture, text = normal(1, 2, PATCHES, 8), normal(2, 2, 2 * LENGTH, 8)
    listening = Listening([(1, 3), ()], HEIGHT, WIDTH, LENGTH)
    masks = torch.full((2, 2, HEIGHT, WIDTH), 0.5)
    regions = JointRegions(torch.ones(2, 2, LENGTH), masks, text_first=True)
    met: list[tuple[Tensor, Tensor]] = []

    class Noting(FluxProcessor):
        def attended(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
            met.append((query, key))
            return super().attended(query, key, value)

    run(attn, text, picture, Noting(regions, listening))
    [(query, key)] = met
    asking, words = query[0, :, 2 * LENGTH :], key[0, :, :LENGTH]
    heard = (asking @ words.transpose(-1, -2) / 2).softmax(dim=-1).mean(dim=0)[:, [1, 3]]
    drawn = torch.nn.functional.interpolate(
        heard.mean(dim=1).view(1, 1, 2, 3), size=(HEIGHT, WIDTH), mode="bilinear"
    )
    assert list(listening.captured) == [0]
    torch.testing.assert_close(listening.captured[0], drawn[0, 0], atol=1e-6, rtol=0)


def test_sites_are_those_of_both_kinds_of_blocks() -> None:
    assert joint_sites(flux().transformer) == [
        *(f"transformer_blocks.{i}.attn.processor" for i in range(2)),
        *(f"single_transformer_blocks.{i}.attn.processor" for i in range(2)),
    ]


# Guidance and prompts


def ours(*, guided: bool = True) -> Any:
    pipe = TauePipeline.from_pipe(flux(guided=guided))
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture(scope="module")
def dev() -> Any:
    return ours()


@pytest.fixture(scope="module")
def schnell() -> Any:
    return ours(guided=False)


def test_guidance_is_a_number_that_dev_is_told_and_schnell_is_not(dev: Any, schnell: Any) -> None:
    """Rows of one batch may have several; it never takes a sample more."""
    for pipe, counts in ((dev, True), (schnell, False)):
        backbone = pipe.backbone(SIDE, SIDE)
        prompt, noise = backbone.encode_prompt(APPLE, None), normal(1, *backbone.shape)
        scales = (0.0, 1.0, 3.5)
        together = predicted(
            backbone, [everywhere(prompt, one) for one in scales], noise.expand(3, -1, -1, -1)
        )
        alone = [predicted(backbone, [everywhere(prompt, one)], noise)[0] for one in scales]
        torch.testing.assert_close(together, torch.stack(alone), atol=1e-5, rtol=0)
        differ = [(one - alone[0]).abs().max() > 1e-4 for one in alone[1:]]
        assert differ == [counts, counts]
        assert [backbone.evaluations(one) for one in scales] == [1, 1, 1]


@pytest.mark.parametrize("kind", ["dev", "schnell"])
def test_the_loop_is_a_plain_call(kind: str, request: pytest.FixtureRequest) -> None:
    """In as many steps as schnell is for; the canvas shifts dev's levels and not schnell's."""
    pipe, steps = request.getfixturevalue(kind), 4
    backbone = pipe.backbone(SIDE, 2 * SIDE)
    noise = normal(1, *backbone.shape)
    row = Row("x", noise, everywhere(backbone.encode_prompt(APPLE, None), 3.5), crop_ratio=0.5)
    made = cultivate(backbone, [row], Settings(num_inference_steps=steps))[0]
    plain = KITS["flux"].call(
        pipe, APPLE, noise, num_inference_steps=steps, guidance_scale=3.5, output_type="latent"
    )
    torch.testing.assert_close(made.latents, plain, atol=1e-5, rtol=0)
    assert made.evaluations == steps


def test_all_of_a_long_prompt_is_read_by_t5_and_its_beginning_by_clip(dev: Any) -> None:
    backbone = dev.backbone(SIDE, SIDE)
    long = " ".join(["a red apple on the beach"] * 16)
    one, other = (backbone.encode_prompt(f"{long} {end}", None) for end in ("red", "blue"))
    assert one.prompt.shape == other.prompt.shape == (1, T5_TOKENS, 32)
    assert torch.equal(one.pooled, other.pooled)
    assert (one.prompt - other.prompt).abs().max() > 1e-4
    assert TOKENS < max(one.content) < T5_TOKENS and len(one.content) == max(one.content) + 1
    with pytest.raises(TaueError, match=r"^prompt .+ tokens for T5, which takes 512 at most; sho"):
        backbone.encode_prompt(" ".join([long] * 2), None)


@pytest.mark.parametrize(
    ("prompt", "negative", "skipped", "says"),
    [
        (
            APPLE,
            DESERT,
            None,
            r"^negative_prompt is 'a dark desert'; FLUX\.1 knows none, .+ it out\.$",
        ),
        ("a (red:1.3) apple", None, None, r"^prompt .+ weighs words, .+ of this family cannot"),
        (APPLE, None, 1, r"^clip_skip is 1; this model's text encoders can skip 0 at most\.$"),
    ],
)
def test_what_it_cannot_be_told_is_said(
    dev: Any, prompt: str, negative: str | None, skipped: int | None, says: str
) -> None:
    says_what_it_cannot_be_told(dev, prompt, negative, skipped, says)


def test_an_empty_negative_prompt_is_none(dev: Any) -> None:
    backbone = dev.backbone(SIDE, SIDE)
    encoded = backbone.encode_prompt(APPLE, " ")
    assert encoded.negative.shape == (1, 0, 32) and encoded.negative_pooled.numel() == 0


def test_shorter_embeddings_are_as_good(dev: Any) -> None:
    """Such as of ``max_sequence_length=256``: what is missing is attended to by nobody."""
    backbone = dev.backbone(SIDE, SIDE)
    own = backbone.encode_prompt(APPLE, None)
    told = dev.encode_prompt(APPLE, max_sequence_length=256)
    short = given_encoding(APPLE, own, told, backbone.returns)
    assert short.prompt.shape[1] == 256 and short.content == own.content
    is_the_same_beside_others(backbone, own, short)
    with pytest.raises(TaueError, match=r"are 2; give 3 tensors, as encode_prompt of this model"):
        given_encoding(APPLE, own, told[:2], backbone.returns)


def test_what_is_proposed_in_place_of_a_scheduler_can_be_used(dev: Any) -> None:
    """Heun's levels cannot be shifted by the canvas."""
    with pytest.raises(TaueError, match=r"^scheduler DDIMScheduler does not suit .+\.$") as caught:
        exchanged("DDIMScheduler", dev.scheduler, 4)
    proposed = re.findall(r"(\w+Scheduler)\b", str(caught.value))[1:]
    assert "FlowMatchEulerDiscreteScheduler" in proposed
    assert all(exchanged(name, dev.scheduler, 4) for name in proposed)
    with pytest.raises(TaueError, match="FlowMatchHeunDiscreteScheduler does not suit this model"):
        exchanged("FlowMatchHeunDiscreteScheduler", dev.scheduler, 4)
