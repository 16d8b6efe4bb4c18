"""What is fetched and handed in beside gradio's endpoints: files, scenes, health."""

from __future__ import annotations

import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from taue import __version__
from taue.disk.pictures import read_own
from taue.errors import TaueError
from taue.files.made import BROUGHT
from taue.scene import Scene
from taue.studio.actions import Actions
from taue.studio.errands import told_plainly
from taue.studio.forms import form_of, scene_asked
from taue.studio.settings import PAGE, offered

KEPT = {"cache-control": "private, max-age=86400, immutable"}
"""Results never change."""

FRESH = {"cache-control": "no-cache"}
ENDINGS = (".toml", ".json", ".png")


class Health(BaseModel):
    """How the server is."""

    version: str
    models: list[str] = Field(description="Models that are in memory.")
    running: int = Field(description="Runs at the moment.")
    disk_free: int = Field(description="Bytes, where results lie.")
    memory: int = Field(description="Bytes that the process takes.")


class Read(BaseModel):
    """A scene from a file, or what is wrong with it."""

    scene: dict[str, Any] | None = None
    error: str = ""


class Brought(BaseModel):
    """A picture that was handed in, by the name that forms call it, or what is wrong with it."""

    name: str = ""
    width: int = 0
    height: int = 0
    cut_out: bool = Field(default=False, description="Whether parts of it are transparent.")
    error: str = ""


class Written(BaseModel):
    """A scene file's text, or what is wrong with the scene."""

    text: str = ""
    error: str = ""


def routes(actions: Actions) -> APIRouter:
    """The routes, for a FastAPI application."""
    router = APIRouter()
    _about(router, actions)
    _files(router, actions)
    _scenes(router, actions)
    return router


def _about(router: APIRouter, actions: Actions) -> None:
    """The server and its page."""

    @router.get("/health", summary="How the server is")
    def health() -> Health:
        return Health(
            version=__version__,
            models=actions.loaded.names(),
            running=actions.running,
            disk_free=psutil.disk_usage(str(actions.sessions.folder)).free,
            memory=psutil.Process().memory_info().rss,
        )

    @router.get("/studio/offered", summary="Models, sizes, settings and examples")
    def choices() -> dict[str, Any]:
        return offered(actions.limits)

    @router.get("/studio/page/{name:path}", summary="The page's own parts", include_in_schema=False)
    def part(name: str) -> Response:
        path = PAGE / name
        if name not in {str(p.relative_to(PAGE)) for p in PAGE.rglob("*") if p.is_file()}:
            raise HTTPException(404, "There is no such part of the page.")
        return FileResponse(path, headers=FRESH)


def _files(router: APIRouter, actions: Actions) -> None:
    """What results are made of."""

    @router.get("/studio/files/{session}/{result}/{name:path}", summary="A file of a result")
    def file(session: str, result: str, name: str, download: bool = False) -> Response:
        path = _found(lambda: actions.sessions.at(session).file(result, name))
        called = f"taue-{result[-6:]}-{path.name}" if download else None
        return FileResponse(path, filename=called, headers=KEPT)

    @router.get("/studio/pictures/{session}/{name:path}", summary="A picture of your own")
    def picture(session: str, name: str) -> Response:
        return FileResponse(
            _found(lambda: actions.sessions.at(session).picture(name)), headers=KEPT
        )

    @router.post("/studio/pictures/{session}", summary="Hand in a photo or a cut-out")
    async def own(request: Request, session: str) -> Brought:
        data = await _body(request, actions.limits.photo)
        try:
            return Brought(**await run_in_threadpool(_taken, actions, session, data))
        except (TaueError, OSError, MemoryError) as error:
            return Brought(error=str(told_plainly(error)))

    @router.get("/studio/zip/{session}/{result}", summary="The layers of a result, PNG in a ZIP")
    def archive(session: str, result: str) -> Response:
        folder = _found(lambda: actions.sessions.at(session).of(result))
        told = f'attachment; filename="taue-{result[-6:]}-layers.zip"'
        return StreamingResponse(
            _zipped(folder), media_type="application/zip", headers={"content-disposition": told}
        )


