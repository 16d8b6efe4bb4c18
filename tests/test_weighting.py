"""Words that count more or less than others."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from families import KITS, SIDE, everywhere, normal, predicted
from taue import TauePipeline
from taue.backbones import Conditioning
from taue.backbones.weighting import fragments, is_weighed, unweighted
from taue.errors import TaueError
from tiny_models import TOKENS

APPLE, LONG = "a red apple", " ".join(["a blue ball on the beach"] * 16)


@pytest.fixture(scope="module")
def pipes() -> dict[str, TauePipeline]:
    return {name: kit.pipeline() for name, kit in KITS.items()}


@pytest.fixture(params=["sdxl", "sd15"])
def backbone(request: Any, pipes: dict[str, TauePipeline]) -> Any:
    return pipes[request.param].backbone(SIDE, SIDE)


def test_weights_are_read() -> None:
    assert fragments("a (red:1.3) apple, (dark: .5)") == [
        ("a", 1.0), ("red", 1.3), ("apple,", 1.0), ("dark", 0.5)
    ]  # fmt: skip
    assert unweighted("a (red and dark:1.3) apple") == "a red and dark apple"
    assert unweighted(r"a \(16:9\) picture") == "a (16:9) picture"
    assert fragments(r"(a \(b\):2)") == [("a (b)", 2.0)]
    for prompt in ("a (red) apple", r"\(red:1.3)", "red:1.3", "(:1.3)", "", None):
        assert not is_weighed(prompt)
    with pytest.raises(TaueError, match=r"weighs 'ratio 16' with 9; give 0 to 2, or write"):
        fragments("a picture (ratio 16:9)")


@pytest.mark.slow
@given(st.text(max_size=40))
def test_any_text_is_read(text: str) -> None:
    assert (
        unweighted(text) == unweighted(unweighted(text))
        or "\\" in text
        or is_weighed(unweighted(text))
    )
    if not is_weighed(text):
        assert fragments(text) == [(one, 1.0) for one in [unweighted(text).strip()] if one]


@pytest.mark.slow
def test_a_weight_of_one_changes_nothing_and_others_do(backbone: Any) -> None:
    usual = backbone.encode_prompt(APPLE, APPLE)
    one = backbone.encode_prompt("a (red:1.0) apple", "(a red apple:1)")
    torch.testing.assert_close(one.prompt, usual.prompt, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(one.negative, usual.negative, atol=1e-5, rtol=1e-4)
    assert one.content == usual.content and torch.equal(one.pooled, usual.pooled)
    for weight in ("1.4", "0.6"):
        other = backbone.encode_prompt(f"a (red:{weight}) apple", None)
        assert other.prompt.shape == usual.prompt.shape
        assert (other.prompt - usual.prompt).abs().max() > 1e-3
    heavy = backbone.encode_prompt("a (red:1.4) apple", None)
    changed = (heavy.prompt - usual.prompt).abs().amax(dim=(0, 2)) > 1e-6
    assert changed.nonzero().flatten().tolist() == [2]  # "red" alone


def test_long_prompts_can_weigh_and_share_a_pass(backbone: Any) -> None:
    long = backbone.encode_prompt(f"{LONG}, a (red:1.3) apple", None)
    assert long.prompt.shape[1] == 2 * TOKENS and max(long.content) > TOKENS
    rows: list[Conditioning] = [everywhere(long), everywhere(backbone.encode_prompt(APPLE, None))]
    drawn = predicted(backbone, rows, normal(1, 2, *backbone.shape[1:]))
    assert drawn.isfinite().all()


def test_what_cannot_be_weighed_is_said(
    backbone: Any, pipes: dict[str, TauePipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    weighed = "a (red:1.3) apple"
    with pytest.raises(TaueError, match=r"weighs words, .* does not go with clip_skip"):
        backbone.encode_prompt(weighed, None, 1)
    with pytest.raises(TaueError, match="models of this family cannot; leave the weight out"):
        pipes["sd3"].backbone(SIDE, SIDE).encode_prompt(APPLE, weighed)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(TaueError, match=r'needs compel; install it with pip install "taue.weights'):
        backbone.encode_prompt(weighed, None)
