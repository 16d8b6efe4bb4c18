"""Runs of ``taue eval generate`` at tiny size."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from taue.cli import app


def arguments(data: Path, out: Path, model: Path | str, method: str = "plain") -> list[str]:
    return [
        "eval", "generate", "--data", str(data), "--out", str(out), "--model", str(model),
        "--method", method, "--steps", "2", "--width", "64", "--height", "64", "--device", "cpu",
    ]  # fmt: skip


def call(
    data: Path, out: Path, model: Path | str, *more: str | Path, method: str = "plain"
) -> Result:
    return CliRunner().invoke(app, [*arguments(data, out, model, method), *map(str, more)])
