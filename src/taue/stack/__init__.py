"""The stack: layers that, laid over each other, are the composite again (pure numpy)."""

from taue.stack.build import MODES, Pictures, exact, raw, stack_of
from taue.stack.effects import coverage, darkened
from taue.stack.flatten import flatten, largest_error
from taue.stack.model import Layer, Stack

__all__ = [
    "MODES",
    "Layer",
    "Pictures",
    "Stack",
    "coverage",
    "darkened",
    "exact",
    "flatten",
    "largest_error",
    "raw",
    "stack_of",
]
