"""Model families. The method sees them through :class:`Backbone` only."""

from taue.backbones.base import Backbone, Conditioning, Encoded

__all__ = ["Backbone", "Conditioning", "Encoded"]
