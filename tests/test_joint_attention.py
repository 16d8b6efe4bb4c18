"""Joint attention: its softmax by hand, whom it is listened to for, and one token that counts for
many."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from diffusers import StableDiffusion3Pipeline
from diffusers.models.attention_processor import Attention, JointAttnProcessor2_0
from torch import Tensor

from families import SIDE, everywhere, normal, predicted
from taue import TauePipeline
from taue.backbones.joint_attention import JointRegions, SD3Processor, installed, joint_sites
from taue.backbones.listening import Listening
from tiny_models import MUTE, TOKENS, sd3

HEIGHT, WIDTH, LENGTH, HEADS = 4, 6, 5, 2
PATCHES = HEIGHT * WIDTH // 4


def joint(*, last: bool = False) -> Attention:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return Attention(
            query_dim=8,
            added_kv_proj_dim=8,
            heads=HEADS,
            dim_head=4,
            out_dim=8,
            context_pre_only=last,
            bias=True,
            qk_norm="rms_norm",
            processor=JointAttnProcessor2_0(),  # pyright: ignore[reportArgumentType]
        ).eval()


def run(attn: Attention, picture: Tensor, text: Tensor, processor: Any = None) -> Any:
    if processor is not None:
        attn.set_processor(processor)
    with torch.no_grad():
        return attn(picture, encoder_hidden_states=text)


def nobody(length: int = LENGTH) -> Listening:
    return Listening([()], HEIGHT, WIDTH, length)


@pytest.mark.parametrize("last", [False, True])
def test_without_regions_it_is_diffusers_own_to_the_bit(last: bool) -> None:
    attn, picture, text = joint(last=last), normal(1, 2, PATCHES, 8), normal(2, 2, LENGTH, 8)
    expected = run(attn, picture, text)
    regions = JointRegions(torch.ones(2, 1, LENGTH), None)
    listening = Listening([(1,), ()], HEIGHT, WIDTH, LENGTH)
    found = run(attn, picture, text, SD3Processor(regions, listening))
    assert regions.plain and list(listening.captured) == [0]
    assert all(torch.equal(f, e) for f, e in zip(found, expected, strict=True))


def by_hand(attn: Any, picture: Tensor, texts: list[Tensor], shares: Tensor) -> tuple[Tensor, ...]:
    """Each token on its own: whom it sees, each key times its weight. ``shares`` [K, patches]."""

    def heads(x: Tensor, norm: Any = None) -> Tensor:  # [n, C] -> [heads, n, d]
        split = x.unflatten(-1, (HEADS, -1)).transpose(0, 1)
        return split if norm is None else norm(split)

    keys = [
        heads(attn.to_k(picture), attn.norm_k),
        *(heads(attn.add_k_proj(t), attn.norm_added_k) for t in texts),
    ]
    values = [heads(attn.to_v(picture)), *(heads(attn.add_v_proj(t)) for t in texts)]

    def attended(query: Tensor, weights: list[float]) -> Tensor:  # [heads, d] -> [C]
        total, mass = torch.zeros_like(query), torch.zeros(HEADS, 1)
        for key, value, weight in zip(keys, values, weights, strict=True):
            exp = weight * torch.einsum("hd,hnd->hn", query / 2, key).exp()  # sqrt of 4
            total = total + torch.einsum("hn,hnd->hd", exp, value)
            mass = mass + exp.sum(dim=1, keepdim=True)
        return (total / mass).flatten()

    queries = heads(attn.to_q(picture), attn.norm_q)
    painted = [attended(queries[:, i], [1.0, *shares[:, i].tolist()]) for i in range(len(picture))]
    read = []
    for j, text in enumerate(texts):
        own = [1.0, *(float(j == other) for other in range(len(texts)))]
        asked = heads(attn.add_q_proj(text), attn.norm_added_q)
        read += [attended(asked[:, i], own) for i in range(len(text))]
    return attn.to_out[0](torch.stack(painted)), attn.to_add_out(torch.stack(read))


@torch.no_grad()
def test_regions_are_shares_of_one_softmax_worked_out_by_hand() -> None:
    attn, picture = joint(), normal(1, 1, PATCHES, 8)
    texts = [normal(seed, 1, LENGTH, 8) for seed in (2, 3, 4)]
    masks = normal(5, 3, HEIGHT, WIDTH).softmax(dim=0)
    masks[:, :2, :2] = torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1)  # a hard cell, too
    regions = JointRegions(torch.ones(1, 3, LENGTH), masks[None])
    found = run(attn, picture, torch.cat(texts, dim=1), SD3Processor(regions, nobody()))
    shares = masks.unflatten(1, (2, 2)).unflatten(3, (3, 2)).mean(dim=(2, 4)).flatten(1)
    expected = by_hand(attn, picture[0], [t[0] for t in texts], shares)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one[0], other, atol=1e-5, rtol=0)


def test_a_token_that_counts_for_many_is_that_many() -> None:
    attn, picture, text = joint(), normal(1, 1, PATCHES, 8), normal(2, 1, LENGTH, 8)
    many = torch.cat([text, text[:, -1:].expand(1, 6, 8)], dim=1)
    whole = run(attn, picture, many)
    counts = torch.ones(1, 1, LENGTH + 2)
    counts[..., LENGTH - 1] = 7
    counts[..., LENGTH:] = 0  # padding, which is nothing
    padded = torch.cat([text, normal(3, 1, 2, 8)], dim=1)
    found = run(attn, picture, padded, SD3Processor(JointRegions(counts, None), nobody()))
    torch.testing.assert_close(found[0], whole[0], atol=1e-6, rtol=0)
    torch.testing.assert_close(found[1][:, :LENGTH], whole[1][:, :LENGTH], atol=1e-6, rtol=0)


@torch.no_grad()
def test_listening_is_the_softmax_over_the_first_prompts_words() -> None:
    attn: Any = joint()
    picture, text = normal(1, 3, PATCHES, 8), normal(2, 3, 2 * LENGTH, 8)
    listening = Listening([(1, 3), ()], HEIGHT, WIDTH, LENGTH)  # of the last two samples
    counts = torch.ones(3, 2, LENGTH)
    counts[:, :, -1] = 4
    masks = torch.full((3, 2, HEIGHT, WIDTH), 0.5)
    run(attn, picture, text, SD3Processor(JointRegions(counts, masks), listening))
    query = attn.norm_q(attn.to_q(picture[1]).unflatten(-1, (HEADS, -1)))
    key = attn.norm_added_k(attn.add_k_proj(text[1, :LENGTH]).unflatten(-1, (HEADS, -1)))
    exp = torch.einsum("qhd,khd->hqk", query / 2, key).exp() * counts[0, 0]
    expected = (exp / exp.sum(dim=-1, keepdim=True)).mean(dim=0)[:, [1, 3]].mean(dim=1)
    assert list(listening.captured) == [0]
    # Patches are two cells wide, and the map is drawn on cells.
    drawn = torch.nn.functional.interpolate(
        expected.view(1, 1, 2, 3), size=(HEIGHT, WIDTH), mode="bilinear", align_corners=False
    )
    torch.testing.assert_close(listening.captured[0], drawn[0, 0], atol=1e-6, rtol=0)


@pytest.fixture(scope="module")
def transformer() -> Any:
    return sd3().transformer.eval()


def test_sites_are_joint_attention_and_nothing_else(transformer: Any) -> None:
    assert "transformer_blocks.1.attn2.processor" in transformer.attn_processors  # SD3.5's
    assert joint_sites(transformer) == [f"transformer_blocks.{i}.attn.processor" for i in range(3)]


@contextmanager
def expecting_the_same_processors(network: Any) -> Iterator[None]:
    before = dict(network.attn_processors)
    yield
    after = network.attn_processors
    assert after.keys() == before.keys() and all(after[n] is before[n] for n in before)


@pytest.mark.parametrize("end", [None, RuntimeError, KeyboardInterrupt])
def test_processors_are_restored_however_it_ends(
    transformer: Any, end: type[BaseException] | None
) -> None:
    processor = SD3Processor(JointRegions(torch.ones(1, 1, LENGTH), None), nobody())
    with expecting_the_same_processors(transformer):
        try:
            with installed(transformer, lambda _: processor):
                assert transformer.attn_processors[joint_sites(transformer)[0]] is processor
                if end is not None:
                    raise end
        except (RuntimeError, KeyboardInterrupt):
            assert end is not None


# Prompts


def ours(plain: Any) -> Any:
    pipe = TauePipeline.from_pipe(plain)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def plain_call(pipe: Any, noise: Tensor) -> Tensor:
    drawn: Any = StableDiffusion3Pipeline.__call__(
        pipe, "a red apple", latents=noise, num_inference_steps=1, guidance_scale=4.0,
        height=SIDE, width=SIDE, output_type="latent",
    )  # fmt: skip
    return drawn.images


@pytest.mark.parametrize("kind", ["mute", pytest.param("speaking", marks=pytest.mark.slow), "none"])
def test_the_third_encoder_is_heard_as_a_plain_call_hears_it(kind: str) -> None:
    plain = sd3(speaks=kind == "speaking")
    if kind == "none":
        plain.text_encoder_3 = plain.tokenizer_3 = None
    pipe = ours(plain)
    backbone = pipe.backbone(SIDE, SIDE)
    encoded = backbone.encode_prompt("a red apple", None)
    if kind == "speaking":
        assert encoded.prompt.shape[1] == TOKENS + MUTE and encoded.counts is None
        assert min(encoded.content) < TOKENS < max(encoded.content)
    else:
        assert encoded.prompt.shape[1] == TOKENS + 1 and encoded.content == (1, 2, 3)
        assert encoded.counts.sum() == TOKENS + MUTE and encoded.counts[-1] == MUTE
    noise = normal(1, *backbone.shape)
    # One step of flow matching from nothing but noise: the whole flow.
    moved = noise - predicted(backbone, [everywhere(encoded, 4.0)], noise, time=1000.0)
    torch.testing.assert_close(moved, plain_call(pipe, noise), atol=1e-5, rtol=0)


def test_a_prediction_outside_of_any_block_counts_tokens_all_the_same() -> None:
    backbone = ours(sd3()).backbone(SIDE, SIDE)
    row, noise = everywhere(backbone.encode_prompt("a red apple", None)), normal(1, *backbone.shape)
    with torch.no_grad():
        alone = backbone.predict(noise, torch.tensor([500.0]), [row])
    assert torch.equal(alone, predicted(backbone, [row], noise))


def test_prompts_of_different_lengths_share_a_batch() -> None:
    """A third encoder may be silent for one prompt and not for the other."""
    backbone = ours(sd3(speaks=True)).backbone(SIDE, SIDE)
    long = backbone.encode_prompt("a red apple", None)
    short = ours(sd3()).backbone(SIDE, SIDE).encode_prompt("a dark desert", None)
    noise = normal(1, 2, *backbone.shape[1:])
    rows = [everywhere(long), everywhere(short)]
    together = predicted(backbone, rows, noise)
    for i, row in enumerate(rows):
        alone = predicted(backbone, [row], noise[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=0)
