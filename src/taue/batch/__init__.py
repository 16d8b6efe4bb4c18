"""Batches: many scenes into one store that may be interrupted, shared and gone on with at will."""
