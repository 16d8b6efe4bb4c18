"""What batches cost beside the scenes: by engine, by workers, and what a thousand GPUs would ask.

python -m benchmarks.batch_cost engines|scaling|thousand [OUT.json]

``engines``: a model that sleeps, results as large as SDXL's. ``scaling``: one and two workers of
one thread beside one and two bare loops of the same UNet, in turn. ``thousand``: the driver's parts
at 10^5 scenes, each timed alone.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.sleeping import MAKER
from taue.batch.driver import drive
from taue.batch.engines import StoreInProcess, StoreProcesses
from taue.batch.index import Index, part_of
from taue.batch.maker import Recipe
from taue.batch.plan import Task, portions, save_plan, tasks_of
from taue.batch.records import Kept, Marker
from taue.batch.rows import row_of
from taue.batch.scenes import read_scenes
from taue.batch.store import DONE, Store, ids_of, marker_name, result_name
from taue.batch.stores import open_store
from taue.devices import Machine
from taue.work.jobs import Outcome
from taue.work.queue import Queue

SLEEP, COUNT, SIDE = 3.0, 12, 1024
"""Seconds of a scene, how many of them, and pixels a side: SDXL's size, at less than its time."""


def asked_store(folder: Path, count: int, **fields: Any) -> tuple[Store, list[Task], float]:
    """A store that so many scenes are asked of; the seconds that reading them took."""
    file = folder / "scenes.jsonl"
    scene = {"background": "a beach", "subjects": [{"prompt": "a red ball"}], **fields}
    file.write_text(json.dumps({**scene, "seed": {"range": [1, count]}}))
    started = time.perf_counter()
    tasks = tasks_of(read_scenes(file))
    seconds = time.perf_counter() - started
    store = open_store(str(folder / "store"))
    store.prepare()
    save_plan(store, tasks)
    return store, tasks, seconds


def engines() -> dict[str, Any]:
    """Seconds of a scene that are neither sleep nor its pictures, by engine."""
    recipe = Recipe(maker=MAKER, options={"seconds": SLEEP, "side": SIDE})

    def ray(store: Store) -> Any:
        from taue.batch.ray_engine import RayActors

        return RayActors(store.where, recipe, "local", 2, 0.25)

    made: dict[str, Callable[[Store], Any]] = {
        "in this process": lambda store: StoreInProcess(store, recipe),
        "2 processes": lambda store: StoreProcesses(store.where, recipe, 2),
        "Ray, 2 actors": ray,
    }
    results: dict[str, Any] = {}
    for name, new in made.items():
        with tempfile.TemporaryDirectory() as folder:
            store, tasks, _ = asked_store(Path(folder), COUNT)
            engine, told = new(store), list[tuple[float, Outcome]]()
            drive(
                store, tasks, engine,
                lambda outcome, _, told=told: told.append((time.perf_counter(), outcome)),
            )  # fmt: skip
            outcomes = [(at, one) for at, one in told if one is not None]
            own = sum(one.seconds for _, one in outcomes)
            kept = statistics.mean(one.overhead for _, one in outcomes)
            workers = 1 if name == "in this process" else 2
            # From the first outcome on, when every worker is loaded.
            span = outcomes[-1][0] - outcomes[workers - 1][0]
            own -= sum(one.seconds for _, one in outcomes[:workers])
            beside = (span * workers - own) / (COUNT - workers)
            results[name] = {
                "seconds beside a scene": round(beside, 4),
                "of these in the store": round(kept, 4),
                "bytes of a result": outcomes[0][1].row["bytes"] if outcomes[0][1].row else None,
            }
    return results


def bare(steps: int, side: int, waiting: Any, answers: Any) -> None:
    """So many predictions of paddy's UNet, in one thread; the seconds that they took."""
    import torch

    from taue import TauePipeline

    torch.set_num_threads(1)
    pipe = TauePipeline.from_pretrained("paddy")
    backbone = pipe.backbone(side, side)
    inputs = torch.randn(backbone.shape).repeat(2, 1, 1, 1)
    unet = pipe.network
    text = torch.randn(2, 77, unet.config["cross_attention_dim"])
    more = {
        "text_embeds": torch.randn(2, pipe.text_encoder_2.config.projection_dim),
        "time_ids": torch.tensor([[side, side, 0, 0, side, side]] * 2),
    }
    with torch.no_grad():
        unet(inputs, 1, text, added_cond_kwargs=more)
        waiting.wait()
        started = time.perf_counter()
        for _ in range(steps):
            unet(inputs, 1, text, added_cond_kwargs=more)
    answers.put(time.perf_counter() - started)


