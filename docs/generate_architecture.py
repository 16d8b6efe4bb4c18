"""Write ``docs/architecture.md`` and its picture from the imports of the package.

python docs/generate_architecture.py
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src/taue"
PAGE, PICTURE = ROOT / "docs/architecture.md", ROOT / "docs/figures/architecture.png"

WAY = (
    ("cli", "app", "a prompt is typed"),
    ("commands/generate", "generate", "options become a scene"),
    ("run", "make", "model and scheduler are loaded for the scene"),
    ("pipeline", "TauePipeline", "the call makes a request of it and gives it a backbone"),
    ("generation", "Generation", "prompts are encoded once, stages follow each other"),
    ("stages", "composite", "a stage is rows of one kind"),
    ("cultivate", "cultivate", "the loop: predict all rows, hold what is planted, step"),
    ("transplant", "Held", "which cells follow which seedling's line"),
    ("equations", "transplant", "the formula"),
)
"""From the command line to an equation: module, what to read in it, what happens there."""

HEAD = """# Architecture

Rooms are the packages in `src/taue` and the modules beside them. Imports point one way: a room
imports only from levels below its own. What a function imports when it is called (heavy libraries,
the writers behind `Layers.save`) waits and does not count. Drawn from the code by
`docs/generate_architecture.py`; a test fails if this page is old or imports run in a circle.

![Rooms by level; arrows for imports that go by way of no other](figures/architecture.png)

"""


def rooms() -> dict[str, set[str]]:
    """What each room imports when it is imported; imports within functions wait and do not
    count."""
    files = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]
    names = {_room(path.relative_to(PACKAGE)) for path in files}
    found: dict[str, set[str]] = {name: set() for name in names}
    for path in files:
        room = _room(path.relative_to(PACKAGE))
        for module in _imported(path):
            parts = module.split(".")
            if parts[0] == "taue" and len(parts) > 1 and parts[1] in names:
                found[room].add(parts[1])
        found[room].discard(room)
    return found


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
    return HEAD + "\n".join(lines) + "\n"


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
        for need in _direct(room, imports):
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
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "taue":
            found |= {f"taue.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


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
    PAGE.write_text(page(), encoding="utf-8")
    draw(PICTURE)
