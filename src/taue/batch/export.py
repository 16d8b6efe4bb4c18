"""A training set out of a store: webdataset shards or parquet, with captions, boxes, alpha and the
scene; layers below a threshold are left out and counted."""

from __future__ import annotations

import io
import json
import math
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taue.batch.card import Exported, card
from taue.batch.figures import KNOWN, OPENED
from taue.batch.index import parquet, rows_of
from taue.batch.store import Store, StoreError
from taue.disk.writing import complete_folder
from taue.errors import TaueError

FORMATS = ("webdataset", "parquet")
SHARD = 1000
"""Samples of one file."""

COMPOSITE, BACKGROUND, LAYERS = "composite.png", "background.png", "layers/"


@dataclass(frozen=True)
class Threshold:
    """A figure and how much it must be at least, or at most where less is better."""

    figure: str
    value: float

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """From "FIGURE=VALUE".

        Raises:
            TaueError: if it is no such thing.
        """
        name, _, value = text.partition("=")
        if name not in KNOWN:
            raise TaueError(f"threshold {text!r} is of no figure; known are {', '.join(KNOWN)}.")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if math.isnan(number):
            raise TaueError(f"threshold {text!r} has no number; give {name}=VALUE.")
        return cls(name, number)

    def met(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is good enough; one without the figure is not."""
        found = row.get(self.figure)
        return found is not None and KNOWN[self.figure] * (found - self.value) >= 0


def training_set(
    store: Store, out: Path, form: str, thresholds: Sequence[Threshold] = (), size: int = SHARD
) -> Exported:
    """Write a training set into a new folder, or nothing.

    Args:
        store: whose index is complete (see :class:`taue.batch.index.Index`).
        out: the folder.
        form: "webdataset" or "parquet".
        thresholds: what samples must meet.
        size: samples of one file.

    Raises:
        TaueError: if ``out`` exists, a file cannot be read or written, or nothing is left.
    """
    told = Exported()
    rows = sorted(rows_of(store), key=lambda row: row["id"])
    with complete_folder(out) as folder:
        good = _good(store, rows, thresholds, told)
        (folder / "data").mkdir()
        for number, part in enumerate(_parts(good, size)):
            ending = "tar" if form == "webdataset" else "parquet"
            name = f"data/train-{number:05}.{ending}"
            samples = (_sample(store, row) for row in part)
            if form == "webdataset":
                _write_tar(folder / name, samples)
            else:
                _write_parquet(folder / name, samples)
            told.files.append(name)
        if not told.samples:
            raise TaueError(
                f"nothing of store {store.where!r} can be exported; {sum(told.left_out.values())} "
                "are below a threshold."
            )
        (folder / "README.md").write_text(card(told, form, rows), encoding="utf-8")
    return told


def _good(
    store: Store,
    rows: Sequence[dict[str, Any]],
    thresholds: Sequence[Threshold],
    told: Exported,
) -> Iterator[dict[str, Any]]:
    known = [one for one in thresholds if one.figure not in OPENED]
    measured = [one for one in thresholds if one.figure in OPENED]
    for row in rows:
        below = next((one.figure for one in known if not one.met(row)), None)
        if below is None and measured:
            row.update(_opened(store, row))
            below = next((one.figure for one in measured if not one.met(row)), None)
        if below is not None:
            told.left_out[below] += 1
            continue
        told.samples += 1
        for name in KNOWN:
            if row.get(name) is not None:
                told.figures.setdefault(name, []).append(row[name])
        yield row


def _parts(rows: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    part: list[dict[str, Any]] = []
    for row in rows:
        part.append(row)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


@dataclass(frozen=True)
class Exemplar:
    """One scene: what is told of it, and its pictures as PNG files, ``layers`` from the lowest,
    RGBA with straight alpha, by their names."""

    told: dict[str, Any]
    composite: bytes
    background: bytes
    layers: dict[str, bytes]


def _sample(store: Store, row: Mapping[str, Any]) -> Exemplar:
    def read(name: str) -> bytes:
        data = store.read(f"{row['place']}/{name}")
        if data is None:
            raise StoreError(f"store {store.where!r} lacks {name} of {row['id']}; audit it.")
        return data

    names = sorted(name for name in row["files"] if name.startswith(LAYERS))
    told = {name: row[name] for name in ("id", "caption", "background", "subjects", "seed")}
    told |= {name: row[name] for name in ("width", "height", "model", "model_digest")}
    told |= {"figures": {name: row.get(name) for name in KNOWN}, "scene": json.loads(row["scene"])}
    layers = {name.removeprefix(LAYERS).removesuffix(".png"): read(name) for name in names}
    return Exemplar(told, read(COMPOSITE), read(BACKGROUND), layers)


def _opened(store: Store, row: Mapping[str, Any]) -> dict[str, float]:
    """What a row's layers show."""
    from taue.batch.opened import opened

    one = _sample(store, row)
    return opened(one.composite, one.background, one.layers)


def _write_tar(path: Path, samples: Iterator[Exemplar]) -> None:
    """Each sample's files beside each other, their names by its id."""
    with tarfile.open(path, "w") as tar:
        for one in samples:
            key = one.told["id"]
            text = json.dumps({**one.told, "layers": list(one.layers)}, ensure_ascii=False)
            files = {"json": text.encode(), "txt": one.told["caption"].encode()}
            files |= {"composite.png": one.composite, "background.png": one.background}
            files |= {f"layer-{n}.png": data for n, data in enumerate(one.layers.values())}
            for ending, data in files.items():
                about = tarfile.TarInfo(f"{key}.{ending}")
                about.size = len(data)
                tar.addfile(about, io.BytesIO(data))


def _write_parquet(path: Path, samples: Iterator[Exemplar]) -> None:
    """With pictures as ``datasets`` keeps them: their bytes, and its own note of what they are."""
    import pyarrow as pa

    picture = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    subject = pa.struct({"prompt": pa.string(), "name": pa.string(), "box": pa.list_(pa.float64())})
    text, number = {"dtype": "string", "_type": "Value"}, {"dtype": "int64", "_type": "Value"}
    sides = {"feature": {"dtype": "float64", "_type": "Value"}, "_type": "List"}
    images = {"_type": "Image"}
    columns: dict[str, tuple[Any, Any]] = {
        "id": (pa.string(), text),
        "caption": (pa.string(), text),
        "background_prompt": (pa.string(), text),
        "subjects": (
            pa.list_(subject),
            {"feature": {"prompt": text, "name": text, "box": sides}, "_type": "List"},
        ),
        "seed": (pa.int64(), number),
        "composite": (picture, images),
        "background": (picture, images),
        "layers": (pa.list_(picture), {"feature": images, "_type": "List"}),
        "layer_names": (pa.list_(pa.string()), {"feature": text, "_type": "List"}),
        **{
            name: (pa.float64(), {"dtype": "float64", "_type": "Value"}) for name in KNOWN
        },
        "scene": (pa.string(), text),
    }  # fmt: skip
    features = {name: feature for name, (_, feature) in columns.items()}
    note = json.dumps({"info": {"features": features}})
    schema = pa.schema([(name, kind) for name, (kind, _) in columns.items()], {"huggingface": note})
    with parquet().ParquetWriter(path, schema, compression="zstd") as writer:
        for one in samples:
            row = {
                **{name: one.told[name] for name in ("id", "caption", "subjects", "seed")},
                "background_prompt": one.told["background"],
                "composite": {"bytes": one.composite, "path": COMPOSITE},
                "background": {"bytes": one.background, "path": BACKGROUND},
                "layers": [{"bytes": d, "path": f"{n}.png"} for n, d in one.layers.items()],
                "layer_names": list(one.layers),
                **one.told["figures"],
                "scene": json.dumps(one.told["scene"], ensure_ascii=False),
            }
            writer.write_table(pa.Table.from_pylist([row], schema))
