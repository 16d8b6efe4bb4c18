"""Write ``docs/architecture.md`` and its picture from the imports of the package.

python docs/generate_architecture.py [--measure]
"""

from __future__ import annotations

import ast
import json
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src/taue"
NUMBERS = ROOT / "docs/architecture.json"
RECORDED = ROOT / "docs/recorded.json"
"""What was measured before the rooms were made and since; ``--measure`` counts anew."""

PAGE, PICTURE = ROOT / "docs/architecture.md", ROOT / "docs/figures/architecture.png"

WAY = (
    ("cli", "app", "a prompt is typed"),
    ("commands/generate", "generate", "options become a scene"),
    ("scene/model", "Scene", "a request, and what draws it: model, scheduler, seed"),
    ("run", "make", "model and scheduler are loaded for the scene"),
    ("pipeline", "TauePipeline", "the request is put on a canvas and given a backbone"),
    ("generation", "Generation", "prompts are encoded once, stages follow each other"),
    ("stages", "composite", "a stage is rows of one kind"),
    ("cultivate", "cultivate", "the loop: predict all rows, hold what is planted, step"),
    ("transplant", "Held", "which cells follow which seedling's line"),
    ("equations/paper", "transplant", "the formula"),
)
"""From the command line to an equation: module, what to read in it, what happens there."""

FORMS = (
    ("scene/model", "Scene"),
    ("context", "SubjectCondition"),
    ("backbones/base", "Encoded"),
    ("backbones/base", "Conditioning"),
    ("rows", "Row"),
)
"""What holds a part of a request on its way, after the options: its one form, then prompts that
were encoded, and what the loop takes."""

HEAD = """# Architecture

Rooms are the packages in `src/taue` and the modules beside them. Imports point one way: a room
imports only from levels below its own, and those that wait until a function is called (heavy
libraries, the writers behind `Layers.save`) do so, too. Drawn from the code by
`docs/generate_architecture.py`; a test fails if this page is old or imports run in a circle.

![Rooms by level; arrows for imports that go by way of no other](figures/architecture.png)

"""


def rooms() -> dict[str, set[str]]:
    """What each room imports, at once or when a function is called."""
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]
    names = sorted({_room(path.relative_to(PACKAGE)) for path in files})
    found: dict[str, set[str]] = {name: set() for name in names}
    for path in files:
        room = _room(path.relative_to(PACKAGE))
        for module in _imported(path):
            parts = module.split(".")
            if parts[0] == "taue" and len(parts) > 1 and parts[1] in names:
                found[room].add(parts[1])
        found[room].discard(room)
    return found


def modules() -> dict[str, set[str]]:
    """What each module imports of the package, at once or when a function is called."""
    paths = {
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }
    return {name: (_imported(path) & paths.keys()) - {name} for name, path in paths.items()}


def levels(imports: dict[str, set[str]]) -> list[list[str]]:
    """Rooms by how far they are from those that import none, these first.

    Raises:
        ValueError: if imports run in a circle.
    """
    left, done, found = dict(imports), set[str](), list[list[str]]()
    while left:
        level = sorted(room for room, needs in left.items() if needs <= done)
        if not level:
            raise ValueError(f"imports run in a circle among {', '.join(sorted(left))}")
        found.append(level)
        done |= set(level)
        left = {room: needs for room, needs in left.items() if room not in done}
    return found


def page() -> str:
    """The page, from the code as it is."""
    imports = rooms()
    lines = ["| level | rooms |", "|---|---|"]
    for number, level in reversed(list(enumerate(levels(imports)))):
        lines.append(f"| {number} | {', '.join(_linked(room) for room in level)} |")
    lines += ["", "## From a prompt to an equation", ""]
    for number, (module, name, what) in enumerate(WAY, 1):
        path = PACKAGE / f"{module}.py"
        if name not in _defined(path):
            raise ValueError(f"{module}.py defines no {name}")
        lines.append(f"{number}. [`{module}.py`](../src/taue/{module}.py), `{name}`: {what}")
    return HEAD + "\n".join([*lines, "", *measures()]) + "\n"


