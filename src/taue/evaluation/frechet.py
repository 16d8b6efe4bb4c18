"""The Fréchet distance of two sets of features, by torchmetrics, in double precision."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance


class Given(nn.Module):
    """A feature module for what are features already."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_features = width

    def forward(self, features: Tensor) -> Tensor:
        return features


def frechet(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    r"""Of features [N, D] and [M, D], at least two each.

    .. math:: |\mu_1 - \mu_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^{1/2})

    Raises:
        ValueError: if there are fewer, or D differs.
    """
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(f"features {first.shape} and {second.shape} are not [N, D] and [M, D]")
    if min(len(first), len(second)) < 2:
        raise ValueError(f"{len(first)} and {len(second)} pictures are too few; give two at least")
    metric = FrechetInceptionDistance(feature=Given(first.shape[1])).set_dtype(torch.float64)
    for features, real in ((first, True), (second, False)):
        metric.update(torch.from_numpy(np.asarray(features, np.float64)), real=real)
    return max(0.0, float(metric.compute()))
