"""One name, one thing: no two public classes or functions of one name mean different things."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src/taue"

THE_SAME = {
    "InProcess": "the engine of this process, of any place and of a batch's store",
    "Processes": "the engine of several processes, of any place and of a batch's store",
    "Worker": "what makes jobs with a loaded model, of any place and of a batch's store",
    "build": "paddy's denoiser with fresh weights, of each family",
    "document": "the JSON from which a page is made",
    "flatten": "layers laid over each other, and the command that does it",
    "installed": "processors until a block is left, for each kind of attention",
    "main": "what a program runs",
    "make": "what is drawn of a scene, by each method of a comparison and by ours",
    "page": "a page of the docs in Markdown",
    "scheduler": "paddy's own, of each family",
    "text_encoders": "paddy's own, of each family",
}
"""Several of one kind, each in its own room."""


def public(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.ClassDef, ast.FunctionDef)
    return [one.name for one in tree.body if isinstance(one, kinds) and one.name[0] != "_"]


@pytest.mark.slow
def test_no_name_means_two_things() -> None:
    rooms: dict[str, list[str]] = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in public(path):
            rooms[name].append(path.relative_to(PACKAGE).as_posix())
    twice = {name: found for name, found in rooms.items() if len(found) > 1}
    assert {name: found for name, found in twice.items() if name not in THE_SAME} == {}
    assert set(twice) == set(THE_SAME)  # and none is excused in vain
