"""Published models at their full size, without weights: what the method finds in them at 1024 px.

A further one is an entry in :mod:`published`.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from published import MODELS, Published
from taue import TauePipeline
from taue.backbones import Conditioning, Encoded
from taue.backbones.parts import require_parts_that_fit
from taue.backbones.processors import processors
from taue.errors import TaueError
from taue.families import FAMILIES

SIDE, SMALL = 1024, 128


@cache
def pipeline(name: str) -> TauePipeline:
    return MODELS[name].pipeline()


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> Published:
    return MODELS[request.param]


@pytest.fixture
def pipe(request: pytest.FixtureRequest, model: Published) -> TauePipeline:
    return pipeline(next(name for name, one in MODELS.items() if one is model))


def test_every_family_has_one() -> None:
    assert {one.family for one in MODELS.values()} == set(FAMILIES)


def test_its_parts_fit_together(model: Published, pipe: TauePipeline) -> None:
    require_parts_that_fit(pipe, pipe.family)
    assert pipe.family == model.family
    assert sum(one.numel() for one in pipe.network.parameters()) == model.parameters


def test_a_key_is_a_cell_of_its_latents(model: Published, pipe: TauePipeline) -> None:
    backbone = pipe.backbone(SIDE, SIDE)
    flat, cells = torch.empty(1, 3, SMALL, SMALL, device="meta"), SIDE // model.cell
    few = SMALL // model.cell
    assert backbone.encode(flat).shape == (1, model.channels, few, few)
    assert backbone.shape == (1, model.channels, cells, cells)
    assert pipe.backbone().size == (model.own, model.own)


def test_it_knows_positions_as_far_as_is_told(model: Published, pipe: TauePipeline) -> None:
    largest = model.largest or 4 * SIDE
    assert pipe.backbone(largest, SIDE).shape[-2:] == (largest // model.cell, SIDE // model.cell)
    if model.largest is not None:
        with pytest.raises(TaueError, match=rf"^height is {largest + 16}; .* to {largest}\.$"):
            pipe.backbone(largest + 16, SIDE)


class Held(TorchDispatchMode):
    """The most bytes of tensors that are alive at once, of those that are made in the block."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._views: Counter[int] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, Tensor):
                storage = one.untyped_storage()
                key, size = storage._cdata, storage.nbytes()
                self.now += 0 if self._views[key] else size
                self._views[key] += 1
                weakref.finalize(one, self._gone, key, size)
        self.most = max(self.most, self.now)
        return made

    def _gone(self, key: int, size: int) -> None:
        self._views[key] -= 1
        self.now -= 0 if self._views[key] else size


class Fused(TorchFunctionMode):
    """Attention that holds no scores, as that of every accelerator: on the meta device it would."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.scaled_dot_product_attention:
            return torch.empty_like(args[0] if args else kwargs["query"])
        return func(*args, **(kwargs or {}))


def encoded(model: Published) -> Encoded:
    tokens, width = model.text
    with torch.device("meta"):
        both = torch.empty(1, tokens, width), torch.empty(1, tokens, width)
        return Encoded(*both, torch.empty(1, model.pooled), torch.empty(1, model.pooled), (1, 2))


@pytest.mark.slow
@torch.no_grad()
def test_two_prompts_by_region_pass_and_are_listened_to(
    model: Published, pipe: TauePipeline
) -> None:
    backbone, network = pipe.backbone(SIDE, SIDE), pipe.network
    with torch.device("meta"):
        regions = torch.empty(2, *backbone.shape[2:])
        latents, time = torch.empty(backbone.shape), torch.empty(1)
    prompts = encoded(model), encoded(model)
    row = Conditioning(prompts, encoded(model), 5.0, regions)
    before, grids = processors(network), Counter[int]()

    def count(module: Any, given: Sequence[Any], named: dict[str, Any]) -> None:
        grids[(given[0] if given else named["hidden_states"]).shape[1]] += 1

    with Held() as held, Fused(), backbone.attending([row], [(1, 2)]) as heard:
        sites = [name for name, one in processors(network).items() if one is not before[name]]
        modules = [network.get_submodule(name.removesuffix(".processor")) for name in sites]
        hooks = [one.register_forward_pre_hook(count, with_kwargs=True) for one in modules]
        predicted = backbone.predict(latents, time, [row])
        for hook in hooks:
            hook.remove()
    assert predicted.shape == backbone.shape
    assert heard[0].shape == backbone.shape[2:]
    assert grids == model.grids
    # By this a request is admitted. Nothing beyond it is held, or little; of a UNet's not the half.
    samples = backbone.evaluations(5.0)
    assert 0.6 < backbone.denoising_bytes(samples) / held.most < 3


@torch.no_grad()
def test_sdxl_is_told_size_and_crop_beside_the_whole_prompt() -> None:
    pipe, model = pipeline("SDXL base"), MODELS["SDXL base"]
    backbone, told = pipe.backbone(SIDE, SIDE), {}

    def listen(module: Any, given: Sequence[Any], named: dict[str, Any]) -> None:
        told.update(named["added_cond_kwargs"])
        raise InterruptedError

    hook = pipe.network.register_forward_pre_hook(listen, with_kwargs=True)
    row = Conditioning((encoded(model),), encoded(model), 5.0)
    with torch.device("meta"):
        latents, time = torch.empty(backbone.shape), torch.empty(1)
    with pytest.raises(InterruptedError):
        backbone.predict(latents, time, [row])
    hook.remove()
    shapes = {name: tuple(one.shape) for name, one in told.items()}
    assert shapes == {"text_embeds": (2, 1280), "time_ids": (2, 6)}
    linear = pipe.network.add_embedding.linear_1
    assert linear.in_features == 6 * 256 + 1280
