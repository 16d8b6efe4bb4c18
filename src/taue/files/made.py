"""Names in a result folder that both its writer and its readers know."""

RAW = "raw"
"""Folder of what the model drew on the way to the layers, untouched."""

CUT = "-cut"
"""Ends the name of a foreground cut out as its stage left it."""
