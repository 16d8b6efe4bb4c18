"""Write ``docs/scene.schema.json``: the JSON schema of scene files.

python docs/generate_schema.py
"""

from __future__ import annotations

from pathlib import Path

from taue.scene.schema import schema_text

TARGET = Path(__file__).parent / "scene.schema.json"


def page() -> str:
    """The whole file."""
    return schema_text()


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8", newline="\n")
