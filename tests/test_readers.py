"""Readers that are not ours show the composite: ImageMagick, GIMP and Krita.

``tests/install_readers.sh``, which ``make test`` calls, installs them where apt can.
"""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from made_scenes import overlapping
from taue.files.layered import save
from taue.stack import Stack, exact

PATIENCE = 600
GIMP = """(let* ((image (car (gimp-file-load RUN-NONINTERACTIVE "x.psd" "x.psd")))
                 (flat (car (gimp-image-flatten image))))
  (file-png-save RUN-NONINTERACTIVE image flat "gimp.png" "gimp.png" 0 9 0 0 0 0 0))"""


@pytest.fixture(scope="module")
def stack() -> Stack:
    return exact(overlapping())


@pytest.fixture(scope="module")
def folder(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds x.psd and x.ora, of one stack of two subjects that overlap."""
    made = tmp_path_factory.mktemp("layered")
    for ending in ("psd", "ora"):
        save(stack, made / f"x.{ending}")
    return made


def call(*command: str, folder: Path, needs: str) -> str:
    """Run a reader in the folder; what it said."""
    if shutil.which(needs) is None:
        if shutil.which("apt-get"):
            pytest.fail(f"{needs} is missing; run tests/install_readers.sh.")
        pytest.skip(f"{needs} is missing, and there is no apt-get to install it with.")
    home = folder / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr


def error(path: Path, truth: np.ndarray, said: str) -> int:
    """The largest difference, in 1/255."""
    assert path.exists(), said
    with Image.open(path) as image:
        shown = np.asarray(image.convert("RGB")).astype(int)
    return int(np.abs(shown - truth).max())


@pytest.mark.slow
def test_imagemagick_shows_the_merged_picture_and_the_same_from_layers(
    stack: Stack, folder: Path
) -> None:
    said = call("convert", "x.psd[0]", "png24:merged.png", folder=folder, needs="identify")
    assert error(folder / "merged.png", stack.merged, said) == 0
    over = ("-background", "none", "-layers", "merge", "+repage", "png24:layers.png")
    said = call("convert", "x.psd[1--1]", *over, folder=folder, needs="identify")
    assert error(folder / "layers.png", stack.merged, said) <= 1


@pytest.mark.slow
def test_imagemagick_finds_every_layer(stack: Stack, folder: Path) -> None:
    said = call("identify", "-format", "%s %w %h %X %Y\n", "x.psd", folder=folder, needs="identify")
    places = sorted(tuple(map(int, line.split()[1:])) for line in said.splitlines()[1:])
    expected = [
        (right - left, bottom - top, left, top)
        for left, top, right, bottom in (layer.bounds for layer in stack.layers)
    ]
    assert places == sorted(expected)
    number = [layer.role for _, group in stack.groups() for layer in group].index("subject")
    subject = [layer for _, group in stack.groups() for layer in group][number]
    call("convert", f"x.psd[{number + 1}]", "png32:subject.png", folder=folder, needs="identify")
    with Image.open(folder / "subject.png") as image:
        np.testing.assert_array_equal(np.asarray(image), subject.cropped)


@pytest.mark.slow
def test_gimp_shows_the_composite(stack: Stack, folder: Path) -> None:
    """From PSD: GIMP 2.10's reader of ORA needs Python 2, which Debian 12 no longer has."""
    batch = ("-b", GIMP, "-b", "(gimp-quit 0)")
    said = call("gimp", "-n", "-i", "-d", "-f", *batch, folder=folder, needs="gimp")
    assert error(folder / "gimp.png", stack.merged, said) <= 1


@pytest.mark.slow
def test_krita_shows_the_composite(stack: Stack, folder: Path) -> None:
    """Both files on one display: a second one may come while the first is being taken down.

    Krita has no other platform than a display, and may ask for it before it is there.
    """
    export = "krita --nosplash --export --export-filename krita-{0}.png x.{0}"
    patient = f"for again in 1 2 3 4 5; do {export} && break; sleep 2; done"
    both = "; ".join(patient.format(ending) for ending in ("psd", "ora"))
    said = call("xvfb-run", "-a", "sh", "-c", both, folder=folder, needs="krita")
    for ending in ("psd", "ora"):
        assert error(folder / f"krita-{ending}.png", stack.merged, said) <= 2
