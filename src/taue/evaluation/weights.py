"""Weights of networks that scores need: from the hub, a folder or a file, with their checksums."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from taue.disk.limits import reading
from taue.errors import TaueError

NAMED_HASH = re.compile(r"-([0-9a-f]{8,64})$")
"""PyTorch's convention: a file's name ends with the beginning of its SHA-256."""

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
ENDINGS = (".safetensors", ".pth", ".pt")
"""The first is preferred: it holds numbers and nothing else."""

EVERYTHING = (*(f"*{ending}" for ending in ENDINGS[:2]), "*.json", "*.txt")


def may_be_on_hub(name: str) -> bool:
    """Whether a name may be a hub id: that of a file of weights is none, though it looks like one
    (``folder/alexnet.pth``)."""
    return HUB_ID.fullmatch(name) is not None and not name.endswith(ENDINGS)


@dataclass(frozen=True)
class Weights:
    """Tensors by name, where they are from and the SHA-256 of their file."""

    tensors: dict[str, torch.Tensor]
    source: str
    sha256: str


def read_weights(name: str, option: str) -> Weights:
    """Weights from a file, a folder that holds one file of them, or a hub id.

    ``.pth`` files are read as numbers alone. A file whose name ends with a hash must have it.

    Args:
        name: what the user gave.
        option: the option's name, for what is wrong.

    Raises:
        TaueError: if there are none, they are broken, or not those that their name says.
    """
    path = _file(local(name, option), option)
    digest = sha256(path)
    named = NAMED_HASH.search(path.stem)
    if named and not digest.startswith(named[1]):
        raise TaueError(
            f"{option} {str(path)!r} has the checksum {digest[:12]} and not the one in its name; "
            "download it again."
        )
    with reading(path, "file of weights"):
        tensors = _read(path)
    return Weights(tensors, name, digest)


def take(network: torch.nn.Module, tensors: dict[str, torch.Tensor], given: str, file: str) -> None:
    """Put tensors into a network.

    Args:
        network: that takes them.
        tensors: by name.
        given: the option and what the user gave, for what is wrong.
        file: what to give instead.

    Raises:
        TaueError: if they are another network's.
    """
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise TaueError(f"{given} has another network's weights; give {file}.") from error


def local(name: str, option: str, files: Sequence[str] = EVERYTHING) -> Path:
    """The file or folder that a name means; a hub id is downloaded, or found in the cache.

    Args:
        name: what the user gave.
        option: the option's name, for what is wrong.
        files: patterns of those that are wanted of a hub id.

    Raises:
        TaueError: if there is none.
    """
    try:
        if (path := Path(name).expanduser()).exists():
            return path
    except (OSError, RuntimeError):  # too long, or an unknown user
        pass
    if not may_be_on_hub(name):
        raise TaueError(f"{option} {name!r} is missing; give a file, a folder or a hub id.")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=list(files)))
    except Exception as error:
        raise TaueError(
            f"{option} {name!r} is neither here nor was it found on the hub; "
            "check the name and the network."
        ) from error


def sha256(path: Path) -> str:
    """The SHA-256 of a file, or of a folder's weights in the order of their names."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(path.glob("*.safetensors"))
    for file in files or sorted(path.glob("*.bin")):
        with file.open("rb") as stream:
            hashlib.file_digest(stream, lambda: digest)
    return digest.hexdigest()


def _file(path: Path, option: str) -> Path:
    if path.is_file():
        return path
    for ending in ENDINGS:
        found = sorted(path.glob(f"*{ending}"))
        if len(found) > 1:
            raise TaueError(f"{option} {str(path)!r} has several {ending} files; name one of them.")
        if found:
            return found[0]
    raise TaueError(f"{option} {str(path)!r} has no weights; give a folder with one file of them.")


def _read(path: Path) -> dict[str, torch.Tensor]:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(loaded, dict) or not all(torch.is_tensor(v) for v in loaded.values()):
        raise ValueError("it is no table of tensors")
    return loaded