def bare_seconds(workers: int, steps: int, side: int) -> float:
    """Until all of so many processes have made their share of the predictions."""
    context = multiprocessing.get_context("spawn")
    waiting, answers = context.Barrier(workers), context.Queue()
    some = [
        context.Process(target=bare, args=(steps // workers, side, waiting, answers))
        for _ in range(workers)
    ]
    for one in some:
        one.start()
    longest = max(answers.get() for _ in some)
    for one in some:
        one.join()
    return longest


def worker_seconds(workers: int, count: int, side: int) -> float:
    """Between the first outcome of the last worker that began and the end, for each scene."""
    recipe = Recipe(machine=Machine("cpu"), threads=1)
    with tempfile.TemporaryDirectory() as folder:
        fields = {"steps": 10, "method": "paper", "canvas": {"width": side, "height": side}}
        store, tasks, _ = asked_store(Path(folder), count, **fields)
        ended: list[float] = []
        drive(
            store, tasks, StoreProcesses(store.where, recipe, workers),
            lambda outcome, _: ended.append(time.perf_counter()) if outcome else None,
        )  # fmt: skip
    return (ended[-workers] - ended[workers - 1]) / (count - 2 * workers + 1)


def scaling(rounds: int = 3, side: int = 256) -> dict[str, Any]:
    """How much faster two workers are than one, and two bare loops than one, in turn."""
    ratios: dict[str, list[float]] = {"bare": [], "workers": []}
    for _ in range(rounds):
        one, two = bare_seconds(1, 120, side), bare_seconds(2, 120, side)
        ratios["bare"].append(one / two)
        one, two = worker_seconds(1, 9, side), worker_seconds(2, 17, side)
        ratios["workers"].append(one / two)
    medians = {name: round(statistics.median(some), 3) for name, some in ratios.items()}
    share = round(medians["workers"] / medians["bare"], 3)
    return {**medians, "share": share, "all": ratios}


def thousand(count: int = 100_000) -> dict[str, Any]:
    """The driver's parts, each alone; seconds and bytes for each scene unless said otherwise."""
    results: dict[str, Any] = {"scenes": count}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        before = _peak()
        store, tasks, reading = asked_store(folder, count)
        results["seconds to read and hash a scene"] = reading / count
        results["driver's bytes for a task"] = (_peak() - before) / count
        results["bytes of the plan"] = store_size(folder / "store" / "plans") / count
        results |= _queue_cost(tasks)
        results |= _index_cost(store, tasks)
    return results


def _queue_cost(tasks: list[Task]) -> dict[str, float]:
    started = time.perf_counter()
    queue = Queue(portions(tasks))
    planned = time.perf_counter() - started
    started = time.perf_counter()
    while (portion := queue.next()) is not None:
        for task in portion:
            queue.ended(Outcome(task, "done"))
    return {
        "seconds to order a scene": planned / len(tasks),
        "seconds to hand out and take back a scene": (time.perf_counter() - started) / len(tasks),
    }


def _index_cost(store: Store, tasks: list[Task]) -> dict[str, float]:
    """Markers as a run leaves them, then what the next run does: list, index."""
    root, files = Path(store.where), ["background.png", "composite.png", "report.json"]
    for task in tasks:
        place = result_name(task.id)
        row = {**row_of(task, place, files), "seconds": 7.0}
        kept = {name: Kept(size=1, sha256="0" * 64) for name in files}
        path = root / marker_name(task.id)
        path.parent.mkdir(exist_ok=True)
        marker = Marker(id=task.id, place=place, files=kept, row=row)
        path.write_bytes(marker.model_dump_json().encode())
    started = time.perf_counter()
    done = ids_of(store.names(DONE))
    listed = time.perf_counter() - started
    started = time.perf_counter()
    Index(store, done).flush()
    written = time.perf_counter() - started
    started = time.perf_counter()
    Index(store, done).flush()
    read = time.perf_counter() - started
    rows = [row_of(task, "", []) for task in tasks[:2000]]
    started = time.perf_counter()
    data = part_of(rows)
    count = len(tasks)
    return {
        "seconds to list a marker": listed / count,
        "seconds to read a marker and index it": written / count,
        "seconds to read an indexed id": read / count,
        "seconds to write a part of 2000": time.perf_counter() - started,
        "bytes of a row in the index": len(data) / len(rows),
        "bytes of a marker": store_size(root / DONE) / count,
    }


def store_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    which = {"engines": engines, "scaling": scaling, "thousand": thousand}[sys.argv[1]]
    told = json.dumps(which(), indent=2)
    sys.stdout.write(told + "\n")
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(told + "\n")


if __name__ == "__main__":
    main()
