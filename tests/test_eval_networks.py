"""The networks of the scores: real classes, loaded from folders; their arithmetic."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import torchmetrics.functional.image.lpips as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from taue.errors import TaueError
from taue.evaluation.clip import Clip
from taue.evaluation.frechet import frechet
from taue.evaluation.inception import Inception, InceptionV3
from taue.evaluation.lpips import Lpips
from taue.evaluation.weights import read_weights
from tiny_networks import save_alexnet, save_clip, save_inception

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


def picture(seed: int, side: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)


@pytest.mark.slow
def test_inception_has_the_real_networks_shapes_at_full_width() -> None:
    with torch.device("meta"):
        network = InceptionV3()
        assert network(torch.zeros(1, 3, 299, 299)).shape == (1, 2048)
    # torchvision's 23,834,568 without the auxiliary head, and 8 more classes.
    assert sum(p.numel() for p in network.parameters()) == 23_834_568 + 8 * 2049
    names = network.state_dict()
    assert names["Mixed_7c.branch3x3dbl_3b.bn.running_var"].shape == (384,)
    assert names["Mixed_6c.branch7x7dbl_4.conv.weight"].shape == (160, 160, 7, 1)


@pytest.mark.slow
def test_inception_from_safetensors_and_pth_are_one(folder: Path) -> None:
    one = Inception.load(str(save_inception(folder / "a")), CPU)
    other = Inception.load(str(save_inception(folder / "b", "weights.pth")), CPU)
    found = one.features(picture(0))
    assert found.shape == (128,)
    assert np.array_equal(found, other.features(picture(0)))
    assert not np.allclose(found, one.features(picture(1)), rtol=1e-4)
    assert one.sha256 == hashlib.sha256((folder / "a/model.safetensors").read_bytes()).hexdigest()
    # Safetensors are preferred where both are there.
    shutil.copy(folder / "b/weights.pth", folder / "a")
    assert Inception.load(str(folder / "a"), CPU).sha256 == one.sha256


def test_lpips_is_torchmetrics_own_on_the_same_trunk(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Lpips.load(str(save_alexnet(folder / "alexnet")), CPU)
    monkeypatch.setattr(reference, "Alexnet", lambda pretrained, requires_grad: ours.trunk)
    theirs = reference._LPIPS(spatial=True)
    one, other = (picture(i) / 255 for i in range(2))
    batch = [torch.from_numpy(x).float().permute(2, 0, 1)[None] for x in (one, other)]
    with torch.no_grad():
        expected = theirs(*batch, normalize=True)[0, 0].numpy()
    found = ours.distances(one, other)
    assert found.shape == (64, 64)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    assert ours.distances(one, one).max() == 0
    with pytest.raises(TaueError, match="too small for LPIPS"):
        ours.distances(one[:20], other[:20])


def test_clip_embeds_pictures_and_words(folder: Path) -> None:
    from transformers import CLIPModel

    clip = Clip.load(str(save_clip(folder / "clip")), CPU)
    seen, read = clip.picture(picture(0, 48)), clip.words("a red apple on a sunny beach")
    assert seen.shape == read.shape == (8,)
    assert np.linalg.norm(seen) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(read, clip.words("a blue car"), atol=1e-4)
    assert clip.words("apple " * 200).shape == (8,)  # cut, not refused
    # The whole model's own forward pass gives the same embeddings.
    model = CLIPModel.from_pretrained(folder / "clip").eval()
    tokens = clip.tokenizer("a red apple on a sunny beach", return_tensors="pt")
    with torch.no_grad():
        output = model(
            input_ids=tokens.input_ids,
            attention_mask=tokens.attention_mask,
            pixel_values=clip._prepared(picture(0, 48)),
        )
    np.testing.assert_allclose(output.image_embeds[0], seen, atol=1e-5)
    np.testing.assert_allclose(output.text_embeds[0], read, atol=1e-5)


def test_clip_sees_the_middle_square_of_a_picture() -> None:
    class Bare:
        pass

    clip, wide = Bare(), np.zeros((64, 128, 3), np.uint8)
    wide[:, 32:96] = 255
    clip.model = Bare()
    clip.model.config = Bare()
    clip.model.config.vision_config = Bare()
    clip.model.config.vision_config.image_size = 32
    values = Clip._prepared(clip, wide)
    assert values.shape == (1, 3, 32, 32)
    assert values[0, 0, 16, 4:28].min() == pytest.approx((1 - 0.48145466) / 0.26862954, abs=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.integers(2, 6), st.floats(0, 3))
def test_the_frechet_distance_is_scipys(seed: int, width: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    one = rng.normal(size=(40, width))
    other = rng.normal(size=(30, width)) * rng.uniform(0.5, 2, width) + shift
    c1, c2 = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    apart = one.mean(0) - other.mean(0)
    root = np.trace(linalg.sqrtm(c1 @ c2).real)
    expected = apart @ apart + np.trace(c1) + np.trace(c2) - 2 * root
    assert frechet(one, other) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert frechet(one, one) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match="too few"):
        frechet(one[:1], other)


@given(st.integers(0, 2**32 - 1), st.floats(-3, 3))
def test_the_frechet_distance_of_moved_features_is_the_way_squared(seed: int, way: float) -> None:
    features = np.random.default_rng(seed).standard_normal((40, 5))
    moved = features + np.array([way, 0, 0, 0, 0])
    assert frechet(features, moved) == pytest.approx(way**2, abs=1e-5)


def test_the_frechet_distance_of_normal_samples_by_hand() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((20_000, 3)), 2 * rng.standard_normal((20_000, 3))
    # Each of three dimensions: (1 - 2)^2.
    assert frechet(one, other) == pytest.approx(3, abs=0.1)
    with pytest.raises(ValueError, match="not"):
        frechet(one, other[:, :2])


@pytest.mark.slow
def test_weights_that_are_missing_wrong_or_dangerous_are_one_sentence(
    folder: Path, tmp_path: Path
) -> None:
    def refused(name: str | Path, sentence: str) -> None:
        with pytest.raises(TaueError, match=sentence):
            Inception.load(str(name), CPU)

    refused("no such thing", "is missing; give a file, a folder or a hub id")
    refused("x" * 5000, "is missing; give a file")
    refused("~nobody-of-that-name/x", "is missing; give a file")
    refused("some/model", "neither here nor was it found on the hub")
    refused(tmp_path, "has no weights")
    refused(save_alexnet(tmp_path / "other"), "has another network's weights")
    save_inception(tmp_path / "two")
    save_inception(tmp_path / "two", "second.safetensors")
    refused(tmp_path / "two", "has several .safetensors files")
    save_inception(tmp_path / "named", "weights-0123abcd.pth")
    refused(tmp_path / "named", "has the checksum")
    (tmp_path / "broken.pth").write_bytes(b"nothing")
    refused(tmp_path / "broken.pth", "no readable file of weights")
    torch.save([1, 2], tmp_path / "list.pth")
    refused(tmp_path / "list.pth", "no table of tensors")

    class Bomb:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "exploded",))

    torch.save({"weights": Bomb()}, tmp_path / "bomb.pth")
    refused(tmp_path / "bomb.pth", "no readable file of weights")
    assert not (tmp_path / "exploded").exists()
    with pytest.raises(TaueError, match=r"alexnet .* has another network's weights"):
        Lpips.load(str(save_inception(tmp_path / "inception")), CPU)
    with pytest.raises(TaueError, match=r"clip .* cannot be loaded"):
        Clip.load(str(tmp_path), CPU)


def test_a_file_whose_name_has_its_checksum_is_taken(tmp_path: Path) -> None:
    save_alexnet(tmp_path, "alexnet.pth")
    path = tmp_path / "alexnet.pth"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    named = path.rename(tmp_path / f"alexnet-owt-{digest[:8]}.pth")
    assert read_weights(str(named), "alexnet").sha256 == digest
