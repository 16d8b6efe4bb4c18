"""The dataset card of a training set: what is in it, how it was made, how good it is."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taue import __version__
from taue.batch.figures import KNOWN
from taue.readable import counted

HEAD = """---
task_categories:
- text-to-image
tags:
- layers
- rgba
- synthetic
configs:
- config_name: default
  data_files:
  - split: train
    path: data/*
---

# Layered images

{samples} scenes, each a composite, its background and its layers as RGBA pictures with straight
alpha (from the lowest: background, effects, subjects), with caption, boxes, seed and the whole
scene from which taue {version} makes it again. Everything in it was drawn by {models};
it is licensed as their outputs are.

"""

READ = {
    "webdataset": """```python
import webdataset

data = webdataset.WebDataset("data/train-00000.tar", shardshuffle=False).decode("pil")
for sample in data:
    sample["composite.png"], sample["layer-1.png"], sample["json"]["caption"]
```
""",
    "parquet": """```python
import datasets

data = datasets.load_dataset("parquet", data_files="data/*.parquet", split="train")
data[0]["composite"], data[0]["layers"], data[0]["caption"]
```
""",
}


@dataclass
class Exported:
    """What went out: ``samples``, those ``left_out`` by the figure that was not enough, ``files``,
    and every figure's values of the samples."""

    samples: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    files: list[str] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)


def card(told: Exported, form: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The card as Markdown."""
    models = ", ".join(f"`{name}`" for name in sorted({str(row["model"]) for row in rows}))
    text = HEAD.format(samples=told.samples, version=__version__, models=models)
    text += READ[form] + "\n| | |\n|---|---|\n"
    text += f"| scenes in the store | {len(rows)} |\n| in this set | {told.samples} |\n"
    for name, count in sorted(told.left_out.items()):
        text += f"| left out by `{name}` | {count} |\n"
    subjects = Counter(len(row["subjects"] or ()) for row in rows)
    for number, count in sorted(subjects.items()):
        text += f"| scenes of the store with {counted(number, 'subject')} | {count} |\n"
    text += f"| files | {len(told.files)} |\n"
    text += "\n| figure | known | median | worst tenth |\n|---|---|---|---|\n"
    for name, sign in KNOWN.items():
        values = sorted(sign * value for value in told.figures.get(name, []))
        if values:
            tenth = sign * values[len(values) // 10]
            median = sign * statistics.median(values)
            text += f"| `{name}` | {len(values)} | {median:.4g} | {tenth:.4g} |\n"
    return text
