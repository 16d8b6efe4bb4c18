"""Model families. The method sees them through :class:`Backbone` only."""

from taue.backbones.base import Backbone, Captured, Conditioning, Encoded

__all__ = ["Backbone", "Captured", "Conditioning", "Encoded"]
