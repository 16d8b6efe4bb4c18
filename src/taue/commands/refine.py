"""``taue regrow``: a result whose subjects are drawn anew, added, removed, ordered or edited."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from taue.box import Box
from taue.commands.asked import Several
from taue.commands.conventions import Device, Dtype, Memory, NewFolder, Overwrite
from taue.commands.growing import foregrounds_of, grow_result, scene_told
from taue.commands.options import box_from, require_one_each
from taue.commands.output import tell, tell_fields, tell_path
from taue.commands.regrow import Result, subject_number
from taue.devices import Machine
from taue.errors import TaueError
from taue.readable import counted
from taue.scene import Scene, Subject

if TYPE_CHECKING:
    from taue.commands.growing import Grow
    from taue.layers import Layers


@dataclass(frozen=True)
class Changes:
    """What is asked for: subjects by name or number, in the order in which it is done."""

    file: Path | None
    remove: Sequence[str]
    rename: Sequence[str]
    subject: Sequence[str]
    add: Sequence[Subject]
    order: Sequence[str]
    seed: int | None

    @property
    def only_names(self) -> bool:
        """Whether no pixel changes."""
        others = (self.remove, self.subject, self.add, self.order)
        return bool(self.rename) and self.file is None and not any(others)


def regrow_result(
    folder: Result,
    *,
    out: NewFolder,
    subject: Annotated[
        Several,
        typer.Option(help="Which is drawn anew, where it is: a number or name; may be repeated."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help="Of the noise of subjects that are drawn anew or added; one more than before, or "
            "the scene's, if absent."
        ),
    ] = None,
    add: Annotated[
        Several, typer.Option(help="What stands in front besides; once for each, later nearer.")
    ] = None,
    box: Annotated[
        Several,
        typer.Option(metavar="X,Y,W,H", help="Where it goes; once for each that is added."),
    ] = None,
    name: Annotated[
        Several, typer.Option(help="What its files are called; once for each that is added.")
    ] = None,
    remove: Annotated[
        Several, typer.Option(help="Which goes: a number or name; may be repeated.")
    ] = None,
    rename: Annotated[
        Several,
        typer.Option(
            metavar="OLD=NEW", help="Another name; alone it changes no pixel. May be repeated."
        ),
    ] = None,
    order: Annotated[
        Several,
        typer.Option(help="All subjects by number or name, once for each, the farthest first."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="The result's .psd or .ora as you edited it: moved, changed and removed subjects, "
            "their order and the background count; light and shadow are made anew.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    memory: Memory = "normal",
) -> None:
    """Change single subjects of a result; all else stays, and light and shadow follow."""
    began = time.perf_counter()
    added = _added(add or [], box, name)
    given = [remove or [], rename or [], subject or []]
    changes = Changes(file, given[0], given[1], given[2], added, order or [], seed)
    if file is None and not any((*given, added, order)):
        raise TaueError(
            "nothing is to be changed; give --subject, --add, --remove, --rename, --order or "
            "--from."
        )
    old = Scene.load(folder)
    if changes.only_names:
        _rename(folder, old, changes.rename, out, overwrite=overwrite)
        return
    from taue.layers import Layers

    scene, said = _wanted(Layers.load(folder), changes)
    for line in said:
        tell(line)

    def prepare() -> Grow:
        from taue import run

        return lambda pipe, bars: run.make(pipe, scene, bars)

    growing = foregrounds_of(scene)
    grow_result(
        scene, prepare, growing, out, Machine(device, dtype, memory), began, overwrite=overwrite
    )
    tell_fields(changes=said)


def _wanted(layers: Layers, changes: Changes) -> tuple[Scene, list[str]]:
    """The scene as it shall be, and what is to be said of it."""
    from taue import refining
    from taue.edits import edits_of

    old, said = layers.made_scene, list[str]()
    scene, numbers = refining.kept(layers), list(range(1, len(old.subjects) + 1))
    if changes.file is not None:
        edits = edits_of(changes.file, layers.stack())
        scene, said = refining.edited(layers, edits), list(edits.said)
        numbers = [one.number for one in edits.subjects]
        if numbers != sorted(numbers):
            said.append("subjects are in another order.")
        if not said:
            raise TaueError(f"file {str(changes.file)!r} shows nothing that was changed.")
    subjects = dict(zip(numbers, scene.subjects, strict=True))

    def there(told: str) -> int:
        number = subject_number(old, told)
        if number not in subjects:
            raise TaueError(f"subject {told!r} was removed; leave it out.")
        return number

    for told in changes.remove:
        del subjects[there(told)]
    for number, name in _names(old, changes.rename).items():
        place = there(str(number))
        subjects[place] = refining.renamed(subjects[place], name)
    for told in changes.subject:
        number = there(told)
        before = old.subjects[number - 1].seed
        fresh = (old.seed if before is None else before) + 1
        subjects[number] = refining.anew(
            subjects[number], fresh if changes.seed is None else changes.seed
        )
    scene = refining.arranged(scene, [*subjects.values(), *changes.add])
    return (
        refining.arranged(scene, _ordered(scene, changes.order)) if changes.order else scene
    ), said


def _ordered(scene: Scene, order: Sequence[str]) -> list[Subject]:
    numbers = [subject_number(scene, told) for told in order]
    if sorted(numbers) != list(range(1, len(scene.subjects) + 1)):
        raise TaueError(
            f"order has {len(order)} of {counted(len(scene.subjects), 'subject')}; give each of "
            "them once, the farthest first."
        )
    return [scene.subjects[number - 1] for number in numbers]


def _added(prompts: Sequence[str], boxes: Several, names: Several) -> list[Subject]:
    """What is added; each option is given once for each."""
    if boxes is not None:
        require_one_each("box", boxes, len(prompts))
    if names is not None:
        require_one_each("name", names, len(prompts))
    places = [Box(*box_from(text)) for text in boxes or []] or [None] * len(prompts)
    called = list(names or []) or [None] * len(prompts)
    return [
        Subject(prompt, box=box, name=name)
        for prompt, box, name in zip(prompts, places, called, strict=True)
    ]


def _names(scene: Scene, rename: Sequence[str]) -> dict[int, str]:
    """New names by number."""
    found: dict[int, str] = {}
    for text in rename:
        old, sign, new = text.partition("=")
        if not (sign and old and new.strip()):
            raise TaueError(f"rename is {text!r}; give OLD=NEW, for example 1=apple.")
        found[subject_number(scene, old)] = new
    return found


def _rename(folder: Path, old: Scene, rename: Sequence[str], out: Path, *, overwrite: bool) -> None:
    """The same result under other names; nothing is drawn."""
    from dataclasses import replace

    from taue.commands.goals import check_folder
    from taue.files.made import RESULT
    from taue.files.saved_report import read_report
    from taue.layers import Layers, SubjectLayer
    from taue.refining import arranged, renamed
    from taue.results.folder import write_result

    names = _names(old, rename)
    subjects = [
        renamed(one, names[number]) if number in names else one
        for number, one in enumerate(old.subjects, 1)
    ]
    scene = arranged(old, subjects)
    check_folder(out, RESULT, overwrite=overwrite)
    layers, report = Layers.load(folder), read_report(folder)
    pairs = zip(subjects, layers.subjects, strict=True)
    layers = replace(
        layers, scene=scene, subjects=[SubjectLayer(one, layer.image) for one, layer in pairs]
    )
    report["settings"]["subjects"] = scene.to_dict()["subjects"]
    for path in write_result(layers, report, out, overwrite=overwrite):
        tell_path(path)
    tell_fields(scene=scene_told(layers, out))
