"""Reads broken files under a limit on memory; run as a script, so that the limit is its own.

    python hostile.py FOLDER

Prints a JSON line per kind of file: how many were read, how many refused, the slowest in seconds.
"""

import json
import os
import resource
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np

from taue.errors import TaueError
from taue.files.layered import flatten_file
from taue.files.saved import read_pictures

MEMORY = 2 * 2**30
SEEDS = {"x.psd": 240, "x.ora": 240, "result/composite.png": 120}


def mutate(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut it off, change bytes (headers more often), or move a piece of it."""
    kind = rng.integers(4)
    if kind == 0:
        return data[: rng.integers(len(data))]
    changed = bytearray(data)
    if kind == 3:
        start, to = rng.integers(0, len(data), 2)
        piece = data[start : start + rng.integers(1, 200)]
        changed[to : to + rng.integers(200)] = piece
        return bytes(changed)
    end = len(data) if kind == 1 else min(len(data), 600)
    extremes = (0, 1, 127, 128, 255)
    for place in rng.integers(0, end, rng.integers(1, 12)):
        changed[place] = extremes[rng.integers(5)] if rng.random() < 0.5 else rng.integers(256)
    return bytes(changed)


def main(folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    rng = np.random.default_rng(11)
    for name, count in SEEDS.items():
        path, slowest = folder / name, 0.0
        seen = Counter(read=0, refused=0)
        whole = path.read_bytes()
        for _ in range(count):
            path.write_bytes(mutate(whole, rng))
            began = time.process_time()
            try:
                if path.suffix == ".png":
                    read_pictures(path.parent)
                else:
                    flatten_file(path)
            except TaueError:
                seen["refused"] += 1
            else:
                seen["read"] += 1
            slowest = max(slowest, time.process_time() - began)
        path.write_bytes(whole)
        print(json.dumps({"name": name, "slowest": slowest, **seen}))
    print(json.dumps({"name": "memory", "MiB": largest_memory() // 1024}))


def largest_memory() -> int:
    """The most KiB that this program held. Linux lets it inherit in ``ru_maxrss`` what the process
    that started it held, so its own is read where it is told."""
    status = Path("/proc/self/status")
    if status.exists():
        told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(told["VmHWM"].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(Path(sys.argv[1]))
