"""paddy's tokenizers: CLIP's byte-level BPE, trained on paddy's own captions.

Every word of the vocabulary becomes one token; any other text still encodes, byte by byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from taue.paddy.architecture import MAX_TOKENS

START, END, WORD_END = "<|startoftext|>", "<|endoftext|>", "</w>"


def train_tokenizers(words: Iterable[str]) -> tuple[CLIPTokenizer, CLIPTokenizer]:
    """SDXL's pair of tokenizers over one vocabulary: they differ in their padding token only.

    Raises:
        ValueError: if a word does not become a single token.
    """
    words = sorted(set(words))
    bpe = Tokenizer(models.BPE(end_of_word_suffix=WORD_END))
    bpe.normalizer = normalizers.Lowercase()
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[\p{L}]+|[^\s]"), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(
        words,
        trainers.BpeTrainer(
            vocab_size=10_000,
            min_frequency=1,
            end_of_word_suffix=WORD_END,
            initial_alphabet=symbols,
            # Named here, because symbols that end words are otherwise numbered as they come out of
            # a hash map: differently in every process, and ties between merges with them.
            special_tokens=[symbol + WORD_END for symbol in symbols],
            show_progress=False,
        ),
    )
    trained = json.loads(bpe.to_str())["model"]
    vocab: dict[str, int] = dict(trained["vocab"])
    for special in (START, END):
        vocab[special] = len(vocab)
    merges = [tuple(merge) for merge in trained["merges"]]

    def tokenizer(pad: str) -> CLIPTokenizer:
        made = CLIPTokenizer(vocab=vocab, merges=merges, pad_token=pad)
        made.model_max_length = MAX_TOKENS
        return made

    pair = tokenizer(END), tokenizer("!")
    for word in words:
        if len(pair[0].tokenize(word)) != 1:
            raise ValueError(f"the word {word!r} is not a single token")
    return pair
