"""Several results by one call, and prompts that come encoded."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from families import KITS
from taue import Scene, TauePipeline
from taue.errors import TaueError
from taue.noise import seed_of
from taue.several import seeded as each_seeded

SIZE = {"height": 128, "width": 128, "num_inference_steps": 2, "output_type": "latent"}
ASKED: dict[str, Any] = {"subjects": ["a red apple"], "background": "a desert", **SIZE}


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def pipe() -> TauePipeline:
    return KITS["sdxl"].pipeline()


@pytest.mark.slow
@pytest.mark.parametrize("family", KITS)
def test_embeddings_draw_what_their_text_does(family: str) -> None:
    pipe = KITS[family].pipeline()
    embeds = {
        text: KITS[family].encode(pipe, text)
        for text in ("a red apple", "a desert", "a red apple, a desert")
    }
    one = pipe(**ASKED, generator=seeded(3)).composite
    other = pipe(**ASKED, generator=seeded(3), prompt_embeds=embeds).composite
    torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
    swapped = {"a red apple": embeds["a desert"]}
    changed = pipe(**ASKED, generator=seeded(3), prompt_embeds=swapped).composite
    assert (changed - one).abs().max() > 1e-3


def test_embeddings_that_do_not_fit_are_refused(pipe: TauePipeline) -> None:
    fit = pipe.encode_prompt("a red apple", device=pipe.device, do_classifier_free_guidance=True)
    wrong: dict[str, tuple[Any, str]] = {
        "no dict": ([fit], "give a dict from prompts to what encode_prompt returns"),
        "another prompt": ({"a pear": fit}, "has 'a pear', which is no prompt here; there are"),
        "too few": ({"a red apple": fit[:2]}, "are 2; give 4 tensors"),
        "two of them": (
            {"a red apple": [torch.cat([one, one]) for one in fit]},
            r"give \[1, L, D\]",
        ),
        "another width": ({"a red apple": [one[..., :3] for one in fit]}, "with D = 32"),
        "nan": ({"a red apple": [one * torch.nan for one in fit]}, "are not finite"),
    }
    for given, says in wrong.values():
        with pytest.raises(TaueError, match=says):
            pipe(**ASKED, prompt_embeds=given)


@pytest.mark.slow
def test_several_images_are_those_of_single_calls(pipe: TauePipeline) -> None:
    together = pipe(**ASKED, num_images_per_prompt=2, generator=seeded(3))
    one = seeded(3)
    apart = [pipe(**ASKED, generator=one) for _ in range(2)]
    listed = pipe(**ASKED, num_images_per_prompt=2, generator=[seeded(3), seeded(4)])
    for some, others in zip(together, apart, strict=True):
        assert torch.equal(some.composite, others.composite)
    assert torch.equal(listed[0].composite, together[0].composite)
    assert not torch.equal(listed[1].composite, together[1].composite)


@pytest.mark.slow
def test_several_scenes_are_those_of_single_calls(pipe: TauePipeline) -> None:
    small = {"canvas": {"height": 128, "width": 128}, "steps": 2, "background": "a desert"}
    scenes = [
        Scene.from_data({**small, "subjects": [{"prompt": prompt}], "seed": seed})
        for prompt, seed in (("a red apple", 3), ("a blue ball", 8))
    ]
    together = pipe(scenes=scenes, output_type="latent")
    for scene, layers in zip(scenes, together, strict=True):
        alone = pipe.make(scene, generator=seeded(scene.seed), output_type="latent")
        assert torch.equal(alone.composite, layers.composite)
    numbers = [number for _, number in each_seeded(scenes, 2, None)]
    assert numbers == [seed_of(n) for n in (3, 4, 8, 9)]


def test_what_several_cannot_be_is_refused(pipe: TauePipeline) -> None:
    scene = Scene.from_data({"subjects": [{"prompt": "a red apple"}], "background": "a desert"})
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "subjects is missing; give it, or scenes"),
        ({"subjects": ["a ball"]}, "background is missing; give it, or scenes"),
        ({"scenes": []}, "scenes is \\[\\]; give a list of scenes"),
        ({"scenes": [scene, 3]}, r"scenes\[1\] is 3; give a Scene or a Request"),
        ({"scenes": [scene], "background": "a desert"}, "background is given besides scenes"),
        ({**ASKED, "num_images_per_prompt": 0}, "give a whole number from 1 to 100"),
        ({**ASKED, "num_images_per_prompt": 2, "generator": [seeded(1)]}, "has 1 of them"),
    ]  # fmt: skip
    for given, says in wrong:
        with pytest.raises(TaueError, match=says):
            pipe(**given)


def test_offloading_onto_a_cpu_is_refused_in_words(pipe: TauePipeline) -> None:
    with pytest.raises(TaueError, match="needs an accelerator: on a CPU all is in its memory"):
        pipe.enable_sequential_cpu_offload(device="cpu")
