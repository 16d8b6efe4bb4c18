"""The generated pages are those that the code gives today, and the examples are true."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

import taue
from taue import Scene
from taue.cli import app
from taue.evaluation.ablation_page import SHOWN
from taue.evaluation.columns import COLUMNS
from taue.scene.problems import paths

ROOT = Path(__file__).parent.parent
DOCS, EXAMPLES = ROOT / "docs", sorted((ROOT / "examples").glob("*.toml"))


def generator(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def full_example() -> str:
    """The scene that docs/scene-files.md shows in full."""
    blocks = re.findall(
        r"```toml\n(.*?)```", (DOCS / "scene-files.md").read_text(encoding="utf-8"), re.DOTALL
    )
    return max(blocks, key=len)


def test_an_ablation_that_was_drawn_in_parts_is_the_whole_one() -> None:
    whole = json.loads((DOCS / "ablation.json").read_text(encoding="utf-8"))
    names = sorted(whole["areas"])

    def part(some: list[str], runs: slice) -> dict[str, Any]:
        shapes = {key: {n: whole[key][n] for n in some} for key in ("areas", "filled")}
        cells = [
            {**cell, "items": {n: row for n, row in cell["items"].items() if n in some}}
            for cell in whole["cells"][runs]
        ]
        left = [cell["run"] for cell in whole["cells"] if cell not in whole["cells"][runs]]
        told = {"cells": cells, "missing": [*left, *whole["missing"]]}
        return {**whole, **shapes, **told, "sheets": whole["sheets"][runs]}

    merged, every = generator("generate_ablation").merged, slice(None)
    assert merged([part(names[::2], every), part(names[1::2], every)]) == whole
    one = merged([part(names, slice(0, 1)), part(names, slice(1, None))])
    assert all(one[key] == whole[key] for key in ("cells", "missing", "sheets"))
    with pytest.raises(ValueError, match="not parts of one ablation"):
        merged([whole, {**whole, "steps": 1}])


@pytest.mark.slow
def test_the_ablations_page_is_that_of_its_figures() -> None:
    page = generator("generate_ablation").page()
    assert (DOCS / "ablation.md").read_text(encoding="utf-8") == page
    figures = json.loads((DOCS / "ablation.json").read_text(encoding="utf-8"))
    assert set(SHOWN) <= set(COLUMNS)
    drawn = {item for cell in figures["cells"] for item in cell["items"]}
    assert set(figures["areas"]) == set(figures["filled"]) == drawn


@pytest.mark.slow
def test_the_table_of_equations_is_up_to_date_and_every_equation_is_tested() -> None:
    page = generator("generate_equations").page()
    assert (DOCS / "equations.md").read_text(encoding="utf-8") == page
    assert "| none |" not in page


@pytest.mark.slow
def test_the_picture_of_the_rooms_is_up_to_date_and_imports_point_one_way() -> None:
    architecture = generator("generate_architecture")
    assert (DOCS / "architecture.md").read_text(encoding="utf-8") == architecture.page()
    level = {
        room: number
        for number, rooms in enumerate(architecture.levels(architecture.rooms()))
        for room in rooms
    }
    assert list(architecture.rooms()) == sorted(level)  # in which order they are drawn
    for room, needs in architecture.rooms().items():
        assert all(level[need] < level[room] for need in needs)
    assert architecture.levels(architecture.modules())  # nor in a circle within a room
    with pytest.raises(ValueError, match="circle among one, two"):
        architecture.levels({"one": {"two"}, "two": {"one"}, "three": set()})


def test_the_schema_of_scene_files_is_up_to_date() -> None:
    page = generator("generate_schema").page()
    assert (DOCS / "scene.schema.json").read_text(encoding="utf-8") == page
    assert CliRunner().invoke(app, ["scene", "--schema"]).stdout == page


def test_the_page_on_scene_files_names_every_field() -> None:
    page = (DOCS / "scene-files.md").read_text(encoding="utf-8")
    scene = Scene.loads(full_example(), "toml")
    shown = set(paths(Scene)) - {"canvas", "method", "subjects"}
    for path in shown:
        assert f"`{path.rpartition('.')[2]}`" in page, path
    written_by_commands = {name for name in Scene.model_fields if name.startswith("first_")}
    of_one_model = {"revision", "loras"}  # the example runs on any
    left_out = of_one_model | written_by_commands | {"background_image", "init"}  # need a file
    assert scene.model_fields_set >= set(Scene.model_fields) - left_out


@pytest.mark.slow
@pytest.mark.parametrize("content", ["the page's", *EXAMPLES], ids=str)
def test_examples_run(content: Path | str, tiny_sdxl: Path, tmp_path: Path) -> None:
    path = tmp_path / "scene.toml"
    text = content.read_text(encoding="utf-8") if isinstance(content, Path) else full_example()
    path.write_text(text, encoding="utf-8")
    small = ["--model", str(tiny_sdxl), "--steps", "2", "--width", "64", "--height", "64"]
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app, ["generate", str(path), *small, "--device", "cpu", "--out", str(out)]
    )
    assert done.exit_code == 0, done.stderr
    assert Scene.load(out).subjects == Scene.loads(text, "toml").subjects


def test_users_type_checkers_are_told_of_the_types() -> None:
    assert (Path(taue.__file__).parent / "py.typed").is_file()
