"""Prompts for annotated pictures: from a file, or written by a language model and kept in one.

Both files have one format, a line of JSON for each main object:
``{"annotation": 1, "foreground": "...", "background": "...", "scene": "...", "asked": "..."}``,
where ``asked`` (the digest of what the model was asked) stands in written ones alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from taue.disk.limits import read_bytes
from taue.errors import TaueError
from taue.evaluation.checked import parsed
from taue.evaluation.dataset import Prompts

TEMPLATE = "prompt_template.txt"


class PromptsLine(Prompts):
    """A line of a prompts file."""

    annotation: int
    asked: str | None = None

    @property
    def prompts(self) -> Prompts:
        return Prompts(foreground=self.foreground, background=self.background, scene=self.scene)


@dataclass(frozen=True)
class Question:
    """What prompts are written from: an annotation's id, its category and a caption, if any."""

    annotation: int
    category: str
    caption: str | None

    @property
    def text(self) -> str:
        """The template, filled in."""
        caption = self.caption or f"a picture of one {self.category}"
        return template().replace("{category}", self.category).replace("{caption}", caption)


Writer = Callable[[str], Prompts | None]
"""From a question's text to prompts, or None if there is no usable answer."""


@cache
def template() -> str:
    """The instruction for the language model, with ``{category}`` and ``{caption}``."""
    return resources.files("taue.evaluation").joinpath(TEMPLATE).read_text(encoding="utf-8")


def read_prompts(path: Path) -> dict[int, Prompts]:
    """Prompts by annotation.

    Raises:
        TaueError: if the file is missing, or a line is none.
    """
    lines = enumerate(read_bytes(path).splitlines(), 1)
    read = [
        parsed(line, PromptsLine, f"prompts {str(path)!r}, line {i},") for i, line in lines if line
    ]
    return {line.annotation: line.prompts for line in read}


def written_prompts(
    questions: Iterable[Question], model: str, cache_file: Path, writer: Callable[[], Writer]
) -> Iterator[tuple[Question, Prompts | None]]:
    """Each question with its prompts, asked for only if the cache has no answer yet.

    Answers are appended as they come, so that a run that was killed goes on where it was; a line
    that it left unfinished is written anew.

    Args:
        questions: of all pictures.
        model: whose answers they are.
        cache_file: made if it is missing.
        writer: called once, when the first question has to be asked: it loads the model.

    Raises:
        TaueError: if the cache cannot be read or written.
    """
    known = _cached(cache_file)
    ask: Writer | None = None
    for question in questions:
        asked = digest(question, model)
        if (line := known.get(question.annotation)) is not None and line.asked == asked:
            yield question, line.prompts
            continue
        ask = ask or writer()
        prompts = ask(question.text)
        if prompts is not None:
            told = prompts.model_dump()
            _append(cache_file, PromptsLine(annotation=question.annotation, asked=asked, **told))
        yield question, prompts


def digest(question: Question, model: str) -> str:
    """Tells whether an answer is still one to this question, by this model."""
    return hashlib.sha256(f"{model}\n{question.text}".encode()).hexdigest()[:16]


def _cached(path: Path) -> Mapping[int, PromptsLine]:
    """The whole lines of a cache, the last one for each annotation."""
    if not path.exists():
        return {}
    content = read_bytes(path)
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        _rewrite(path, whole)
    lines = enumerate(whole.splitlines(), 1)
    read = [parsed(line, PromptsLine, f"prompts {str(path)!r}, line {i},") for i, line in lines]
    return {line.annotation: line for line in read}


def _rewrite(path: Path, content: bytes) -> None:
    from taue.disk.writing import whole_file

    with whole_file(path) as stream:
        stream.write(content)


def _append(path: Path, line: PromptsLine) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            stream.write(line.model_dump_json().encode() + b"\n")
    except OSError as error:
        raise TaueError(
            f"prompt-cache {str(path)!r} cannot be written ({error.strerror}); name another file."
        ) from error
