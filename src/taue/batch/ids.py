"""What a result is called: a hash of everything that decides it."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from taue import models
from taue.errors import TaueError
from taue.loras import resolve_lora
from taue.scene import Scene
from taue.scene.picture import OwnPicture

LENGTH = 32
"""Hexadecimal digits of an id: of 10^9 scenes two are alike with a chance of 10^-21."""

PIECE = 2**20


def scene_id(scene: Scene, model: str) -> str:
    """The id of a scene by its model's digest: equal scenes of equal models have one id.

    Every field counts, defaults included; what models, LoRAs and own pictures are called does not.

    Raises:
        TaueError: if a picture cannot be read.
    """
    scene = scene.with_pictures(
        {name: OwnPicture(_picture_hash(one.path)) for name, one in scene.own_pictures.items()}
    )
    told = scene.model_dump(mode="json", exclude_none=True, exclude={"model", "revision", "loras"})
    text = json.dumps({"scene": told, "model": model}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:LENGTH]


def model_digest(scene: Scene) -> str:
    """A hash of the model's files and of its LoRAs with their weights; of a hub's, of the commit.

    Raises:
        TaueError: if they are not to be had.
    """
    parts = [_digest(scene.model, scene.revision)]
    parts += [f"{_lora_digest(one.name)}:{one.weight!r}" for one in scene.loras]
    return parts[0] if len(parts) == 1 else _hash("\n".join(parts).encode())


@lru_cache
def _digest(name: str, revision: str | None) -> str:
    source = models.resolve(name)
    if source.kind is not models.Kind.hub:
        return files_digest(Path(source.location))
    return _hash(f"{source.location}@{_commit(source.location, revision)}".encode())


@lru_cache
def _lora_digest(name: str) -> str:
    location = resolve_lora(name)
    if Path(location).exists():
        return files_digest(Path(location))
    return _hash(f"{location}@{_commit(location, None)}".encode())


@lru_cache
def _picture_hash(path: str) -> str:
    try:
        return file_hash(Path(path))
    except OSError as error:
        raise TaueError(f"picture {path!r} cannot be read ({error.strerror}); check it.") from error


def files_digest(path: Path) -> str:
    """A hash of a file, or of a folder's files and their names.

    Raises:
        TaueError: if one cannot be read.
    """
    try:
        files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        with ThreadPoolExecutor() as pool:
            hashes = list(pool.map(file_hash, files))
    except OSError as error:
        raise TaueError(f"model {path} cannot be read ({error.strerror}); choose another.") from (
            error
        )
    names = [file.relative_to(path).as_posix() if file != path else "" for file in files]
    return _hash("\n".join(map(" ".join, zip(hashes, names, strict=True))).encode())


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _commit(repository: str, revision: str | None) -> str:
    """The commit that a hub's branch is at, of what is here if the hub is not reached."""
    from huggingface_hub import HfApi, scan_cache_dir

    try:
        found = HfApi().repo_info(repository, revision=revision).sha
    except Exception as error:
        try:
            known = [r for r in scan_cache_dir().repos if r.repo_id == repository]
        except Exception:  # noqa: BLE001 (a cache that is not there, or in disorder)
            known = []
        wanted = revision or "main"
        commits = [
            one.commit_hash
            for repo in known
            for one in repo.revisions
            if wanted in one.refs or one.commit_hash.startswith(wanted)
        ]
        if not commits:
            raise TaueError(
                f"model {repository} was not found on the hub; check the name and the network."
            ) from error
        return commits[0]
    return str(found)
