"""Batches on a real Ray cluster on this machine: nodes that die, come late, a driver that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from batches import done, prepared, scenes_file, sleeping, until
from taue.batch.audit import audit
from taue.batch.driver import drive
from taue.batch.ray_engine import RayActors
from taue.batch.stores import open_store
from taue.cli import app

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

ROOT = Path(__file__).parent.parent
MEMORY = 80 * 2**20

DRIVER = """
import sys
from batches import sleeping
from taue.batch.driver import drive
from taue.batch.plan import planned
from taue.batch.ray_engine import RayActors
from taue.batch.stores import open_store
where, address, log = sys.argv[1:]
store, recipe = open_store(where), sleeping(seconds=0.1, log=log)
drive(store, list(planned(store).values()), RayActors(where, recipe, address, 2, 0.25))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that runs no worker of ours, and no other node yet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_DISABLE_IMPORT_WARNING", "1")
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (ROOT / "src", ROOT / "tests", ROOT))))
        from ray.cluster_utils import Cluster

        quick = {"health_check_period_ms": 500, "health_check_failure_threshold": 2,
                 "health_check_timeout_ms": 500}  # fmt: skip
        made = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "object_store_memory": MEMORY,
                "include_dashboard": False,
                "_system_config": quick,
            },
        )
        yield made
        import ray

        ray.shutdown()
        made.shutdown()


def test_nodes_die_and_come_late_and_a_driver_is_killed(cluster: Any, tmp_path: Path) -> None:
    where, log = tmp_path / "store", tmp_path / "log"
    store, tasks = prepared(where, scenes_file(tmp_path, 40))
    node = cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    # A driver is killed.
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(where), cluster.address, str(log)],
        stderr=subprocess.DEVNULL,
    )
    until(lambda: len(done(store)) >= 5)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    time.sleep(1.0)
    by_then = len(done(store))
    assert 5 <= by_then < 35
    # The next goes on; its node dies, and another one comes late.
    recipe = sleeping(seconds=0.1, log=str(log))
    engine = RayActors(str(where), recipe, cluster.address, None, 0.5)
    summaries: list[Any] = []
    run = threading.Thread(
        target=lambda: summaries.append(drive(store, tasks, engine)), daemon=True
    )
    run.start()
    until(lambda: len(done(store)) >= by_then + 5)
    cluster.remove_node(node, allow_graceful=False)
    there = len(done(store))
    time.sleep(0.5)
    assert len(done(store)) < 40
    cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    run.join(90)
    assert not run.is_alive() and summaries[0].whole and there < 40
    found = audit(open_store(str(where)))
    assert found.whole and (found.checked, found.doubled, found.unindexed) == (40, 0, 0)
    begun = Counter(log.read_text().split())
    assert len(begun) == 40 and max(begun.values()) <= 3
    assert sum(begun.values()) <= 40 + 2 * 2  # at most what was in flight, twice


def test_a_poison_scene_does_not_stop_a_cluster(cluster: Any, tmp_path: Path) -> None:
    cluster.add_node(num_cpus=1, object_store_memory=MEMORY)
    where = tmp_path / "store"
    store, tasks = prepared(where, scenes_file(tmp_path, 6))
    recipe = sleeping(fatal=[2], failing=[5], attempts=2)
    summary = drive(store, tasks, RayActors(str(where), recipe, cluster.address, 2, 0.25))
    assert summary.made == 4
    assert sorted(error for _, error in summary.failed) == [
        "RuntimeError('seed 5 is one that fails')",
        "the process that made it ended, 2 times",
    ]
    assert summary.failed and not summary.whole


def test_without_ray_the_option_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    arguments = ["batch", "run", str(scenes_file(tmp_path, 1)), "--out", str(tmp_path / "s")]
    done = CliRunner().invoke(app, [*arguments, "--ray", "local"])
    assert done.exit_code == 2 and 'install it with pip install "taue[ray]"' in done.stderr
    more = CliRunner().invoke(app, [*arguments, "--worker-cpus", "0.5"])
    assert more.exit_code == 2 and "worker-cpus is for --ray" in more.stderr
