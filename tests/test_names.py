"""One name, one thing: no two public classes, functions or types of one name mean different
things, neither in the package nor in what measures it."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE, BENCHMARKS = ROOT / "src/taue", ROOT / "benchmarks"

THE_SAME = {
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
    found: list[str] = []
    for one in ast.parse(path.read_text(encoding="utf-8")).body:
        match one:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                found.append(name)
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if names_type(name, value):
                found.append(name)
            case _:
                pass
    return [name for name in found if name[0] != "_"]


def names_type(name: str, value: ast.expr) -> bool:
    """Options and checked fields, ``Annotated``, are called what a user calls them."""
    option = isinstance(value, ast.Subscript) and ast.unparse(value.value) == "Annotated"
    return name[0].isupper() and not name.isupper() and not option


def rooms_of(folder: Path) -> dict[str, list[str]]:
    """Where each public name is defined."""
    rooms: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("*.py")):
        for name in public(path):
            rooms[name].append(path.relative_to(folder).as_posix())
    return rooms


@pytest.mark.slow
def test_no_name_means_two_things() -> None:
    twice = {name: found for name, found in rooms_of(PACKAGE).items() if len(found) > 1}
    assert {name: found for name, found in twice.items() if name not in THE_SAME} == {}
    assert set(twice) == set(THE_SAME)  # and none is excused in vain


@pytest.mark.slow
def test_no_benchmark_calls_a_thing_of_its_own_as_the_package_calls_another() -> None:
    rooms, theirs = rooms_of(PACKAGE), rooms_of(BENCHMARKS)
    shared = {name: (found, rooms[name]) for name, found in theirs.items() if name in rooms}
    assert set(shared) - {"main"} == set(), shared


def test_types_are_names_and_options_are_not(tmp_path: Path) -> None:
    file = tmp_path / "named.py"
    file.write_text(
        "Region = NDArray[np.bool_]\nSide = Annotated[int, Option()]\nMOST = 3\n"
        "_Own = dict[str, int]\nclass Kept: ...\ndef grown(): ...\ndef _hidden(): ...\n"
    )
    assert public(file) == ["Region", "Kept", "grown"]
