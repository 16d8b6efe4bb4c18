"""Layout: objects where their boxes say, as large as their boxes hold.

python examples/layout.py OUT [STEPS]
"""

import sys
from pathlib import Path

import torch

from taue import Box, Subject, TauePipeline

out, steps = Path(sys.argv[1]), int((*sys.argv[2:], "50")[0])
pipe = TauePipeline.from_pretrained("paddy")
layers = pipe(
    subjects=[
        Subject("a green tree", box=Box(0.05, 0.2, 0.4, 0.7)),
        Subject("a red car", box=Box(0.5, 0.6, 0.45, 0.3)),
    ],
    background="a green meadow",
    num_inference_steps=steps,
    generator=torch.Generator().manual_seed(1),
)
out.mkdir(parents=True)
layers.composite.save(out / "layout.png")
layers.save(out / "layout.psd")
