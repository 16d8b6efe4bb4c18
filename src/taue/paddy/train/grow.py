"""Growing: a run at twice the resolution starts from a finished one, with one more level."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn


def load_average(modules: nn.ModuleDict, folder: Path, name: str = "denoiser") -> None:
    """Put the moving average of ``FOLDER/NAME.pt`` into the trained weights of ``modules``."""
    saved = torch.load(folder / f"{name}.pt", map_location="cpu", weights_only=True)
    trained = [p for p in modules.parameters() if p.requires_grad]
    with torch.no_grad():
        for parameter, mean in zip(trained, saved["average"], strict=True):
            parameter.copy_(mean)


def inherit(larger: nn.ModuleDict, smaller: nn.ModuleDict) -> list[str]:
    """Copy every tensor of ``smaller`` that has a place of its shape in ``larger``.

    The larger UNet's first level is new, so what was level i on the way down is now level i + 1;
    on the way up levels count from the bottom and keep their numbers. Where the UNets are equally
    deep everything is copied.

    Returns:
        The names in ``larger`` that kept their own initial values.
    """
    deeper = _levels(larger) - _levels(smaller)
    known = {_moved(name, deeper): value for name, value in smaller.state_dict().items()}
    fresh: list[str] = []
    with torch.no_grad():
        for name, value in larger.state_dict().items():
            old = known.get(name)
            if name == TIME_INPUT and old is not None and old.shape != value.shape:
                old = _fewer_frequencies(old, value.shape[1])
            if old is None or old.shape != value.shape:
                fresh.append(name)
            else:
                value.copy_(old)
    return fresh


TIME_INPUT = "unet.time_embedding.linear_1.weight"


def _levels(modules: nn.ModuleDict) -> int:
    found = (re.match(r"unet\.down_blocks\.(\d+)\.", name) for name in modules.state_dict())
    return 1 + max(int(match[1]) for match in found if match)


def _moved(name: str, deeper: int) -> str:
    found = re.match(r"(unet\.down_blocks\.)(\d+)(\..*)", name)
    return name if found is None else f"{found[1]}{int(found[2]) + deeper}{found[3]}"


def _fewer_frequencies(weight: Tensor, inputs: int) -> Tensor:
    """Weights [out, n] of cosines and sines at n / 2 frequencies for fewer of them.

    The sinusoids of half as many inputs are every second one of the full set, so each takes over
    its dropped neighbour's weight, whose phase is nearest to its own.
    """
    return weight.unflatten(1, (2, inputs // 2, -1)).sum(dim=-1).flatten(1)
