"""Text from anywhere, made fit for a terminal: one line, nothing but what can be seen, not long."""

from __future__ import annotations

LONGEST = 400
"""Characters of a message."""

CUT = " ... "


def readable(text: str, most: int | None = LONGEST) -> str:
    """The text on one line, with escapes for what cannot be printed, cut in its middle if long.

    Terminals obey escape sequences, and some characters reverse or hide what follows: prompts, file
    names and the messages of other libraries may hold them.

    Args:
        text: any, halves of characters included.
        most: characters that come out, at most; None for all of them.
    """
    if most is not None and len(text) > 4 * most:  # what is in between is lost anyway
        text = text[: 2 * most] + text[-2 * most :]
    line = "".join(c if c.isprintable() else _escaped(c) for c in " ".join(text.split()))
    if most is None or len(line) <= most:
        return line
    end = (most - len(CUT)) // 3  # the remedy stands there
    return line[: most - len(CUT) - end].rstrip() + CUT + line[-end:].lstrip()


def counted(number: int, thing: str) -> str:
    """A number of things, as "1 subject" and "2 subjects"."""
    return f"{number} {thing}{'s' * (number != 1)}"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def quoted(value: object, most: int = 60) -> str:
    """Any value as Python writes it, shortened; numbers of thousands of digits as how long they
    are, which Python refuses to write."""
    try:
        return readable(repr(value), most)
    except (RecursionError, ValueError):
        if isinstance(value, int):
            return f"a number of about {round(value.bit_length() * 0.30103)} digits"
        return f"a {type(value).__name__}"
