"""Commands called in this process, and what stands in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from taue.cli import app


def call(*arguments: Any) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments])


def worked(*arguments: Any) -> Result:
    done = call(*arguments)
    assert done.exit_code == 0, done.output
    return done


def files(folder: Path) -> dict[str, bytes]:
    """All that is in a folder, by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def pictures_and_scene(folder: Path) -> dict[str, bytes]:
    """Everything but the report, which tells seconds."""
    return {name: data for name, data in files(folder).items() if Path(name).name != "report.json"}
