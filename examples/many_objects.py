"""Many objects: each has its own seedling, prompt and place, in one composite pass.

python examples/many_objects.py OUT [STEPS]
"""

import sys
from pathlib import Path

import torch

from taue import TauePipeline

out, steps = Path(sys.argv[1]), int((*sys.argv[2:], "50")[0])
pipe = TauePipeline.from_pretrained("paddy")
layers = pipe(
    subjects=["a yellow star", "a purple gift", "a white duck"],
    background="snowy mountains",
    num_inference_steps=steps,
    generator=torch.Generator().manual_seed(2),
)
out.mkdir(parents=True)
layers.composite.save(out / "scene.png")
for number, layer in enumerate(layers.subjects, 1):
    layer.image.save(out / f"object-{number}.png")  # RGBA
