"""The store at a place, whatever its kind."""

from __future__ import annotations

from taue.batch.folder_store import FolderStore
from taue.batch.store import Store


def open_store(where: str) -> Store:
    """The store at a folder, or at any URL that fsspec knows (``s3://bucket/name``).

    Raises:
        StoreError: if it is of a kind that is not known.
    """
    if "://" in where:
        from taue.batch.object_store import ObjectStore  # fsspec waits until it is needed

        return ObjectStore(where)
    return FolderStore(where)
