"""What every walk through the studio does, and the scene that it begins with."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from taue import Scene

SMALL = {
    "subjects": [{"prompt": "a red apple", "name": "apple", "box": [0.05, 0.4, 0.4, 0.5]}],
    "background": "a green meadow",
    "canvas": {"width": 128, "height": 128},
    "steps": 4,
    "seed": 7,
}


def drop(page: Any, data: bytes, name: str, kind: str = "") -> None:
    """Drop a file on the page, as from a desktop."""
    page.evaluate(
        """([text, name, type]) => {
          const data = new DataTransfer();
          const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
          data.items.add(new File([bytes], name, { type }));
          const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true });
          document.querySelector(".studio").dispatchEvent(drop);
        }""",
        [base64.b64encode(data).decode(), name, kind],
    )


def drop_scene(page: Any, scene: dict[str, Any], name: str = "scene.json") -> None:
    """Drop a scene file on the page."""
    drop(page, json.dumps(scene).encode(), name)
    page.wait_for_function(
        "name => document.getElementById('told').textContent.includes(name)", arg=name
    )


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw with the mouse, in fractions of the canvas."""
    box = page.locator(".boxes").bounding_box()
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=4)
    page.mouse.up()


def shown(page: Any) -> np.ndarray:
    """What the canvas shows, [H, W, 4]."""
    url = page.evaluate("document.querySelector('canvas').toDataURL()")
    data = base64.b64decode(url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA")).astype(int)


def wait_for_result(page: Any, count: int) -> None:
    page.wait_for_function(
        "count => document.querySelectorAll('.past li').length === count", arg=count
    )
    page.wait_for_selector("canvas[data-drawn]")


def scene_of(page: Any) -> dict[str, Any]:
    """The scene file that the page would save."""
    with page.expect_download() as told:
        page.get_by_label("Save the scene file").click()
    return Scene.load(kept(told.value, ".toml")).model_dump(mode="json", exclude_none=True)


def kept(download: Any, ending: str) -> Path:
    path = Path(download.path())
    return path.rename(path.with_suffix(ending))


def address_of(page: Any) -> str:
    return page.evaluate("location.origin")


def session_of(page: Any) -> str:
    return page.evaluate("JSON.parse(localStorage.getItem('taue-studio')).session")
