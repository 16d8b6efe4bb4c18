"""What the user can mend: one clear sentence that names the field and the fix."""

from taue.readable import readable


class TaueError(ValueError):
    """Bad input. The message is one sentence for the user; the command line exits with 2.

    It is one line of at most 400 characters without control characters, whatever it quotes.
    """

    def __init__(self, message: str) -> None:
        super().__init__(readable(message))


class LittleMemoryError(TaueError):
    """Memory does not suffice; for a smaller request, or for one at a time, it may."""
