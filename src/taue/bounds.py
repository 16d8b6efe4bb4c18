"""How much one request may hold: more is a mistake, or means harm."""

LONGEST_PROMPT = 10_000
"""Characters."""

MOST_SUBJECTS = 100

MOST_MOVES = 100
"""Of one subject; each costs a stage."""

MOST_RESULTS = 100
"""Of one command, which shows all of them on one sheet."""
