"""The loss curves of a run, as a picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

PANELS = (
    ("autoencoder", "psnr", "autoencoder: PSNR of a batch (dB)", "linear"),
    ("denoiser", "loss", "denoiser: weighted noise error", "log"),
    ("dit", "loss", "paddy-dit: velocity error", "log"),
    ("few-steps", "loss", "few steps: inconsistency", "log"),
)
"""Stage, figure, title and scale of each curve; a run shows those of the stages that it had."""

WINDOW = 20
"""Log lines that the bold line averages over; a single batch says little."""


def draw_curves(folder: Path, target: Path) -> None:
    """Read the figures of all stages, such as ``dit.jsonl``, and write one picture (PNG or SVG)."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    panels = [panel for panel in PANELS if (folder / f"{panel[0]}.jsonl").exists()]
    size = (5.5 * max(1, len(panels)), 3.6)
    figure, axes = plt.subplots(
        1, max(1, len(panels)), figsize=size, layout="constrained", squeeze=False
    )
    for axis, (stage, field, title, scale) in zip(axes[0], panels, strict=False):
        lines = [json.loads(x) for x in (folder / f"{stage}.jsonl").read_text().splitlines()]
        # A run that was killed repeats the steps since its checkpoint: the later line counts.
        by_step = {line["step"]: line[field] for line in lines}
        steps, values = np.array(sorted(by_step)), np.array([by_step[s] for s in sorted(by_step)])
        axis.plot(steps, values, alpha=0.25, linewidth=0.8)
        if len(values) > WINDOW:
            smooth = np.convolve(values, np.ones(WINDOW) / WINDOW, mode="valid")
            axis.plot(steps[WINDOW - 1 :], smooth, color="tab:blue")
        axis.set_title(title)
        axis.set_yscale(scale)
        axis.set_xlabel("step")
        axis.grid(alpha=0.3)
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    plt.close(figure)
