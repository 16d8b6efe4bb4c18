"""Layered formats, and result folders read back. Nothing here knows what layers are made by."""
