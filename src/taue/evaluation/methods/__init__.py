"""The methods that can be compared, by name."""

from __future__ import annotations

from taue.errors import TaueError
from taue.evaluation.methods import (
    alfie,
    composite_then_cut,
    layerdiffuse,
    layerdiffuse_joint,
    ours,
    plain,
    tkg,
)
from taue.evaluation.methods.base import ComparedMethod, Drawing

METHODS: dict[str, ComparedMethod] = {
    one.name: one
    for one in (
        ours.METHOD,
        ours.PAPER,
        ours.PAPER_LAYOUT,
        plain.METHOD,
        composite_then_cut.METHOD,
        tkg.METHOD,
        alfie.METHOD,
        layerdiffuse.METHOD,
        layerdiffuse_joint.METHOD,
    )
}

__all__ = ["METHODS", "ComparedMethod", "Drawing", "method_named", "methods_of"]


def method_named(name: str, weights: str | None = None) -> ComparedMethod:
    """The method of a name.

    Args:
        name: of the method.
        weights: a folder or hub id of LayerDiffuse's, which no other methods need.

    Raises:
        TaueError: if there is none, or what it needs is not to be had.
    """
    if name not in METHODS:
        raise TaueError(f"method is {name!r}; choose among {', '.join(METHODS)}.")
    method = METHODS[name]
    if method.with_weights is not None and weights is not None:
        return method.with_weights(weights)
    method.check()
    return method


def methods_of(family: str) -> list[str]:
    """Names of the methods that draw with models of a family."""
    return [name for name, one in METHODS.items() if one.family in (None, family)]
