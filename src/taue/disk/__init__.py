"""Reading and writing that breaks nothing: bounds, locks, files that are whole or not there.

Knows nothing of pictures or scenes.
"""
