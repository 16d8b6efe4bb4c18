"""New backgrounds: the same object in other places; it grows only once.

python examples/new_background.py OUT [STEPS]
"""

import sys
from pathlib import Path

import torch

from taue import TauePipeline

out, steps = Path(sys.argv[1]), int((*sys.argv[2:], "50")[0])
pipe = TauePipeline.from_pretrained("paddy")
layers = pipe(
    subjects=["a red boat"],
    background="the ocean",
    num_inference_steps=steps,
    generator=torch.Generator().manual_seed(3),
)
out.mkdir(parents=True)
layers.composite.save(out / "the ocean.png")
for place in ("a beach at sunset", "outer space", "a living room"):
    layers.rebackground(pipe, place).composite.save(out / f"{place}.png")
