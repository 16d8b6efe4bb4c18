"""The generated pages are those that the code gives today."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"


def test_the_table_of_equations_is_up_to_date_and_every_equation_is_tested() -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate_equations.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    page = generate.page()
    assert (DOCS / "equations.md").read_text(encoding="utf-8") == page
    assert "| none |" not in page