def _scenes(router: APIRouter, actions: Actions) -> None:
    """Scene files, both ways."""

    @router.post("/studio/scene", summary="Read a scene file: TOML, JSON or a PNG made by taue")
    async def scene(request: Request, name: str) -> Read:
        data = await _body(request, actions.limits.upload)
        try:
            return Read(scene=form_of(await run_in_threadpool(_read, data, name)))
        except (TaueError, OSError) as error:
            return Read(error=str(told_plainly(error)))

    @router.post("/studio/toml", summary="A scene as the text of a scene file")
    def toml(scene: dict[str, Any]) -> Written:
        try:
            return Written(text=scene_asked(scene, actions.limits).dumps())  # pyright: ignore[reportArgumentType]
        except TaueError as error:
            return Written(error=str(error))


async def _body(request: Request, most: int) -> bytes:
    """What was sent, as long as it is not too much."""
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > most:
            raise HTTPException(413, f"The file is larger than {most // 2**20} MiB; reduce it.")
    return bytes(data)


_ONE_AT_A_TIME = threading.Lock()
"""Pictures take much memory while they are unpacked."""


def _taken(actions: Actions, session: str, data: bytes) -> dict[str, Any]:
    """A picture as it is kept: upright, sRGB, PNG without anything besides the pixels."""
    place = actions.sessions.at(session)
    with tempfile.TemporaryDirectory(prefix="taue-picture-") as folder:
        path = Path(folder) / "picture"
        path.write_bytes(data)
        try:
            with _ONE_AT_A_TIME:
                image = read_own(path)
        except TaueError as error:
            raise TaueError(str(error).replace(f"file {str(path)!r}", "the file")) from error
    cut_out = image.mode == "RGBA" and np.asarray(image)[..., 3].min() < 255
    name = place.take(image)
    return {"name": name, "width": image.width, "height": image.height, "cut_out": bool(cut_out)}


def _found(look: Callable[[], Path]) -> Path:
    """A path; 404 if there is none."""
    try:
        return look()
    except TaueError as error:
        raise HTTPException(404, str(error)) from error


def _read(data: bytes, name: str) -> Scene:
    """A scene from a file's bytes; of its name only the ending counts."""
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        raise TaueError(f"file {Path(name).name[:60]!r} is no scene; drop a .toml, .json or .png.")
    with tempfile.TemporaryDirectory(prefix="taue-scene-") as folder:
        path = Path(folder) / f"scene{ending}"
        path.write_bytes(data)
        try:
            scene = Scene.load(path)
        except TaueError as error:
            raise TaueError(str(error).replace(str(path), f"scene{ending}")) from error
    if scene.own_pictures:
        raise TaueError(
            "the scene names pictures that are not in the file; take them out of it, and hand them "
            "in on the page."
        )
    return scene


class _Pieces:
    """Takes what is written until it is handed on."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, piece: bytes) -> int:
        self.data += piece
        return len(piece)

    def flush(self) -> None:
        """Nothing waits."""

    def taken(self) -> bytes:
        taken = bytes(self.data)
        self.data.clear()
        return taken


def _zipped(folder: Path) -> Iterator[bytes]:
    """A ZIP of a result's layers, composite and scene, piece by piece."""
    pieces = _Pieces()
    stream: Any = pieces  # no seeking is needed
    names = ["scene.toml", "composite.png", *sorted(p.name for p in (folder / "layers").iterdir())]
    names += sorted(f"{BROUGHT}/{path.name}" for path in (folder / BROUGHT).glob("*.png"))
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            path = folder / name if (folder / name).is_file() else folder / "layers" / name
            archive.write(path, name)
            yield pieces.taken()
    yield pieces.taken()