def measures() -> list[str]:
    """What changed when the rooms were made."""
    told = json.loads(NUMBERS.read_text(encoding="utf-8"))
    before, now = told["before"], told["now"]
    lines = ["## Before and after", "", f"Before is commit {told['commit']}; counted, not guessed,"]
    lines += ["by `python docs/generate_architecture.py --measure` where no command is named.", ""]
    lines += [
        "Faults are single changes of an expression in loop, transplant, masks and attention,"
    ]
    lines += [
        "each planted alone; the tests of its room run until one fails. Two more, `solid=True`"
    ]
    lines += ["where holes are told, stand beside the thirty and are noticed, too.", ""]
    lines += ["| | before | now |", "|---|---|---|"]
    lines += [f"| {what} | {before.get(what, '-')} | {value} |" for what, value in now.items()]
    lines += ["", "| room | files, lines before | now |", "|---|---|---|"]
    then, here = told["rooms"]
    for room in sorted({*then, *here}, key=lambda room: (room == "benchmarks", room)):
        one, other = (", ".join(map(str, rooms.get(room, ("-",)))) for rooms in (then, here))
        lines.append(f"| {room} | {one} | {other} |")
    return [*lines, "", *same_pictures(told["commit"])]


def same_pictures(commit: str) -> list[str]:
    """How far what is drawn is from what was drawn before."""
    told = json.loads(RECORDED.read_text(encoding="utf-8"))
    if told["commit"] != commit:
        raise ValueError(f"{RECORDED.name} is of {told['commit']}, not of {commit}")
    results, largest = told["results"], told["largest"]
    equal = sum(row["masks"] == 0 for row in results.values())
    said = (
        f"Twenty scenes and what was made of three of them ({len(results)} results, eight "
        "schedulers, one to four subjects, moved or before another background), drawn by the old "
        "package and by this one with equal settings: every step in every stage, the harvest at "
        f"the same step. Pictures of the three stages are at most {largest['stages']:.2g}/255 "
        f"apart, their latents {max(largest['latents'], 1e-4):.1g}, and {equal} of "
        f"{len(results)} results "
        "have equal masks. What differs on purpose: without such settings `balanced` leaves out "
        "steps, and the harvest is at a level of noise, not after a number of steps. Layers "
        "(cut-outs, subjects grown again, shadows) are made otherwise since."
    )
    command = f"    python -m benchmarks.recorded compare docs/recorded.json --commit {commit}"
    return ["## The same pictures", "", command, "", *textwrap.wrap(said, 100)]


