"""Do the tests notice? Faults planted one at a time in loop, transplant, masks and attention.

python -m benchmarks.mutants [NUMBER ...]

Each fault changes one expression of a copy of the package and runs the tests that are about it; a
fault that they pass with lives.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).parent.parent
ROWS, TRANSPLANT, MASKS = "tests/test_rows.py", "tests/test_transplant.py", "tests/test_masks.py"
ATTENTION, JOINT = "tests/test_attention.py", "tests/test_joint_attention.py"
PARITY = "tests/test_parity.py"
HOLE = "tests/test_layering.py::test_a_hole_in_a_subject_on_its_fresh_key_stays_a_hole"
PNDM = "tests/test_families.py::test_pndm_is_sd15s_own_and_goes_on_from_a_harvest"


@dataclass(frozen=True)
class Mutant:
    """``was``, which stands once in the file ``where`` of the package, becomes ``now``; ``tests``
    are to notice."""

    where: str
    was: str
    now: str
    tests: tuple[str, ...]


MUTANTS = (
    # The loop.
    Mutant("cultivate", "interrupted |= step", "interrupted = step", (ROWS,)),
    Mutant("cultivate", "* own / sum(samples)", "/ len(growing)", (ROWS,)),
    Mutant("cultivate", "if one.index == one.solver.levels.count:", "if False:", (ROWS,)),
    Mutant("cultivate", "(one.row.stage, one.index), []", "(one.row.stage, 0), []", (ROWS,)),
    Mutant("cultivate", "if begun in span]", "if begun <= span.stop]", (ROWS,)),
    Mutant("growth", "self.row.listen_to if self.heard <= self.index < self.crop else ()",
           "self.row.listen_to", (ROWS,)),
    Mutant("growth", "self.index >= self.release:", "self.index > self.release:", (TRANSPLANT,)),
    Mutant("growth", "if index <= self.crop and", "if index < self.crop and", (TRANSPLANT,)),
    Mutant("growth", "return 0 if self.continues else", "return 1 if self.continues else", (ROWS,)),
    Mutant("growth", "unit = self.latents / level.noise", "unit = self.latents", (ROWS,)),
    Mutant("growth", "            self.solver.begin(self.index)\n", "", (PNDM,)),
    Mutant("growth", "max((of(s, waits) + growths[s].to_harvest", "max((of(s, waits)", (ROWS,)),
    Mutant("solver", '{"generator": generator} if draws else {}', "{}", (PARITY,)),
    # The transplant.
    Mutant("transplant", "yield Hold(self.region, self._line(live), blended=index < self.held)",
           "yield Hold(self.region, self._line(live), blended=True)", (TRANSPLANT,)),
    Mutant("transplant", "if index <= self.crop or index < self.held:", "if index < self.held:",
           (TRANSPLANT,)),
    Mutant("transplant", "self.core = self.region * (grow(1 - region) == 0)",
           "self.core = self.region", (TRANSPLANT,)),
    Mutant("transplant", "            if index > self.crop:\n", "            if True:\n",
           (TRANSPLANT,)),
    Mutant("transplant", "if not self.levels.flows:", "if True:", (TRANSPLANT,)),
    Mutant("transplant", "crop + 1 if settings.hold_crop_step else crop", "crop", (TRANSPLANT,)),
    Mutant("transplant", "extended = equations.extend_edges(denoised, mask)",
           "extended = denoised", (TRANSPLANT,)),
    # The masks.
    Mutant("masks", "min(ring.quantile(0.75).item(), UNEVEN * ring.median().item())",
           "ring.quantile(0.75).item()", (MASKS,)),
    Mutant("masks", "[:, away <= STRANGE * away.median()]", "", (MASKS,)),
    Mutant("masks", "if object_ < LEAST_CONTRAST * spread or not mask.any():",
           "if not mask.any():", (MASKS,)),
    Mutant("masks", "ndimage.binary_fill_holes(coloured.numpy()) if solid else coloured.numpy()",
           "coloured.numpy()", (MASKS,)),
    Mutant("masks", "np.isin(parts, chosen[chosen > 0])", "np.isin(parts, chosen)", (MASKS,)),
    # Attention.
    Mutant("backbones/listening", "first = len(batch) - self.rows", "first = 0", (ATTENTION,)),
    Mutant("backbones/cross_attention", "[:, : self.tap.length]", "", (ATTENTION,)),
    Mutant("backbones/guided", "own.new_zeros(self.most", "own.new_ones(self.most", (ROWS,)),
    Mutant("backbones/joint_attention", ".to(text) * NEVER", ".to(text) * 0", (JOINT,)),
    Mutant("backbones/guided", "torch.stack(masks)[self.rows]",
           "torch.stack(masks)[[0] * len(self.rows)]", (ROWS,)),
)  # fmt: skip
"""Thirty of these rooms. What listens after the harvest was once ``tap.enabled = True``."""

BESIDE = (
    Mutant("stages", "solid=not finished", "solid=True", (ROWS,)),
    Mutant("layering", "hint, settings, solid=False)", "hint, settings, solid=True)", (HOLE,)),
)
"""Two of the rooms around them."""


def main(
    numbers: Annotated[list[int] | None, typer.Argument(help="From 0; all without.")] = None,
) -> None:
    """Plant faults, and count those that the tests notice."""
    everything = (*MUTANTS, *BESIDE)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("src", "tests", "benchmarks", "docs"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", copy)
        noticed = [reported(number, copy) for number in numbers or range(len(everything))]
    typer.echo(f"caught {sum(noticed)} of {len(noticed)}")


def reported(number: int, copy: Path) -> bool:
    """Whether the tests notice a fault, said in a line."""
    one = (*MUTANTS, *BESIDE)[number]
    noticed = caught(one, copy)
    typer.echo(f"{number} {'caught' if noticed else 'LIVES'} {one.where}: {one.was.strip()}")
    return noticed


def caught(one: Mutant, copy: Path) -> bool:
    """Whether tests fail on a copy of the repository with a fault; it is taken out again.

    Raises:
        ValueError: if the fault cannot be planted, or the tests neither passed nor failed.
    """
    path = copy / f"src/taue/{one.where}.py"
    whole = path.read_text(encoding="utf-8")
    if whole.count(one.was) != 1:
        raise ValueError(f"{one.where} has {one.was!r} {whole.count(one.was)} times, not once")
    path.write_text(whole.replace(one.was, one.now), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        done = subprocess.run(  # noqa: S603 - ours
            [*command, *one.tests],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy / "src")},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        path.write_text(whole, encoding="utf-8")
    if done.returncode not in (0, 1):
        raise ValueError(f"the tests of {one.where} did not run: {done.stdout[-400:]}")
    return done.returncode == 1


if __name__ == "__main__":
    typer.run(main)
