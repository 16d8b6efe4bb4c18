"""What one training run is made of. Every number that shaped the shipped weights is here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from taue.models import PADDY


@dataclass(frozen=True)
class Schedule:
    """One stage of optimisation: warm up, hold, and let the learning rate fall at the end."""

    steps: int
    batch: int
    learning_rate: float
    warmup: int = 100
    decay: float = 0.4
    """Fraction of the run, at the end, in which the learning rate falls towards zero."""
    minutes: float | None = None
    """The run ends after these minutes too, for a machine that is there for a limited time."""

    def over(self, step: int, seconds: float) -> bool:
        """Whether the run ends before ``step`` (0-based), ``seconds`` after its beginning."""
        return step >= self.steps or self._time_left(seconds) <= 0

    def rate(self, step: int, seconds: float = 0.0) -> float:
        """Learning rate of ``step`` (0-based), ``seconds`` after the run's beginning."""
        rising = min(1.0, (step + 1) / self.warmup)
        left = (self.steps - step) / max(1.0, self.decay * self.steps)
        left = min(left, self._time_left(seconds) / self.decay)
        return self.learning_rate * rising * min(1.0, max(0.02, left))

    def _time_left(self, seconds: float) -> float:
        """The share of the minutes that is left; all of it where they are not counted."""
        return 1.0 if self.minutes is None else 1 - seconds / (60 * self.minutes)


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
    dit: Schedule = Schedule(steps=60_000, batch=512, learning_rate=8e-4, warmup=500, decay=0.4)
    level_mean: float = 0.7
    level_std: float = 1.3
    """paddy-dit's noise levels are the logistic function of a normal number (arXiv 2403.03206):
    this mean and width lie between SD3's own levels with shift 1, which neglect the first steps of
    a schedule with shift 3, and with shift 3, which neglect the last."""
    teacher: Path = PADDY
    """Folder of the SDXL model whose many steps a few are to replace."""
    few_steps: Schedule = Schedule(
        steps=20_000, batch=256, learning_rate=5e-4, warmup=200, decay=0.5
    )
    rank: int = 32
    guidance: tuple[float, float] = (3.0, 7.0)
    """The teacher's guidance is drawn from this range; the student has no need of any."""
    compiled: bool = False
    """Let torch compile the networks of the last two stages: minutes at first, then faster."""