def measure() -> None:
    """Count what can be counted, and keep it."""
    for module, name in FORMS:
        if name not in _defined(PACKAGE / f"{module}.py"):
            raise ValueError(f"{module}.py defines no {name}")
    for imports in (rooms(), modules()):
        levels(imports)  # or there is a circle
    told = json.loads(NUMBERS.read_text(encoding="utf-8"))
    told["now"] |= {
        "forms of a request": f"{len(FORMS) + 1}: option dict, "
        + ", ".join(name for _, name in FORMS),
        "import circles": "0",
        "longest function": f"{longest('commands')} (options); {longest()} else",
        "longest function without signature and docstring": f"{longest('commands', body=True)}; "
        f"{longest(body=True)} else",
        "constants of the matte": constants(PACKAGE / "matte"),
    }
    told["rooms"][1] = sizes()
    NUMBERS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def longest(within: str | None = None, *, body: bool = False) -> str:
    """The longest function of a package, or of everything but commands; of its ``body`` alone,
    without what it takes and the docstring."""
    found: list[tuple[int, str]] = []
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).parts
        if (parts[0] == "commands") != (within == "commands"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                first = node.body[1:][:1] if ast.get_docstring(node) else node.body[:1]
                start = first[0].lineno if body and first else node.lineno
                count = (node.end_lineno or 0) - start + 1
                found.append((count, f"`{'/'.join(parts)}`, `{node.name}`"))
    count, where = max(found)
    return f"{count} lines ({where})"


def constants(folder: Path) -> str:
    """How many numbers of modules are free, how many names follow from them, and how many numbers
    that are none of 0 to 3 (halves, squares, windows) stand in formulas and functions besides."""
    free = derived = other = 0
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = [
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign)
            and all(isinstance(one, ast.Name) and one.id.isupper() for one in node.targets)
        ]
        chosen = [v for v in named if not any(isinstance(part, ast.Name) for part in ast.walk(v))]
        free += sum(len(v.elts) if isinstance(v, ast.Tuple) else 1 for v in chosen)
        derived += len(named) - len(chosen)
        counted = {part for value in chosen for part in ast.walk(value)}
        other += sum(
            isinstance(part, ast.Constant)
            and type(part.value) in (int, float)
            and part.value not in {0, 1, 2, 3}
            for part in set(ast.walk(tree)) - counted
        )
    return f"{free} free, {derived} from others; {other} in formulas, but 0 to 3"


def sizes() -> dict[str, tuple[int, int]]:
    """Files and lines of each package, the modules beside them and the benchmarks."""
    found: dict[str, tuple[int, int]] = {}
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]:
        inside = path.is_relative_to(PACKAGE)
        folder = path.relative_to(PACKAGE).parent.as_posix() if inside else "benchmarks"
        room = "modules beside" if folder == "." else folder
        files, lines = found.get(room, (0, 0))
        count = len(path.read_text(encoding="utf-8").splitlines())
        found[room] = files + 1, lines + count
    return found


def draw(path: Path) -> None:
    """The rooms as a picture, the highest level on top."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    imports = rooms()
    places: dict[str, tuple[float, float]] = {}
    for height, level in enumerate(levels(imports)):
        for i, room in enumerate(level):
            places[room] = ((i + 0.5) / len(level), height)
    figure, axes = plt.subplots(figsize=(14, 11))
    for room in imports:
        for need in sorted(_direct(room, imports)):
            axes.annotate(
                "", places[need], places[room],
                arrowprops={"arrowstyle": "->", "color": "#9aa7b5", "lw": 0.6, "shrinkB": 9},
            )  # fmt: skip
    for room, (x, y) in places.items():
        colour = "#d9e8ff" if (PACKAGE / room).is_dir() else "#ffffff"
        box = {"boxstyle": "round", "facecolor": colour, "edgecolor": "#40526b"}
        axes.text(x, y, room, ha="center", va="center", fontsize=9, bbox=box)
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.6, len(levels(imports)) - 0.4)
    axes.axis("off")
    figure.savefig(path, dpi=80, bbox_inches="tight", metadata={"Software": None})


def _direct(room: str, imports: dict[str, set[str]]) -> set[str]:
    """What a room imports and none of its other imports leads to."""

    def reached(start: str) -> set[str]:
        return set.union(set(), *({need} | reached(need) for need in imports[start]))

    return imports[room] - set.union(set(), *(reached(need) for need in imports[room]))


def _room(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named = {f"{node.module}.{alias.name}" for alias in node.names}
            of_package = {name for name in named if _is_module(name)}
            found |= of_package
            if len(of_package) < len(named) and node.module != "taue":
                found.add(node.module)
    return found


def _is_module(name: str) -> bool:
    path = PACKAGE.parent / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or path.is_dir()


def _defined(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return found


def _linked(room: str) -> str:
    return f"[{room}](../src/taue/{room if (PACKAGE / room).is_dir() else room + '.py'})"


if __name__ == "__main__":
    if "--measure" in sys.argv:
        measure()
    PAGE.write_text(page(), encoding="utf-8")
    draw(PICTURE)
