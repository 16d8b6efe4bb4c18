"""CLIP's similarities: a picture with another picture, a picture with words."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from taue.arrays import Bytes
from taue.errors import TaueError
from taue.evaluation.weights import local, sha256

OPTION = "clip"
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


class Clip:
    """Unit embeddings of pictures and words, with where the weights are from."""

    def __init__(self, model: Any, tokenizer: Any, source: str, digest: str) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        self.source, self.sha256 = source, digest

    @classmethod
    def load(cls, name: str, device: torch.device) -> Clip:
        """From a folder or a hub id.

        Raises:
            TaueError: if there is no such model.
        """
        from transformers import AutoTokenizer, CLIPModel

        folder = local(name, OPTION)
        try:
            model: Any = CLIPModel.from_pretrained(folder)
            tokenizer = AutoTokenizer.from_pretrained(folder)
        except Exception as error:
            raise TaueError(
                f"{OPTION} {name!r} cannot be loaded ({type(error).__name__}); "
                "give a folder or hub id of a CLIP model with its tokenizer."
            ) from error
        return cls(model.to(device), tokenizer, name, sha256(folder))

    @torch.no_grad()
    def picture(self, picture: Bytes) -> NDArray[np.float32]:
        """Of a picture uint8 [H, W, 3]: its shorter side resized to CLIP's, bicubic, the middle
        square cut out."""
        vision = self.model.vision_model(pixel_values=self._prepared(picture).to(self.model.device))
        return _unit(self.model.visual_projection(vision.pooler_output))

    @torch.no_grad()
    def words(self, text: str) -> NDArray[np.float32]:
        """Of a prompt, cut at CLIP's 77 tokens."""
        tokens = self.tokenizer(
            text,
            return_tensors="pt",
            truncation=True,
            max_length=self.model.config.text_config.max_position_embeddings,
        )
        ids, there = (
            tokens[name].to(self.model.device) for name in ("input_ids", "attention_mask")
        )
        encoded = self.model.text_model(input_ids=ids, attention_mask=there)
        return _unit(self.model.text_projection(encoded.pooler_output))

    def _prepared(self, picture: Bytes) -> torch.Tensor:
        side = self.model.config.vision_config.image_size
        image = Image.fromarray(picture)
        scale = side / min(image.size)
        width, height = (max(side, round(v * scale)) for v in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        left, top = (width - side) // 2, (height - side) // 2
        values = np.asarray(image.crop((left, top, left + side, top + side)), np.float32) / 255
        values = (values - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
        return torch.from_numpy(values).permute(2, 0, 1)[None]


def _unit(embedded: torch.Tensor) -> NDArray[np.float32]:
    return torch.nn.functional.normalize(embedded.float(), dim=-1)[0].cpu().numpy()
