"""Several results by one call: which requests, and what each one's noise derives from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from taue.bounds import MOST_RESULTS
from taue.errors import TaueError
from taue.noise import drawn_seed, seed_of
from taue.readable import quoted
from taue.scene import Request, Scene
from taue.scene.subject import listed
from taue.settings import Settings

Generators = torch.Generator | Sequence[torch.Generator] | None


def require_one(
    told: Mapping[str, Any], chosen: Mapping[str, Any], settings: Settings | None
) -> Request:
    """The request that a call is given in words.

    Args:
        told: what :meth:`taue.scene.Request.of` takes besides settings, None for nothing.
        chosen: fields of settings, None for those as they are in ``settings``.
        settings: the defaults if None.

    Raises:
        TaueError: for bad input.
    """
    for name in ("subjects", "background"):
        if told[name] is None:
            raise TaueError(f"{name} is missing; give it, or scenes.")
    given = {name: value for name, value in chosen.items() if value is not None}
    whole = replace(settings or Settings(), **given)
    return Request.of(whole, **{**told, "subjects": listed(told["subjects"])})


def init_of(image: Any, strength: float | None) -> dict[str, Any] | None:
    """What the composite begins from, as a request has it.

    Raises:
        TaueError: if there is a strength without an image.
    """
    if image is None:
        if strength is not None:
            raise TaueError("strength is given without an image; give both, or drop it.")
        return None
    return {"image": image, **({} if strength is None else {"strength": strength})}


def require_scenes(scenes: Any, others: Mapping[str, Any]) -> list[Request]:
    """Scenes that a call is given in place of everything else.

    Args:
        scenes: what is given for them.
        others: what else is, None for nothing.

    Raises:
        TaueError: if they are no scenes, or something else is given that each of them has.
    """
    if not isinstance(scenes, (list, tuple)) or not scenes:
        raise TaueError(f"scenes is {quoted(scenes)}; give a list of scenes, at least one.")
    for number, one in enumerate(scenes):
        if not isinstance(one, Request):
            raise TaueError(f"scenes[{number}] is {quoted(one)}; give a Scene or a Request.")
    twice = [name for name, value in others.items() if value is not None]
    if twice:
        raise TaueError(f"{twice[0]} is given besides scenes, which each have their own; drop it.")
    return list(scenes)


def seeded(
    requests: Sequence[Request], count: Any, generator: Generators
) -> Iterator[tuple[Request, int]]:
    """Each request ``count`` times, with the number that its noise derives from.

    Without a generator a scene's own seed and those after it count, as for ``taue generate
    --count``. From one generator the numbers are drawn in turn.

    Raises:
        TaueError: if the count can be none, or generators are not as many as results.
    """
    most = max(1, MOST_RESULTS // len(requests))
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= most:
        raise TaueError(
            f"num_images_per_prompt is {quoted(count)}; give a whole number from 1 to {most}."
        )
    total = len(requests) * count
    several = list(generator) if isinstance(generator, Sequence) else [generator] * total
    if len(several) != total:
        raise TaueError(f"generator has {len(several)} of them; give one, or {total}.")
    for i, own in enumerate(several):
        request = requests[i // count]
        if own is None and isinstance(request, Scene):
            yield request, seed_of(request.seed + i % count)
        else:
            yield request, drawn_seed(own)
