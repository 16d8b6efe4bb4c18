"""Prompts of any length: in pieces that encoders read whole, of which none depends on others."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from torch import Tensor

from families import KITS, SIDE, Kit, everywhere, normal, predicted, region
from taue import Box, TauePipeline
from taue.backbones import Conditioning
from taue.backbones.given import given_encoding
from taue.backbones.prompts import Reader
from taue.equations import disjoint
from taue.errors import TaueError
from taue.noise import NoiseSource
from taue.rows import Row
from taue.seedling import Seedling
from taue.settings import Settings
from taue.space import Level
from taue.stages import Context, StageResult, SubjectCondition, composite_row
from tiny_models import MUTE, TOKENS, WORDS, sd3, tokenizers

SHORT, FRESH = "a red apple", "a dark desert at sunset"
SUBJECT = " ".join(["a red apple in the meadow with a blue ball"] * 10)  # 90 words
LONG = {f"{SUBJECT}, {ground}": ground for ground in ("a sunny beach", "a dark desert")}


@pytest.fixture(params=KITS)
def kit(request: Any) -> Kit:
    return KITS[request.param]


NEGATING = pytest.mark.parametrize("kit", [n for n in KITS if KITS[n].negates], indirect=True)
"""Families that know negative prompts."""

IN_PIECES = pytest.mark.parametrize("kit", [n for n in KITS if KITS[n].pieces], indirect=True)
"""Families with CLIP, whose encoders read long prompts in pieces."""


@pytest.fixture(scope="module")
def pipes() -> dict[str, TauePipeline]:
    return {name: one.pipeline() for name, one in KITS.items()}


@pytest.fixture
def backbone(kit: Kit, pipes: dict[str, TauePipeline]) -> Any:
    return pipes[kit.name].backbone(SIDE, SIDE)


class Plain:
    """A pipeline whose words are what they are."""

    def maybe_convert_prompt(self, text: str, _: Any) -> str:
        return text


READER = Reader(Plain(), tokenizers())
TINY = Reader(Plain(), tokenizers(), 9)


@hypothesis_settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(st.sampled_from([*WORDS, "beach,", "sunset.", "x" * 40]), min_size=1, max_size=60))
def test_pieces_are_the_prompt_and_each_is_read_whole(words: list[str]) -> None:
    pieces = TINY.pieces(" ".join(words))
    assert all(TINY.tokens(piece) <= 9 for piece in pieces)
    assert "".join(pieces).replace(" ", "") == "".join(words)
    if "x" * 40 not in words:
        assert " ".join(pieces).split() == words
    if len(pieces) > 1 and len(words) > 12:
        assert len(pieces) <= len(words)


def test_a_piece_ends_with_a_phrase_where_one_ends_nearby() -> None:
    assert TINY.pieces("a red apple on the beach a ball")[0] == "a red apple on the beach a"
    assert TINY.pieces("a red apple on beach, a ball in the")[0] == "a red apple on beach,"
    assert TINY.pieces("a, red apple on the beach a ball")[0] == "a, red apple on the beach"
    prompt = "  what fits   is  left as it is "
    assert READER.pieces(prompt) == [prompt]


def test_a_prompt_that_fits_is_encoded_as_diffusers_does(kit: Kit, backbone: Any) -> None:
    for negative in {None, kit.against("a blue ball")}:
        ours = backbone.encode_prompt(SHORT, negative)
        theirs = kit.encode(backbone.pipeline, SHORT, negative)
        received = given_encoding(SHORT, ours, theirs, backbone.returns)
        for name in ("prompt", "negative", "pooled", "negative_pooled"):
            assert torch.equal(getattr(ours, name)[:, :TOKENS], getattr(received, name)[:, :TOKENS])


@IN_PIECES
def test_nothing_of_a_long_prompt_is_lost(kit: Kit, backbone: Any) -> None:
    one, other = (backbone.encode_prompt(text, text) for text in LONG)
    pieces = -(-one.prompt.shape[1] // TOKENS) - (kit.name == "sd3")
    assert pieces == 2
    for name in ("prompt", "negative"):
        first, second = getattr(one, name), getattr(other, name)
        assert torch.equal(first[:, :TOKENS], second[:, :TOKENS])
        assert not torch.equal(first[:, TOKENS:], second[:, TOKENS:])
    assert torch.equal(one.pooled, other.pooled)  # of the first piece
    assert max(one.content) > TOKENS and len(one.content) > 90
    noise = normal(1, *backbone.shape)
    drawn = [predicted(backbone, [everywhere(text)], noise) for text in (one, other)]
    assert (drawn[0] - drawn[1]).abs().max() > 1e-5


def test_a_long_prompt_is_no_warning_of_the_tokenizers(kit: Kit, backbone: Any) -> None:
    said: list[logging.LogRecord] = []
    source = logging.getLogger("transformers.tokenization_utils_base")
    handler = logging.Handler()
    handler.emit = said.append
    for name in ("tokenizer", "tokenizer_2", "tokenizer_3"):
        if (tokenizer := getattr(backbone.pipeline, name, None)) is not None:
            tokenizer.deprecation_warnings = {}  # it warns once
    source.addHandler(handler)
    try:
        backbone.encode_prompt(SUBJECT, kit.against(SUBJECT))
    finally:
        source.removeHandler(handler)
    assert not said


def mixed(kit: Kit, backbone: Any) -> list[Conditioning]:
    """Rows whose prompts, negatives and regions have different lengths."""
    short = backbone.encode_prompt(SHORT, None)
    long = backbone.encode_prompt(SUBJECT, kit.against(FRESH))
    hated = backbone.encode_prompt(FRESH, kit.against(SUBJECT))
    inside = region(*backbone.shape[2:])
    masks = torch.stack([inside, 1 - inside])
    return [
        everywhere(short),
        everywhere(long),
        everywhere(hated, 1.0),
        Conditioning((short, hated), short, 4.0, masks),
        Conditioning((long, short), hated, 4.0, masks),
    ]


@pytest.mark.slow
def test_no_row_depends_on_how_long_the_others_prompts_are(kit: Kit, backbone: Any) -> None:
    rows = mixed(kit, backbone)
    noise = normal(1, len(rows), *backbone.shape[1:])
    together = predicted(backbone, rows, noise)
    for i, row in enumerate(rows):
        alone = predicted(backbone, [row], noise[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-5, rtol=0)
    with torch.no_grad():  # outside of any block, too
        free = backbone.predict(noise[:3], torch.full((3,), 500.0), rows[:3])
    torch.testing.assert_close(free, together[:3], atol=1e-5, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("negative", [None, SHORT, SUBJECT])
def test_equal_long_prompts_under_any_masks_are_one(
    kit: Kit, backbone: Any, negative: str | None
) -> None:
    long = backbone.encode_prompt(SUBJECT, kit.against(negative))
    noise, masks = normal(1, *backbone.shape), torch.rand(3, *backbone.shape[2:]).softmax(dim=0)
    one = predicted(backbone, [everywhere(long)], noise)
    many = predicted(backbone, [Conditioning((long,) * 3, long, 5.0, masks)], noise)
    torch.testing.assert_close(many, one, atol=1e-5, rtol=0)


@torch.no_grad()
def test_listening_hears_no_padding(backbone: Any) -> None:
    short, long = backbone.encode_prompt(SHORT, None), backbone.encode_prompt(SUBJECT, None)
    noise = normal(1, 2, *backbone.shape[1:])

    def heard(*rows: int) -> dict[int, Tensor]:
        chosen = [(short, long)[row] for row in rows]
        conditionings = [everywhere(one) for one in chosen]
        with backbone.attending(conditionings, [one.content for one in chosen]) as captured:
            backbone.predict(noise[list(rows)], torch.full((len(rows),), 500.0), conditionings)
        return dict(captured)

    together = heard(0, 1)
    for row in (0, 1):
        torch.testing.assert_close(together[row], heard(row)[0], atol=1e-6, rtol=1e-4)


@IN_PIECES
def test_layers_of_the_text_encoders_are_skipped_as_in_diffusers(kit: Kit, backbone: Any) -> None:
    if kit.name == "sd15":  # diffusers' own does not find the norm in this transformers
        assert torch.equal(
            backbone.encode_prompt(SHORT, None, 0).prompt,
            backbone.encode_prompt(SHORT, None).prompt,
        )
        ids = backbone.pipeline.tokenizer(
            SHORT, padding="max_length", max_length=TOKENS, return_tensors="pt"
        ).input_ids
        encoder = backbone.pipeline.text_encoder
        with torch.no_grad():
            before = encoder(ids, output_hidden_states=True).hidden_states[-2]
            by_hand = encoder.final_layer_norm(before)
        assert torch.equal(backbone.encode_prompt(SHORT, None, 1).prompt, by_hand)
        assert not hasattr(encoder, "text_model")
        return
    theirs = backbone.pipeline.encode_prompt(
        prompt=SHORT, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=True,
        clip_skip=1, **kit.encoded,
    )  # fmt: skip
    ours = backbone.encode_prompt(SHORT, None, 1)
    assert torch.equal(ours.prompt[:, :TOKENS], theirs[0][:, :TOKENS])
    assert not torch.equal(ours.prompt, backbone.encode_prompt(SHORT, None).prompt)
    with pytest.raises(TaueError, match=r"^clip_skip is 9; this model's text encoders can skip"):
        backbone.encode_prompt(SHORT, None, 9)


@pytest.mark.slow
def test_t5_reads_all_that_it_can_and_what_it_cannot_is_said() -> None:
    pipe = TauePipeline.from_pipe(sd3(speaks=True))
    backbone = pipe.backbone(SIDE, SIDE)
    reader = Reader(pipe, (pipe.tokenizer_3,), 512)
    long = " ".join(["apple"] * 50)
    assert MUTE < reader.tokens(long) <= 512
    one, other = (backbone.encode_prompt(f"{long} {end}", None) for end in ("red", "blue"))
    pieces = len(Reader(pipe, (pipe.tokenizer,), TOKENS).pieces(f"{long} red"))
    assert one.prompt.shape[1] == pieces * TOKENS + reader.tokens(f"{long} blue") - 1
    assert not torch.equal(one.prompt[:, -2:], other.prompt[:, -2:])
    with pytest.raises(TaueError, match=r"tokens for T5, which takes 512 at most; shorten it\.$"):
        backbone.encode_prompt(" ".join(["apple"] * 400), None)
    mute = TauePipeline.from_pipe(sd3()).backbone(SIDE, SIDE)
    assert mute.encode_prompt(" ".join(["apple"] * 400), None).prompt.isfinite().all()


@NEGATING
def test_rescaled_guidance_has_the_spread_of_what_the_prompt_says(backbone: Any) -> None:
    prompt, noise = backbone.encode_prompt(SHORT, None), normal(1, *backbone.shape)

    def drawn(scale: float, rescale: float) -> Tensor:
        return predicted(
            backbone, [Conditioning((prompt,), prompt, scale, guidance_rescale=rescale)], noise
        )

    plain, guided, alone = drawn(8.0, 0.0), drawn(8.0, 1.0), drawn(1.0, 0.7)
    torch.testing.assert_close(guided.std(), drawn(1.0, 0.0).std(), atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(guided / guided.std(), plain / plain.std(), atol=1e-4, rtol=1e-3)
    assert torch.equal(alone, drawn(1.0, 0.0))  # without guidance there is nothing to rescale
    both = drawn(8.0, 0.25)
    torch.testing.assert_close(both, 0.25 * guided + 0.75 * plain, atol=1e-5, rtol=1e-4)


def row_of(backbone: Any, *released: str | None) -> Row:
    """A composite's row of two subjects with these negative prompts of their own."""
    settings = Settings(num_inference_steps=4)
    context = Context(backbone, settings, NoiseSource(3), lambda step: None)
    whole = backbone.encode_prompt(FRESH, SHORT)
    conditions, results = [], []
    for number, own in enumerate(released, 1):
        prompt = backbone.encode_prompt(SHORT, own)
        hated = None if own is None else backbone.encode_prompt(FRESH, own)
        key = tuple(backbone.keys["green"])
        box = Box(0.1, 0.1, 0.4, 0.4)
        conditions.append(
            SubjectCondition(number, prompt, key, box, fits=False, crop_ratio=0.6, released=hated)
        )
        mask = region(*backbone.shape[2:]).roll(number, 1)
        latents = normal(number, *backbone.shape)
        seedling = Seedling(latents, latents, Level(1.0, 1.0), mask, mask, family=backbone.family)
        results.append(StageResult(latents, seedling, 0))
    regions = disjoint([one.seedling.mask for one in results])
    return composite_row(context, conditions, whole, whole, results, regions)


@NEGATING
@pytest.mark.slow
def test_own_negative_prompts_stay_after_the_release(backbone: Any) -> None:
    plain = row_of(backbone, None, None).released
    assert plain is not None and plain.regions is None and len(plain.prompts) == 1
    own = row_of(backbone, None, SUBJECT).released
    assert own is not None and own.regions is not None
    assert [torch.equal(one.prompt, plain.whole.prompt) for one in own.prompts] == [True] * 3
    negatives = [one.negative for one in own.prompts]
    assert torch.equal(negatives[0], negatives[2]) and not torch.equal(negatives[0], negatives[1])
    noise = normal(9, *backbone.shape)
    one, other = (predicted(backbone, [each], noise) for each in (plain, own))
    inside = own.regions[1].bool()
    assert (one - other)[..., inside].abs().max() > 1e-4
    same = row_of(backbone, SHORT, None).released  # what the scene must not show anyway
    assert same is not None and same.regions is not None
    torch.testing.assert_close(predicted(backbone, [same], noise), one, atol=1e-5, rtol=0)
