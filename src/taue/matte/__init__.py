"""A subject's RGBA from the foreground on its key colour: :mod:`taue.matte.story`, step by step."""

from taue.matte.story import cut_out, extract, outlined

__all__ = ["cut_out", "extract", "outlined"]
