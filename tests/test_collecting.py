"""While a command's libraries and model are loaded nothing is collected, and once only are they
put where no collector looks."""

from __future__ import annotations

import gc
import sys
from subprocess import run

import pytest

from taue.commands.collecting import nothing_collected

TOLD = """
import gc
from taue.commands.collecting import nothing_collected
frozen = []
for _ in range(2):
    with nothing_collected():
        assert not gc.isenabled()
        kept = [[] for _ in range(1000)]
    assert gc.isenabled()
    frozen.append(gc.get_freeze_count())
assert 1000 < frozen[1] <= frozen[0], frozen
"""


def test_what_is_there_is_frozen_once() -> None:
    done = run([sys.executable, "-c", TOLD], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_failure_leaves_the_collector_as_it_was() -> None:
    with pytest.raises(ValueError, match="no model"), nothing_collected():
        raise ValueError("no model")
    assert gc.isenabled()


def test_whoever_collects_by_hand_goes_on_so() -> None:
    gc.disable()
    try:
        with nothing_collected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
