"""Names in a result folder that both its writer and its readers know."""

import re

RAW = "raw"
"""Folder of what the model drew on the way to the layers, untouched."""

SEEDLINGS = "seedlings"
"""Folder of what the subjects can be grown from again."""

BROUGHT = "pictures"
"""Folder of the pictures that the user brought, as far as they are used."""

CUT = "-cut"
"""Ends the name of a foreground cut out as its stage left it."""


RESULT = re.compile(
    r"(composite|background|sheet|(subject|foreground)-[^/]+)\.png|layers\.(psd|ora)|report\.json"
    r"|scene\.toml|raw/(composite|healed|refined-[^/]+)\.png|seedlings/subject-[^/]+\.safetensors"
    r"|layers/\d+-(background|(effects|subject)-[^/]+)\.png"
    r"|pictures/((first-)?background|subject-[^/]+)\.png"
)
"""The files of a result folder, relative to it."""

SHEET = "sheet.png"
"""What a folder of several results shows them on."""

SERIES = re.compile(rf"{re.escape(SHEET)}|\d{{4}}/({RESULT.pattern})")
"""The files of a folder of several results."""

PICTURES = re.compile(r"\d+-(background|(effects|subject)-[^/]+)\.(png|webp)")
"""The files of a folder of layers."""


def layer_file(place: int, count: int, role: str, stem: str | None) -> str:
    """What the file of a layer is called, without its ending, so that names sort as layers lie.

    Args:
        place: of the layer, 0 is the lowest.
        count: of all layers.
        role: "background", "effects" or "subject".
        stem: what files call its subject; None for the background.
    """
    name = role if stem is None else f"{role}-{stem}"
    return f"{place:0{len(str(count - 1))}}-{name}"
