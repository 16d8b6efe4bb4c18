"""Nothing of other libraries' is told to who runs what the README shows."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from taue.muted import muted

README = Path(__file__).parent.parent / "README.md"


def test_only_what_is_named_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("some.library")
    with muted("some.library", "one", "two"):
        logger.warning("one and two")
        logger.warning("one alone")
    logger.warning("two and one")
    assert [record.getMessage() for record in caplog.records] == ["one alone", "two and one"]


@pytest.mark.slow
def test_the_readmes_first_lines_warn_of_nothing() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    first, _, _ = code.partition("layers = ")
    assert "from_pretrained" in first
    done = subprocess.run(
        [sys.executable, "-W", "default::UserWarning", "-c", first],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = [line for line in re.split(r"[\r\n]+", done.stderr) if line.strip()]
    assert [
        line for line in told if not re.match(r"(Loading [a-z ]+\S*|\x1b\[A): +\d+%", line)
    ] == []
    assert done.stdout == ""
