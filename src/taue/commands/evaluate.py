"""``taue eval``: its commands, each in a module of its own."""

from __future__ import annotations

import typer

from taue.commands.conventions import register
from taue.commands.eval_ablation import ablation
from taue.commands.eval_capabilities import capabilities
from taue.commands.eval_data import coco_data, paddy_data
from taue.commands.eval_generate import run_method
from taue.commands.eval_paper import paper
from taue.commands.eval_score import score
from taue.commands.groups import OneSentence, help_alone

evaluate = typer.Typer(cls=OneSentence, help="Compare methods: data, generation, scores.")
data = typer.Typer(cls=OneSentence, help="Write an evaluation set.")


for one in (evaluate, data):
    one.callback(invoke_without_command=True)(help_alone)
register(data, "paddy", paddy_data)
register(data, "coco", coco_data)
register(evaluate, "generate", run_method)
register(evaluate, "score", score)
register(evaluate, "paper", paper)
register(evaluate, "ablation", ablation)
register(evaluate, "capabilities", capabilities)
evaluate.add_typer(data, name="data")
