"""What the user can mend: one clear sentence that names the field and the fix."""


class TaueError(ValueError):
    """Bad input. The message is one sentence for the user; the command line exits with 2."""
