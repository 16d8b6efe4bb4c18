"""The commands of ``taue``, one module each; ``taue.cli`` lists them, and imports a module when
its command is called.

A command is a function that typer can call. It imports what is heavy inside, raises ``TaueError``
for what the user can mend, and takes its shared options from ``conventions``.
"""
