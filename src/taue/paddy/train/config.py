"""What one training run is made of. Every number that shaped the shipped weights is here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Schedule:
    """One stage of optimisation: warm up, hold, and let the learning rate fall at the end."""

    steps: int
    batch: int
    learning_rate: float
    warmup: int = 100
    decay: float = 0.4
    """Fraction of the steps, at the end, in which the learning rate falls towards zero."""

    def rate(self, step: int) -> float:
        """Learning rate of ``step`` (0-based)."""
        rising = min(1.0, (step + 1) / self.warmup)
        left = (self.steps - step) / max(1.0, self.decay * self.steps)
        return self.learning_rate * rising * min(1.0, max(0.02, left))


@dataclass(frozen=True)
class TrainConfig:
    """A whole run. ``folder`` holds everything that it makes and resumes from."""

    folder: Path
    resolution: int = 256
    grow: Path | None = None
    """Folder of a finished run at half the resolution, whose weights this one starts from."""
    scenes: int = 40_000
    seed: int = 0
    workers: int = 2
    device: str = "cpu"
    autoencoder: Schedule = Schedule(
        steps=6_000, batch=16, learning_rate=1e-3, warmup=100, decay=0.7
    )
    crop: int = 128
    """Side of the pieces of pictures that the autoencoder is trained on, in pixels."""
    denoiser: Schedule = Schedule(steps=6_500, batch=64, learning_rate=1e-3, warmup=200, decay=0.35)
    drop_text: float = 0.10
    """Share of the samples trained without text, for classifier-free guidance."""
    ema: float = 0.999
    snr_gamma: float = 5.0
    """Min-SNR weighting (arXiv 2303.09556)."""

    def as_json(self) -> dict[str, object]:
        grow = None if self.grow is None else str(self.grow)
        return {**asdict(self), "folder": str(self.folder), "grow": grow}
