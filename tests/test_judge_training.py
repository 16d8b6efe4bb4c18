"""The judge's training: its pictures, its loss, and a run at toy size."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from taue.paddy import architecture
from taue.paddy.judge import Judge
from taue.paddy.judge.network import GRID, GROUNDS, SIDE, Seen, load_network, save_network
from taue.paddy.judge.sighting import decode
from taue.paddy.judge.train.__main__ import train_judge
from taue.paddy.judge.train.album import Album, draw_album
from taue.paddy.judge.train.loss import bells_around, judge_loss, sides_of
from taue.paddy.judge.train.samples import IGNORED, Sample, draw_sample
from taue.paddy.judge.train.vary import mirror, vary
from taue.paddy.judge.train.warp import warp
from taue.paddy.scenes import COLOURS, KINDS
from taue.paddy.train import loop
from taue.paddy.train.config import Schedule

COUNT = 150

STEPS = 4
"""Of the training at toy size."""


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [draw_sample(3, index) for index in range(COUNT)]


@pytest.mark.slow
def test_a_sample_is_what_it_says(samples: list[Sample]) -> None:
    for index, sample in enumerate(samples):
        side = sample.picture.shape[0]
        assert side in (128, 256)
        assert sample.mask.shape == (side, side)
        assert 0 <= sample.mask.min() <= sample.mask.max() <= 1 + 1e-6
        for (kind, colour), (left, top, right, bottom) in zip(
            sample.names, sample.boxes, strict=True
        ):
            assert (kind == -1) == (right == 0)
            if kind != -1:
                assert 0 <= left < right <= 1
                assert 0 <= top < bottom <= 1
                assert sample.mask[round(top * side) : round(bottom * side)].max() > 0.5
            assert -2 <= colour < len(COLOURS)
        if index < 10:
            np.testing.assert_array_equal(sample.picture, draw_sample(3, index).picture)


@pytest.mark.slow
def test_everything_comes_up(samples: list[Sample]) -> None:
    grounds = Counter(sample.background for sample in samples)
    assert set(grounds) == set(range(len(GROUNDS)))
    assert 0.1 < grounds[len(GROUNDS) - 1] / COUNT < 0.4
    kinds = Counter(int(kind) for sample in samples for kind, _ in sample.names)
    assert set(range(len(KINDS))) <= set(kinds)
    assert kinds[IGNORED] > 0
    counts = Counter(int((sample.names[:, 0] >= 0).sum()) for sample in samples)
    assert min(counts[number] for number in range(4)) > 0
    twice = [
        s for s in samples if len({*map(tuple, s.names[:2].tolist())}) == 1 and s.names[0, 0] >= 0
    ]
    assert len(twice) < COUNT / 4


def test_a_warp_that_does_nothing_and_one_that_moves() -> None:
    spot = np.zeros((64, 64, 4), np.uint8)
    spot[24:40, 24:40] = (200, 30, 40, 255)
    rng = np.random.default_rng(0)
    picture = Image.fromarray(spot)
    moved = [
        np.asarray(warp(picture, rng, scale=(1, 1), turn=0, shift=0.2, wobble=0)) for _ in range(20)
    ]
    for one in moved:
        opaque = one[..., 3] > 127
        assert 160 < opaque.sum() < 360
        np.testing.assert_allclose(one[opaque].mean(axis=0)[:3], (200, 30, 40), atol=3)
    middles = np.array([np.argwhere(one[..., 3] > 127).mean(axis=0) for one in moved])
    assert middles.std(axis=0).min() > 2


corners = st.tuples(
    st.integers(0, 60), st.integers(0, 60), st.integers(24, 60), st.integers(24, 60)
).map(lambda b: [b[0] / 128, b[1] / 128, (b[0] + b[2]) / 128, (b[1] + b[3]) / 128])


@given(corners, st.integers(0, len(KINDS) - 1), st.integers(0, len(COLOURS) - 1))
@settings(max_examples=25)
def test_the_true_answers_are_read_back_and_cost_next_to_nothing(
    corner: list[float], kind: int, colour: int
) -> None:
    boxes = torch.zeros(1, 4, 4)
    boxes[0, 0] = torch.tensor(corner)
    names = torch.full((1, 4, 2), -1)
    names[0, 0] = torch.tensor([kind, colour])
    left, top, right, bottom = (round(x * SIDE) for x in corner)
    mask = torch.zeros(1, SIDE, SIDE)
    mask[0, top:bottom, left:right] = 1
    hottest = bells_around(boxes)[:, :1]
    assert hottest.max() == 1
    truth = Seen(
        centre=torch.where(hottest == 1, 20.0, -20.0),
        kind=logits(kind, len(KINDS)),
        colour=logits(colour, len(COLOURS)),
        sides=sides_of(boxes[:, 0]),
        mask=(mask[:, None] * 2 - 1) * 20,
        background=torch.nn.functional.one_hot(torch.tensor([3]), len(GROUNDS)) * 40.0,
        features=torch.zeros(1, 128),
    )
    sighting = decode(truth, 0, (SIDE, SIDE))
    (found,) = sighting.objects
    assert (found.kind, found.colour) == (KINDS[kind], tuple(COLOURS)[colour])
    seen = (found.box.x, found.box.y, found.box.width, found.box.height)
    assert seen == pytest.approx(
        (left / 128, top / 128, (right - left) / 128, (bottom - top) / 128)
    )
    np.testing.assert_array_equal(found.mask, mask[0].numpy() > 0)
    assert sighting.background == GROUNDS[3]
    loss = judge_loss(truth, mask, names, boxes, torch.tensor([3]))
    assert loss["loss"] < 1e-3
    assert loss["named"] == 1
    names[0, 0, 0] = (kind + 1) % len(KINDS)
    assert judge_loss(truth, mask, names, boxes, torch.tensor([3]))["kind"] > 10


def logits(choice: int, count: int) -> torch.Tensor:
    """Sure of one name everywhere on the grid."""
    return torch.eye(count)[choice].view(1, count, 1, 1).expand(-1, -1, GRID, GRID) * 40


def test_mirroring_keeps_boxes_on_their_objects() -> None:
    pictures, masks = torch.zeros(40, 3, 128, 128), torch.zeros(40, 128, 128)
    pictures[..., 10:20, 20:50] = 1
    masks[..., 10:20, 20:50] = 1
    boxes = torch.tensor([20, 10, 50, 20]).div(128).expand(40, 4, 4)
    shown, marked, moved = mirror(pictures, masks, boxes, torch.Generator().manual_seed(0))
    left, right = (moved[:, 0, side].mul(128).round().int().tolist() for side in (0, 2))
    assert set(left) == {20, 78}
    for one, (x0, x1) in enumerate(zip(left, right, strict=True)):
        assert marked[one, 10:20, x0:x1].min() == shown[one, :, 10:20, x0:x1].min() == 1
        assert marked[one].sum() == 300


def test_varying_keeps_the_picture_recognisable() -> None:
    pictures = torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 1.6 - 0.8
    first, again = (vary(pictures, torch.Generator().manual_seed(2)) for _ in range(2))
    assert torch.equal(first, again)
    assert first.min() >= -1
    assert first.max() <= 1
    assert 0.02 < (first - pictures).abs().mean() < 0.3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a few steps, with an autoencoder that knows nothing."""
    folder = tmp_path_factory.mktemp("judge")
    torch.manual_seed(0)
    architecture.autoencoder().save_pretrained(folder / "vae")
    draw_album(folder, folder / "vae", 12, seed=5)
    schedule = Schedule(steps=STEPS, batch=2, learning_rate=1e-3, warmup=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "LOG_EVERY", STEPS)
        save_network(train_judge(folder, schedule, seed=5), folder / "weights.safetensors")
    return folder


@pytest.mark.slow
def test_a_run_ends_in_a_judge(run: Path) -> None:
    assert len(Album.open(run)) == 12
    figures = json.loads((run / "judge.jsonl").read_text().splitlines()[-1])
    assert figures["step"] == STEPS
    assert figures["loss"] > 0
    assert len(Judge.load(run / "weights.safetensors").look([np.zeros((64, 64, 3), np.uint8)])) == 1


@pytest.mark.slow
def test_an_album_is_drawn_once_and_the_same_again(run: Path, tmp_path: Path) -> None:
    stamp = (run / "pictures.npy").stat().st_mtime_ns
    draw_album(run, run / "vae", 12, seed=5)
    assert (run / "pictures.npy").stat().st_mtime_ns == stamp
    draw_album(tmp_path, run / "vae", 12, seed=5)
    one, other = Album.open(run), Album.open(tmp_path)
    np.testing.assert_array_equal(one.pictures, other.pictures)
    assert torch.equal(one.boxes, other.boxes)


@pytest.mark.slow
def test_weights_survive_half_precision(run: Path) -> None:
    network = load_network(run / "weights.safetensors")
    save_network(network, run / "again.safetensors")
    again = load_network(run / "again.safetensors")
    for name, value in network.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
