"""The published JSON schema of scene files, for editors and other programs."""

from __future__ import annotations

import json
from typing import Any

from taue.scene.model import Scene
from taue.scene.text import SCHEMA_LINK

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema as JSON; TOML files have the same tables."""
    schema = {SCHEMA_LINK: DRAFT, **Scene.model_json_schema()}
    schema["description"] = "A scene of taue: everything that decides a picture."
    link = {"type": "string", "description": "Where an editor finds this schema."}
    schema["properties"] = {SCHEMA_LINK: link, **schema["properties"]}
    return schema


def schema_text() -> str:
    """The same as ``docs/scene.schema.json`` holds it and ``taue scene --schema`` prints it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
