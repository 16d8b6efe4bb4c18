"""Listening to cross-attention and steering it by region, and leaving no trace."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from taue import equations
from taue.backbones.cross_attention import (
    AttentionTap,
    RegionBlend,
    cross_attention_sites,
    installed,
)
from taue.backbones.listening import Listening, layer_grid

TOKENS, WIDTH = 7, 32


@pytest.fixture(scope="module")
def unet(tiny_sdxl: Path) -> Any:
    return UNet2DConditionModel.from_pretrained(tiny_sdxl / "unet").eval()


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def single_attention(seed: int = 0) -> Attention:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Attention(query_dim=8, cross_attention_dim=6, heads=2, dim_head=4).eval()


@torch.no_grad()
def run(unet: Any, height: int = 16, width: int = 16, prompts: int = 1) -> Tensor:
    """One evaluation on [unconditional, conditional] with so many concatenated prompts."""
    return unet(
        normal(1, 2, 4, height, width),
        torch.tensor(500),
        encoder_hidden_states=normal(2, 2, prompts * TOKENS, WIDTH),
        added_cond_kwargs={"text_embeds": normal(3, 2, 16), "time_ids": torch.ones(2, 6)},
    ).sample


def corners(count: int, height: int, width: int) -> Tensor:
    """Hard masks [count, height, width]: overlapping blocks made disjoint, and the rest."""
    blocks = torch.zeros(count - 1, height, width)
    for i in range(count - 1):
        blocks[i, : height // 2 + i, i : width // 2 + 2 * i] = 1
    return torch.stack(equations.disjoint(list(blocks)))


def same(masks: Tensor) -> Tensor:
    """Masks [K, h, w] for both samples of a batch."""
    return masks.expand(2, -1, -1, -1)


def test_sites_are_all_cross_attention_and_nothing_else(unet: Any) -> None:
    sites = cross_attention_sites(unet)
    modules = dict(unet.named_modules())
    found = [n for n, m in modules.items() if isinstance(m, Attention) and m.is_cross_attention]
    assert sorted(sites) == sorted(f"{name}.processor" for name in found)
    assert len(sites) == 7  # down 1 + 1, middle 1, up 2 + 2


def test_the_tap_leaves_the_output_bit_identical(unet: Any) -> None:
    plain = run(unet)
    tap = AttentionTap([[1, 2]], 16, 16, TOKENS)
    with installed(unet, tap.wrap):
        tapped = run(unet)
    assert torch.equal(plain, tapped)
    found = equations.attention_map([tap.captured[0]])
    assert found.min() == 0 and found.max() == 1


def attention_by_hand(attn: Attention, picture: Tensor, words: Tensor, tokens: list[int]) -> Tensor:
    """The sum over two heads of the softmax at some tokens [queries]."""
    queries, keys = picture @ attn.to_q.weight.T, words @ attn.to_k.weight.T
    total = torch.zeros(len(picture))
    for head in (slice(0, 4), slice(4, 8)):
        scores = queries[:, head] @ keys[:, head].T / 2  # sqrt of 4 dimensions
        exp = scores.exp()
        total += (exp / exp.sum(dim=1, keepdim=True))[:, tokens].sum(dim=1)
    return total


def scaled(found: Tensor) -> Tensor:
    low, high = found.aminmax()
    return (found - low) / (high - low)


@torch.no_grad()
@pytest.mark.parametrize("negatives", [2, 1, 0])
def test_the_tapped_map_is_the_softmax_worked_out_by_hand(negatives: int) -> None:
    """Of the last two samples: rows with guidance have one before them."""
    attn = single_attention()
    height, width, tokens = 3, 5, [[1, 3], [2]]
    pictures, prompt = normal(4, 2 + negatives, height * width, 8), normal(5, 4, TOKENS, 6)
    prompt = prompt[: len(pictures)]
    tap = AttentionTap(tokens, height, width, TOKENS)
    attn.set_processor(tap.wrap(attn.processor))
    attn(pictures, encoder_hidden_states=prompt)
    for row, chosen in enumerate(tokens):
        expected = attention_by_hand(
            attn, pictures[negatives + row], prompt[negatives + row], chosen
        )
        found = equations.attention_map([tap.captured[row]])
        expected = scaled(expected).view(height, width)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_row_is_listened_to_among_others_and_in_its_first_prompt() -> None:
    attn = single_attention()
    pictures, prompts = normal(4, 5, 15, 8), normal(5, 5, 2 * TOKENS, 6)
    tap = AttentionTap([(), [1, 3], ()], 3, 5, TOKENS)
    attn.set_processor(tap.wrap(attn.processor))
    attn(pictures, encoder_hidden_states=prompts)
    assert list(tap.captured) == [1]
    expected = attention_by_hand(attn, pictures[3], prompts[3, :TOKENS], [1, 3]) / 4
    torch.testing.assert_close(tap.captured[1].flatten(), expected, atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("order", [(16, 64, 16, 64), (64, 16, 64, 16)])
def test_layers_on_one_grid_count_alone_whichever_come_first(order: tuple[int, ...]) -> None:
    attended = [normal(i, 1, cells, TOKENS).softmax(dim=-1) for i, cells in enumerate(order)]

    def captured(layers: str, some: list[Tensor]) -> Tensor:
        listening = Listening([[1, 3]], 8, 8, TOKENS, layers=layers)
        for one in some:
            listening.add(one)
        return listening.captured[0]

    grids = {"coarsest": 16, "finest": 64}
    for layers, cells in grids.items():
        own = [one for one in attended if one.shape[1] == cells]
        assert torch.equal(captured(layers, attended), captured("all", own))
    both = sum(captured(layers, attended) for layers in grids)
    torch.testing.assert_close(captured("all", attended), both, atol=1e-6, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 7)])
def test_hard_masks_equal_masked_attention_to_all_prompts(
    count: int, height: int, width: int
) -> None:
    attn = single_attention()
    masks = corners(count, height, width)
    pictures, prompts = normal(6, 2, height * width, 8), normal(7, 2, count * TOKENS, 6)

    def split(projected: Tensor) -> Tensor:
        return projected.unflatten(-1, (2, 4)).transpose(1, 2)

    region = masks.argmax(dim=0).flatten()
    owner = torch.arange(count).repeat_interleave(TOKENS)
    expected = F.scaled_dot_product_attention(
        split(attn.to_q(pictures)),
        split(attn.to_k(prompts)),
        split(attn.to_v(prompts)),
        attn_mask=region[:, None] == owner[None, :],
    )
    expected = attn.to_out[0](expected.transpose(1, 2).flatten(2))

    attn.set_processor(RegionBlend(same(masks)).wrap(attn.processor))
    found = attn(pictures, encoder_hidden_states=prompts)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_every_sample_has_regions_of_its_own() -> None:
    """A row with fewer prompts reads padding with the weight 0, whatever it says."""
    attn = single_attention()
    masks = torch.stack([corners(2, 4, 6), torch.stack([torch.ones(4, 6), torch.zeros(4, 6)])])
    pictures, prompts = normal(6, 2, 24, 8), normal(7, 2, 2 * TOKENS, 6)
    plain = attn(pictures[1:], encoder_hidden_states=prompts[1:, :TOKENS])
    attn.set_processor(RegionBlend(same(corners(2, 4, 6))).wrap(attn.processor))
    regional = attn(pictures, encoder_hidden_states=prompts)
    attn.set_processor(RegionBlend(masks).wrap(attn.processor))
    both = attn(pictures, encoder_hidden_states=prompts)
    torch.testing.assert_close(both[:1], regional[:1], atol=1e-6, rtol=0)
    torch.testing.assert_close(both[1:], plain, atol=1e-6, rtol=0)
    assert (both[1] - regional[1]).abs().max() > 1e-3


@pytest.mark.parametrize(("height", "width"), [(16, 16), (9, 17)])
def test_one_prompt_everywhere_is_the_plain_unet(unet: Any, height: int, width: int) -> None:
    plain = run(unet, height, width)
    with installed(unet, RegionBlend(same(torch.ones(1, height, width))).wrap):
        blended = run(unet, height, width)
    torch.testing.assert_close(blended, plain, atol=1e-5, rtol=0)


def test_equal_prompts_make_the_regions_invisible(unet: Any) -> None:
    plain = run(unet)
    once = normal(2, 2, TOKENS, WIDTH)
    with installed(unet, RegionBlend(same(corners(3, 16, 16))).wrap), torch.no_grad():
        blended = unet(
            normal(1, 2, 4, 16, 16),
            torch.tensor(500),
            encoder_hidden_states=torch.cat([once] * 3, dim=1),
            added_cond_kwargs={"text_embeds": normal(3, 2, 16), "time_ids": torch.ones(2, 6)},
        ).sample
    torch.testing.assert_close(blended, plain, atol=1e-5, rtol=0)


@contextmanager
def expecting_the_same_processors(unet: Any) -> Iterator[None]:
    before = dict(unet.attn_processors)
    yield
    after = unet.attn_processors
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)


@pytest.mark.parametrize("end", [None, RuntimeError, KeyboardInterrupt])
def test_processors_are_restored_however_it_ends(
    unet: Any, end: type[BaseException] | None
) -> None:
    tap = AttentionTap([[1]], 16, 16, TOKENS)
    blend = RegionBlend(same(torch.ones(1, 16, 16)))
    with expecting_the_same_processors(unet):
        try:
            with installed(unet, blend.wrap), installed(unet, tap.wrap):
                assert unet.attn_processors[cross_attention_sites(unet)[0]].tap is tap
                run(unet)
                if end is not None:
                    raise end
        except (RuntimeError, KeyboardInterrupt):
            assert end is not None


def test_processors_are_restored_when_the_network_itself_fails(unet: Any) -> None:
    with (
        expecting_the_same_processors(unet),
        pytest.raises(ValueError, match="fit no halving"),
        installed(unet, RegionBlend(same(torch.ones(1, 11, 13))).wrap),
    ):
        run(unet)


@pytest.mark.slow
@hypothesis_settings(deadline=None, max_examples=100, derandomize=True)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 4))
def test_layer_grid_finds_every_halving(height: int, width: int, halvings: int) -> None:
    rows, columns = height, width
    for _ in range(halvings):
        rows, columns = (rows + 1) // 2, (columns + 1) // 2
    assert layer_grid(rows * columns, height, width) == (rows, columns)


@pytest.mark.parametrize(
    ("queries", "grid"), [(9 * 17, (9, 17)), (5 * 9, (5, 9)), (3 * 5, (3, 5)), (4, None)]
)
def test_layer_grid_by_hand(queries: int, grid: tuple[int, int] | None) -> None:
    if grid is not None:
        assert layer_grid(queries, 9, 17) == grid
    else:
        with pytest.raises(ValueError, match="fit no halving of 9 x 17"):
            layer_grid(queries, 9, 17)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (9, 17), (24, 8)])
def test_masks_sum_to_one_on_every_grid_of_the_unet(unet: Any, height: int, width: int) -> None:
    blend = RegionBlend(same(corners(3, height, width)))
    with installed(unet, blend.wrap):
        run(unet, height, width, prompts=3)
    half = -(-height // 2) * -(-width // 2)
    assert set(blend._weights) == {height * width, half}
    for queries in blend._weights:
        weights = blend.weights(torch.empty(1, 1, queries, 1))
        assert weights.min() >= 0
        torch.testing.assert_close(weights.sum(dim=0), torch.ones(2, queries))
