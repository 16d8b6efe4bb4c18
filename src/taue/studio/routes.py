"""What is fetched and handed in beside gradio's endpoints: files, scenes, health."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, Response, StreamingResponse
from pydantic import BaseModel, Field

from taue import __version__
from taue.errors import TaueError
from taue.scene import Scene
from taue.studio.actions import Actions
from taue.studio.forms import asked, shown
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
        data = bytearray()
        async for piece in request.stream():
            data += piece
            if len(data) > actions.limits.upload:
                most = actions.limits.upload // 2**20
                raise HTTPException(413, f"The file is larger than {most} MiB; give a scene file.")
        try:
            return Read(scene=shown(_read(bytes(data), name)))
        except TaueError as error:
            return Read(error=str(error))

    @router.post("/studio/toml", summary="A scene as the text of a scene file")
    def toml(scene: dict[str, Any]) -> Written:
        try:
            return Written(text=asked(scene, actions.limits).dumps())  # pyright: ignore[reportArgumentType]
        except TaueError as error:
            return Written(error=str(error))


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
            return Scene.load(path)
        except TaueError as error:
            raise TaueError(str(error).replace(str(path), f"scene{ending}")) from error


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
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            path = folder / name if (folder / name).is_file() else folder / "layers" / name
            archive.write(path, name)
            yield pieces.taken()
    yield pieces.taken()
