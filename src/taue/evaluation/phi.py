"""Phi-3 writes prompts: three lines, each begun for it, so that any answer can be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from taue.errors import TaueError
from taue.evaluation.dataset import Prompts

LINES = ("foreground", "background", "scene")
MOST_TOKENS = 48
"""Of one line; CLIP reads 77."""


class PromptWriter:
    """A causal language model with its tokenizer, answering greedily.

    Args:
        model, tokenizer: of transformers.
    """

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer

    @classmethod
    def load(cls, name: str, device: torch.device, dtype: torch.dtype) -> PromptWriter:
        """From a hub id or a folder.

        Raises:
            TaueError: if there is no such model.
        """
        from transformers import AutoModelForCausalLM, AutoTokenizer

        try:
            tokenizer = AutoTokenizer.from_pretrained(name)
            model: Any = AutoModelForCausalLM.from_pretrained(name, dtype=dtype)
        except Exception as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), "")
            raise TaueError(
                f"prompt-model {name!r} cannot be loaded ({type(error).__name__}: "
                f"{reason.strip().rstrip('.')[:160]}); name a hub id or a folder, "
                "or give the prompts by --prompts."
            ) from error
        return cls(model.to(device), tokenizer)

    def __call__(self, question: str) -> Prompts | None:
        """Prompts for a question, or None if one of the three lines stays empty."""
        text, answers = self._opened(question), {}
        for name in LINES:
            text += f"{name.capitalize()}:"
            answer = self._line(text)
            if not answer:
                return None
            answers[name] = answer
            text += f" {answer}\n"
        return Prompts(**answers)

    def _opened(self, question: str) -> str:
        """The question up to where the model answers."""
        if not self.tokenizer.chat_template:
            return f"{question}\n\n"
        chat = [{"role": "user", "content": question}]
        return self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)

    @torch.no_grad()
    def _line(self, text: str) -> str:
        """How the model goes on, up to the end of the line; letters at least, without quotes."""
        special = not self.tokenizer.chat_template
        inputs = self.tokenizer(text, return_tensors="pt", add_special_tokens=special)
        inputs = {
            name: inputs[name].to(self.model.device) for name in ("input_ids", "attention_mask")
        }
        produced = self.model.generate(
            **inputs,
            max_new_tokens=MOST_TOKENS,
            do_sample=False,
            stop_strings=["\n"],
            tokenizer=self.tokenizer,
            pad_token_id=self.tokenizer.pad_token_id or self.tokenizer.eos_token_id,
        )[0, inputs["input_ids"].shape[1] :]
        answer = self.tokenizer.decode(produced, skip_special_tokens=True).partition("\n")[0]
        answer = " ".join(answer.split()).strip("\"'* ")
        return answer if any(letter.isalpha() for letter in answer) else ""


def loading(
    name: str, device: torch.device, dtype: torch.dtype
) -> Callable[[], Callable[[str], Prompts | None]]:
    """Loads the model when it is first called."""
    return lambda: PromptWriter.load(name, device, dtype)
