"""Evaluation: data sets, the methods compared, scores and tables. ``docs/evaluation.md`` says what
each file and figure is. Nothing but the commands imports this."""
