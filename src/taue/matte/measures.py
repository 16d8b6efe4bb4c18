"""What the matte goes by: every number that says how pictures are, in one place.

Few are free: a scale of shares, which is explained first, and what was measured or chosen apart
from it. All others are written as what they follow from, and say why. Lengths are in widths of a
soft edge (see :func:`taue.matte.trimap.edge_width`), so that they hold at any size; alpha, and
shares of a distance or of a hue, are of 1; colours are RGB in [0, 1].
"""

# The scale of shares: of an alpha, a hue, a quantile, a distance between colours or a width.

HARDLY = 0.1
"""Next to nothing. A line from the key that is shorter counts as so long: there is no going by it,
and none by the hue of a key that is less colourful."""

HALF = 1 / 2
"""As much of one thing as of the other."""

LITTLE = 2 * HARDLY
"""Small, but seen: twice what is hardly any."""

BELOW = HALF - HARDLY
"""Surely less than half: by what is next to nothing."""

MOSTLY = 1 - LITTLE
"""What lacks a little of the whole."""

NEARLY = 1 - HARDLY
"""All but one: above this a colour is the object's own, and no more is taken out of one."""

SURELY = 1 - HARDLY / 2
"""Of the key's pixels, so many are within what is called its spread: all but half of hardly any."""

ALIKE = 0.15
"""What differs by less passes for the same: the standard deviation of the sine of the angle at the
key in :func:`taue.matte.pure.purest`."""

# How large things are.

SOFT = 1 / 32
"""Larger sides over which an edge may be soft: about a latent cell. Colours so near are of one
part, so it is also the standard deviation by which they count in ``purest``."""

SIDE = 256
"""Places a side at which a picture is looked at, about: it is as blurred, and its colours change as
slowly, at any size."""

PIXEL = 1 / (SOFT * SIDE)
"""One such place: steepness is measured with a standard deviation of it."""

FINEST = 3 / PIXEL
"""Places that an edge has at least where a smooth outline is sought. One to a pixel is too coarse;
with three, one is in its middle."""

NEAR = 2
"""Around the mask everything so near may be object."""

FAR = 3 * NEAR
"""A thin part may reach so far from the mask, which misses what is thinner than a latent cell, or
faint and no wider than a soft edge, and nothing else: near it, and as much again to either side of
what was missed."""

BRINK = (HALF, 1)
"""From the object, over which haze fades: an edge is soft over one width, half of it outside."""

VEILED = NEAR + HALF
"""From the key, within which an opaque pixel may be a veil: what is near it, and the half of a soft
edge that is on the key's side of an outline."""

UNVEILED = HALF + HARDLY
"""From all that is not opaque, where no veil reaches: the inner half of a soft edge, and hardly
more."""

SMALLEST = LITTLE
"""Squares of the width that a part is large at least."""

# What noise does: to the key, and so to alpha.

QUIET = 0.04
"""The key's own spread at least: decoders ripple at the object's edge."""

CLEAR = 1 + HALF
"""Times the spread from which on a colour is no key. The spread leaves out the last pixels of the
key; half as much again has them in."""

NOISE = CLEAR * QUIET
"""So, a distance that is nothing off the line to a pure colour, as it is from a key that is painted
evenly."""

# What alpha means.

INVISIBLE = HALF / 255
"""0 in 8 bits, of which it is half a step; a weight below this says nothing, either."""

SOLID = HALF
"""From here on a pixel is object: there is more of it than of the key."""

APART = LITTLE
"""So far from a smooth outline alpha may stay, and where it was moved so far, the colour was a
guess, too."""

HANGING = SOLID - APART
"""From here on a pixel is object if it hangs on to one that is solid: thin parts are pale where
they are blurred, by no more than alpha may be astray."""

SPREAD = (QUIET, HANGING)
"""Bounds of the key's own spread. What is no key at all is not to be taken for a noisy one: noise
cannot take away so much that what hangs on would be lost, so this is the most alpha that it may."""

FULL = 1 - HANGING
"""Share of the pure colour's distance to the key from which on a veil is opaque: noise can have
taken away the rest."""

OPAQUE = 1 - HARDLY * HANGING
"""From here on a pixel may be pure: it lacks hardly any of what noise can take away. What is nearly
one is raised by this lack. So much of an object's inside has no more of the key's hue than is the
object's own."""

