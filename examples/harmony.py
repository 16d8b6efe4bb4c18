"""Harmony: from the foreground's own look to the light of the scene.

python examples/harmony.py OUT [STEPS]
"""

import sys
from pathlib import Path

import torch

from taue import TauePipeline
from taue.settings import Settings

out, steps = Path(sys.argv[1]), int((*sys.argv[2:], "50")[0])
pipe = TauePipeline.from_pretrained("paddy")
out.mkdir(parents=True)
for harmony in (0.0, 0.5, 1.0):
    layers = pipe(
        subjects=["a white cup"],
        background="a city at night",
        settings=Settings(num_inference_steps=steps, harmony=harmony),
        generator=torch.Generator().manual_seed(5),
    )
    layers.composite.save(out / f"harmony-{harmony}.png")
