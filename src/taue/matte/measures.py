"""What the matte goes by: every number that says how pictures are, in one place.

Lengths are in widths of a soft edge (see :func:`taue.matte.trimap.edge_width`), so that they hold
at any size; alpha, and shares of a distance or of a hue, are of 1; colours are RGB in [0, 1].
Numbers that bound time and memory, and those of a solver, stand where they are used. A number that
follows from another is written so.
"""

HARDLY = 0.1
"""Next to nothing: of an alpha, a share, or a distance between colours."""

# How large things are.

SOFT = 1 / 32
"""Larger sides over which an edge may be soft."""

SIDE = 256
"""Places a side at which a picture is looked at, about: it is as blurred, and its colours change as
slowly, at any size."""

PIXEL = 1 / (SOFT * SIDE)
"""One such place: steepness is measured with a standard deviation of it."""

NEAR = 2
"""Around the mask everything so near may be object."""

FAR = 3 * NEAR
"""A thin part may reach so far from the mask, which misses what is thinner than a latent cell, or
faint and no wider than a soft edge, and nothing else."""

BRINK = (0.5, 1)
"""From the object, over which haze fades."""

VEILED = 2.5
"""From the key, within which an opaque pixel may be a veil."""

UNVEILED = 0.6
"""From all that is not opaque, where no veil reaches."""

SMALLEST = 0.2
"""Squares of the width that a part is large at least."""

# What a decoder does to an edge.

DECODED = 0.11
"""Standard deviation of its blur of a steep edge."""

DEEP = 3 * DECODED
"""From an object's outline, from which on its colours are its own: all of it up to half that depth;
in what is thinner those of the pixels that are deepest nearby."""

RIPPLE = (2 * DECODED, 4 * DECODED)
"""Off the object, over which what is faint fades: beyond four standard deviations there is nothing
of it. Within the first, colours are averaged where an outline was moved."""

BEND = DEEP / 2
"""Standard deviation of what an outline is smoothed with in each step: what is smaller is no shape.
Colours inside are averaged with it, too."""

STEEP = (1.0, 1.6)
"""Steepness, in alpha per width, from which on an edge was sharp before, and altogether: one that
is softer is so in the scene."""

NOTHING = 0.12
"""Alpha that it makes of 0 there."""

SHARP = 0.5
"""Sharpness from which on nothing was blurred, and nothing is a veil. Hard edges drawn at the
picture's own resolution have 0.7 and more, the same after an autoencoder 0.4 and less."""

EDGE = 0.25
"""Distances to the key that differ by so much within three pixels are an edge."""

# How far a colour is from the key.

SPREAD = (0.04, 0.3)
"""Bounds of the key's own spread: decoders ripple at the object's edge, and what is no key at all
is not to be taken for a noisy one; so the second is also the most alpha that noise takes away."""

CLEAR = 1.5
"""Times that spread (95 % of it) from which on a colour is no key."""

LEVEL = 0.85
"""An opaque pixel has this share of the largest distance to the key an edge's width around it:
on a soft edge the distance falls, on the object it stays."""

STRONG = 0.4
"""... and this share of the largest two soft edges' widths around it: less may be a veil, such as
hair that a decoder has blurred, and the closed form decides."""

MOST = 1.6
"""In blurred pictures alpha is at most so many times the distance to the key over the largest one
within a soft edge's width. Where a gap is blurred shut the object's own colour is estimated from
the key's, and each projection makes the pixel more opaque."""

# What alpha means.

INVISIBLE = 0.5 / 255
"""0 in 8 bits; a weight below this says nothing, either."""

SOLID = 0.5
"""From here on a pixel is object, ..."""

HANGING = SPREAD[1]
"""... and from here on if it hangs on to such: thin parts are pale where they are blurred, and what
is less noise can take away."""

NEARLY = 1 - HARDLY
"""Above this a colour is the object's own, all but: nearly one is one."""

OPAQUE = 0.97
"""From here on a pixel may be pure. What is nearly one is raised by what this lacks of it."""

APART = 0.2
"""So far from a smooth outline alpha may stay, and where it was moved so far, the colour was a
guess, too."""

FAITH = 0.5
"""Of alpha's own word against the outline's smoothness."""

# What is a mixture of two colours.

SHORTEST = HARDLY
"""Lines from the key that are shorter count as so long."""

BESIDE = (0.2, 0.5)
"""Sine of the angle off the line over which a colour turns from a mixture into a colour of its
own, which no mixture of key and another colour of the object explains ..."""

NOISE = CLEAR * SPREAD[0]
"""... less what is noise, off the line to a pure colour: a distance that is nothing, as it is from
a key that is painted evenly."""

SHADED = (SOLID / 2, 1 - SOLID / 2)
"""Distance to that line over the distance to the pure colour's shades (on the line to black) over
which a colour stops to be a mixture: a grey handle of a white cup is in shade."""

FULL = 1 - SPREAD[1]
"""Share of the pure colour's distance to the key from which on a veil is opaque: less noise can
have taken away."""

SHARE = 0.8
"""A pixel with less of another's distance to the key is a mixture of it, unless it is its shade."""

ALIKE = 0.15
"""Standard deviation of the sine of the angle at the key in :func:`taue.matte.pure.purest`, ..."""

NEARBY = SOFT
"""... that of the distance, larger sides: about a latent cell, ..."""

PURITY = 3
"""... and the power of the distance to the key."""

# What an object has of the key's hue.

COLOURED = SHORTEST
"""A key less colourful than this has no hue to go by: from grey to it is no line."""

INSIDE = OPAQUE
"""So much of an object's inside has no more of it than is the object's own, ..."""

OWN = HARDLY
"""... which is no less than this, and no more than what leaves a pixel whole."""

PAINTED = SOLID
"""Where there is nowhere nearby so much of it, relative to the key, the key shows nowhere."""

HOLE = (0.4, NEARLY)
"""Of what the key's hue takes away, the share up to which a pixel stays whole (edges are soft, and
decoders tint what is near the key), and that from which on it is a hole, all but."""

BOUND = (0.15, 0.5)
"""What passes for pure in a pocket: mean and so many (second) standard deviations of the pure
colours' share of key, weighted by distance with a standard deviation of so many (first) sides."""