FAITH = HALF
"""Of alpha's own word against the outline's smoothness: with half of the say it moves an outline,
and makes none alone."""

# What a decoder does to an edge.

DECODED = 0.11
"""Standard deviation of its blur of a steep edge."""

DEEP = 3 * DECODED
"""From an object's outline, from which on its colours are its own, as next to nothing of a blur is
beyond three deviations: all of it up to half that depth; in what is thinner those of the pixels
that are deepest nearby."""

RIPPLE = (2 * DECODED, 4 * DECODED)
"""Off the object, over which what is faint fades: beyond four standard deviations there is nothing
of it. Within the first, colours are averaged where an outline was moved."""

BEND = DEEP / 2
"""Standard deviation of what an outline is smoothed with in each step: what is smaller is no shape.
Colours inside are averaged with it, too."""

STEEP = (1, MOSTLY / HALF)
"""Steepness, in alpha per width, from which on an edge was sharp before, and altogether: one that
is softer, over more than a width, is so in the scene. One over half a width is sharp; a decoder's
blur and that of the measuring leave most of its steepness."""

NOTHING = 2 * NOISE
"""Alpha that it makes of 0 there: alpha lies between two colours, and either's noise moves it."""

SHARP = HALF
"""Sharpness from which on nothing was blurred, and nothing is a veil. Hard edges drawn at the
picture's own resolution have 0.7 and more, the same after an autoencoder 0.4 and less."""

EDGE = HALF * HALF
"""Distances to the key that differ by so much within three pixels are an edge: half of half the
way from nothing to one, since what is faint has edges, too."""

# What is opaque, and how far it is from the key.

LEVEL = 1 - ALIKE
"""An opaque pixel has this share of the largest distance to the key an edge's width around it:
on a soft edge the distance falls, on the object it stays alike."""

STRONG = BELOW
"""... and this share of the largest two soft edges' widths around it: surely less than half may be
a veil, such as hair that a decoder has blurred, and the closed form decides."""

MOST = MOSTLY / HALF
"""In blurred pictures alpha is at most so many times the distance to the key over the largest one
within a soft edge's width: what is half as far as that is most of a pixel and not all. Where a gap
is blurred shut the object's own colour is estimated from the key's, and each projection makes the
pixel more opaque."""

# What is a mixture of two colours.

BESIDE = (LITTLE, HALF)
"""Sine of the angle off the line over which a colour turns from a mixture into a colour of its
own, which no mixture of key and another colour of the object explains."""

SHADED = (HALF * HALF, 1 - HALF * HALF)
"""Distance to that line over the distance to the pure colour's shades (on the line to black) over
which a colour stops to be a mixture, half of it on either side of half: a grey handle of a white
cup is in shade."""

SHARE = MOSTLY
"""A pixel with less of another's distance to the key is a mixture of it, unless it is its shade;
what lacks no more may be another colour."""

SPOILED = 1 / LITTLE
"""How fast a soft pixel's colour is spoiled as it goes from pure to key: after a little, where by
``SHARE`` it is a mixture, altogether."""

PURITY = 3
"""The power of the distance to the key by which a pure colour counts."""

# What an object has of the key's hue.

TOLD = HARDLY / 2
"""Shares of it, and colours along it, that differ by no more than half of what is next to nothing
are not told apart: they are divided by no less."""

HOLE = (BELOW, NEARLY)
"""Of what the key's hue takes away, the share up to which a pixel stays whole (edges are soft, and
decoders tint what is near the key), and that from which on it is a hole, all but."""

BOUND = (ALIKE, HALF)
"""What passes for pure in a pocket: mean and so many (second) standard deviations of the pure
colours' share of key, weighted by distance with a standard deviation of so many (first) sides,
within which an object's parts pass for one."""

# Of the computation alone: these bound time and memory, or keep it sane.

WINDOW = 3
"""Pixels a side of what is nearest to a pixel."""

PIXELS = 20_000
"""The most that are fitted to, or solved for, at once."""

STEPS = 8
"""Times that something is done at most that stands still before, as a rule."""

LEAST = 1e-3
"""Nothing, as a length: none is divided by less. As a weight, it binds only what nothing else does:
the ridge on the key's slopes. The other weights in the room are whole steps of ``HARDLY`` from it,
since of what is to be small only the order counts."""
