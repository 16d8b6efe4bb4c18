"""``taue`` and ``python -m taue``: from the first line on, an interrupt is one line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from taue.cli import app

        app()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; nothing was written.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
