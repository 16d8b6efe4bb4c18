"""A random Phi-3 of the real class, saved to a folder with a tokenizer of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PHI_CHAT = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + "
    "'<|end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)


def save_phi(folder: Path, seed: int = 0, *, silent: bool = False) -> Path:
    """Save it; a ``silent`` one says nothing but full stops."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Phi3Config, Phi3ForCausalLM, PreTrainedTokenizerFast

    inner: Any = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer: Any = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|endoftext|>", "<|end|>", "<|user|>", "<|assistant|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(
        ["a red apple on a sunny beach, Foreground: Background: Scene:"], trainer
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token="<|endoftext|>", pad_token="<|endoftext|>"
    )
    tokenizer.chat_template = PHI_CHAT
    tokenizer.save_pretrained(folder)
    config = Phi3Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Phi3ForCausalLM(config)
    if silent:
        with torch.no_grad():
            model.lm_head.weight.zero_()
            model.model.norm.weight.zero_()
        # With all logits equal the first token wins, which is the end of the text.
    model.save_pretrained(folder)
    return folder
