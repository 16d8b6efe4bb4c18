"""An independent judge of paddy's pictures: what is in them, where, and how like the renderer's.

It was trained on rendered scenes and on their round trips through the autoencoder, and knows
nothing of the UNet, its text encoders or the prompts.
"""

from taue.paddy.judge.judge import Judge
from taue.paddy.judge.sighting import SeenObject, Sighting

__all__ = ["Judge", "SeenObject", "Sighting"]
