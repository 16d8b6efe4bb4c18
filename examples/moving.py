"""Moving: an object moved and scaled; the scene grows anew around it.

python examples/moving.py OUT [STEPS]
"""

import sys
from pathlib import Path

import torch

from taue import Box, TauePipeline

out, steps = Path(sys.argv[1]), int((*sys.argv[2:], "50")[0])
pipe = TauePipeline.from_pretrained("paddy")
layers = pipe(
    subjects=["a blue car"],
    background="a desert",
    num_inference_steps=steps,
    generator=torch.Generator().manual_seed(4),
)
out.mkdir(parents=True)
for number, x in enumerate((0.02, 0.3, 0.58)):
    moved = layers.move(pipe, subject=1, box=Box(x, 0.55, 0.4, 0.3))
    moved.composite.save(out / f"frame-{number}.png")
