"""What the judge is punished for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from taue.paddy.judge.network import GRID, Seen
from taue.paddy.judge.train.samples import IGNORED

SIDES, MASK, GROUND = 2.0, 2.0, 0.5
"""Weights of the box's sides, of the mask and of the background against centres and names."""

NEAR = 0.5
"""Cells whose heat is at least this much answer for the object: its kind, colour and box."""

EDGE = 0.02
"""Sides are as good as right within this fraction of the canvas."""


def bells_around(boxes: Tensor) -> Tensor:
    """Bells around the middles of boxes [..., 4] on the grid [..., 16, 16], 1 in the middle's cell.

    Centres as points (arXiv 1904.07850); the bell is an eighth of the box wide.
    """
    size = (boxes[..., 2:] - boxes[..., :2]) * GRID
    middle = ((boxes[..., 2:] + boxes[..., :2]) / 2 * GRID).floor().clamp(0, GRID - 1)
    spread = (size / 8).clamp(min=0.6)
    cells = torch.arange(GRID, device=boxes.device)
    across, down = (
        torch.exp(-(((cells - middle[..., i, None]) / spread[..., i, None]) ** 2) / 2)
        for i in (0, 1)
    )
    return down[..., :, None] * across[..., None, :]


def sides_of(boxes: Tensor) -> Tensor:
    """Distances from every cell's middle to the sides of boxes [..., 4]: [..., 4, 16, 16]."""
    cells = (torch.arange(GRID, device=boxes.device) + 0.5) / GRID
    down, across = torch.meshgrid(cells, cells, indexing="ij")
    left, top, right, bottom = (side[..., None, None] for side in boxes.unbind(-1))
    return torch.stack([across - left, down - top, right - across, bottom - down], dim=-3)


def judge_loss(
    seen: Seen, masks: Tensor, names: Tensor, boxes: Tensor, backgrounds: Tensor
) -> dict[str, Tensor]:
    """Everything at once.

    Args:
        masks: [B, 128, 128] in [0, 1].
        names, boxes, backgrounds: as in ``album.Album``.
    """
    there = (names[..., 0] >= 0)[..., None, None]
    bells = bells_around(boxes)  # [B, 4, 16, 16]
    heats = (bells * there).amax(dim=1)
    doubtful = ((names[..., 0] == IGNORED)[..., None, None] * (bells > 0.1)).any(dim=1)
    count = there.sum().clamp(min=1)
    centre = centre_loss(seen.centre[:, 0], heats, ~doubtful) / count

    hottest, which = (bells * there).max(dim=1)
    weight = hottest * (hottest >= NEAR)
    total = weight.sum().clamp(min=1)
    chosen = names.clamp(min=0).gather(1, which.flatten(1)[..., None].expand(-1, -1, 2))
    kinds, colours = chosen.unflatten(1, (GRID, GRID)).unbind(-1)
    kind = (F.cross_entropy(seen.kind, kinds, reduction="none") * weight).sum() / total
    colour = (F.cross_entropy(seen.colour, colours, reduction="none") * weight).sum() / total
    true_sides = sides_of(boxes).gather(1, which[:, None, None].expand(-1, -1, 4, -1, -1))[:, 0]
    off = F.smooth_l1_loss(seen.sides, true_sides, reduction="none", beta=EDGE).sum(dim=1)
    sides = (off * weight).sum() / total

    mask = F.binary_cross_entropy_with_logits(seen.mask[:, 0], masks)
    ground = F.cross_entropy(seen.background, backgrounds)
    everything = (
        centre + kind + colour + SIDES * sides + MASK * (mask + dice(seen.mask[:, 0], masks))
    )
    right = (seen.kind.argmax(dim=1) == kinds) & (seen.colour.argmax(dim=1) == colours)
    return {
        "loss": everything + GROUND * ground,
        "centre": centre.detach(),
        "kind": kind.detach(),
        "colour": colour.detach(),
        "sides": sides.detach(),
        "mask": mask.detach(),
        "ground": ground.detach(),
        "named": ((right * weight).sum() / total).detach(),
    }


def centre_loss(logits: Tensor, heats: Tensor, counted: Tensor) -> Tensor:
    """Focal loss of the centres (arXiv 1904.07850, equation 1), summed. All [B, 16, 16]."""
    chance = logits.sigmoid()
    hit = -F.logsigmoid(logits) * (1 - chance).square()
    miss = -F.logsigmoid(-logits) * chance.square() * (1 - heats) ** 4
    return (torch.where(heats > 0.999, hit, miss) * counted).sum()


def dice(logits: Tensor, masks: Tensor) -> Tensor:
    """1 - Dice over the whole batch, so that pictures without objects need no special case."""
    chance = logits.sigmoid()
    return 1 - 2 * (chance * masks).sum() / (chance.sum() + masks.sum()).clamp(min=1)
