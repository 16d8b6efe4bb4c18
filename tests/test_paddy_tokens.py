"""paddy's tokens have the same numbers in every process, or no one could train it again."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from taue.models import PADDY
from taue.paddy.train.denoiser import tokenizers

CODE = """
import json
from taue.paddy.train.denoiser import tokenizers
print(json.dumps(tokenizers()[0].get_vocab()))
"""


@pytest.mark.slow
def test_another_process_numbers_the_tokens_alike() -> None:
    other = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert json.loads(other.stdout.splitlines()[-1]) == tokenizers()[0].get_vocab()


def test_the_shipped_tokens_are_those() -> None:
    shipped = json.loads((PADDY / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))
    known = {**shipped["model"]["vocab"]}
    known |= {one["content"]: one["id"] for one in shipped["added_tokens"]}
    assert known == tokenizers()[0].get_vocab()
