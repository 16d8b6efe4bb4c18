"""The commands of ``taue``, one module each; ``taue.cli`` registers them.

A command is a function that typer can call. It imports what is heavy inside, raises ``TaueError``
for what the user can mend, and takes its shared options from ``conventions``.
"""
