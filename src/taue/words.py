"""Words that a model never saw, which it silently takes for others or for nothing."""

from __future__ import annotations

from collections.abc import Iterable

from taue import models
from taue.scene import Scene

MOST_WARNINGS = 20


def strange_words(model: str, prompts: Iterable[str]) -> list[str]:
    """A warning for each word of the prompts that the model does not know, as far as it says what
    it knows."""
    unknown = models.unknown_words(model, " ".join(prompts))
    told = [
        f'model {model} does not know the word "{word}"'
        + (f"; the nearest that it knows: {', '.join(near)}." if near else "; see taue models.")
        for word, near in unknown[:MOST_WARNINGS]
    ]
    if more := len(unknown) - len(told):
        told.append(f"model {model} does not know {more} words more; see taue models.")
    return told


class WordsTold:
    """Prompts by the model that is to read them, each once, however many scenes say it."""

    def __init__(self) -> None:
        self._of: dict[str, dict[str, None]] = {}

    def hear(self, scene: Scene) -> None:
        """Take a scene's prompts in."""
        self._of.setdefault(scene.model, {}).update(dict.fromkeys(prompts_of(scene)))

    def strange(self) -> list[str]:
        """Warnings as of :func:`strange_words`, for every model."""
        return [
            said for model, prompts in self._of.items() for said in strange_words(model, prompts)
        ]


def prompts_of(scene: Scene) -> list[str]:
    """Every text of a scene that the model reads."""
    negatives = [scene.negative_prompt, *(one.negative_prompt for one in scene.subjects)]
    others = [scene.background, scene.scene, scene.first_background, scene.first_scene, *negatives]
    return [*(one.prompt for one in scene.subjects), *(text for text in others if text)]
