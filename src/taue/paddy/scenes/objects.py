"""One object: drawn flat by its kind's painter, cut to its box, then softly shaded."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from taue.paddy.scenes.kinds_made import MADE
from taue.paddy.scenes.kinds_moving import MOVING
from taue.paddy.scenes.kinds_natural import NATURAL
from taue.paddy.scenes.kinds_shapes import SHAPES
from taue.paddy.scenes.pen import Pen
from taue.paddy.scenes.words import COLOURS

_PAINTERS = SHAPES | NATURAL | MOVING | MADE

# Width over height of each kind's tight box.
ASPECT: dict[str, float] = {kind: painter.aspect for kind, painter in _PAINTERS.items()}


def draw_flat(kind: str, colour: str, scale: int) -> Image.Image:
    """The kind without shading, RGBA, cut tightly; about `scale` pixels high."""
    painter = _PAINTERS[kind]
    # A margin, so that nothing is lost should a painter step over its box.
    margin = 0.05
    width = round((painter.aspect + 2 * margin) * scale)
    image = Image.new("RGBA", (width, round((1 + 2 * margin) * scale)))
    painter.paint(Pen(image, scale, scale, scale, margin), COLOURS[colour])
    return image.crop(image.getbbox())


def draw_object(kind: str, colour: str, width: int, height: int) -> NDArray[np.uint8]:
    """The shaded object filling [height, width, 4], straight alpha, in neutral light.

    Pixels with next to no alpha hold the object's colour, so that no fringe shows when resampled.
    """
    finest = max(height, round(width / ASPECT[kind]))
    flat = draw_flat(kind, colour, finest * (3 if finest < 160 else 2))
    image = flat.resize((width, height), Image.Resampling.HAMMING)
    pixels = np.array(image)
    darker, lighter = _light(image.getchannel("A"))
    rgb = pixels[..., :3].astype(np.float32) * darker[..., None]
    rgb += (255 - rgb) * lighter[..., None]
    pixels[..., :3] = np.clip(rgb + 0.5, 0, 255).astype(np.uint8)
    # Where alpha is next to nothing, resizing has left too few bits of the colour.
    pixels[pixels[..., 3] < 4, :3] = COLOURS[colour]
    return pixels


def _light(alpha: Image.Image) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far to darken (factor about 0.6..1) and to lighten (share about 0..0.35).

    The outline, blurred, is taken for a relief: its slopes facing the top left catch light
    and those facing the lower right lose it. A plain gradient is added to that.
    """
    width, height = alpha.size
    reach = max(1, round(0.06 * min(width, height)))
    # The margin makes the box's own edge a slope too.
    padded = Image.new("L", (width + 2 * reach, height + 2 * reach))
    padded.paste(alpha, (reach, reach))
    relief = np.asarray(padded.filter(ImageFilter.GaussianBlur(reach)), np.float32) / 255
    slope = relief[2 * reach :, 2 * reach :] - relief[: -2 * reach, : -2 * reach]
    across = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    diagonal = 0.4 * across + 0.6 * down
    darker = 1 - 0.20 * diagonal + 0.26 * np.minimum(slope, 0)
    glow = np.exp(-((across - 0.3) ** 2 + (down - 0.24) ** 2) / 0.05)
    lighter = 0.14 * glow + 0.22 * np.maximum(slope, 0)
    return darker.astype(np.float32), lighter.astype(np.float32)
