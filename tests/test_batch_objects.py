"""Stores in object stores: S3 by moto's server on loopback, and fsspec's memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from batches import done, prepared, scenes_file, sleeping
from taue.batch.audit import audit, forget
from taue.batch.driver import drive
from taue.batch.engines import StoreInProcess, StoreProcesses
from taue.batch.records import Marker
from taue.batch.store import StoreError, marker_name
from taue.batch.stores import open_store
from taue.batch.worker import StoreWorker
from taue.work.jobs import DONE, THERE

pytestmark = pytest.mark.slow


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket of a server of its own."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="batches")
    yield "s3://batches/one"
    server.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_bucket_takes_a_batch_and_its_marker_once(bucket: str, tmp_path: Path) -> None:
    store, tasks = prepared(bucket, scenes_file(tmp_path, 5))
    recipe = sleeping(failing=[5], attempts=1)
    summary = drive(store, tasks, StoreInProcess(store, recipe))
    assert (summary.made, len(summary.failed)) == (4, 1)
    # One that was too late, because nothing is locked: its files go, the first one's stay.
    late = StoreWorker(store, sleeping())
    key = tasks[0].id
    data = store.read(marker_name(key)) or b""
    store.remove(marker_name(key))
    real, asked = store.put_new, list[str]()

    def too_late(name: str, new: bytes) -> bool:
        if name == marker_name(key) and not asked:
            asked.append(name)
            assert real(name, data)
        return real(name, new)

    store.put_new = too_late
    assert [one.kind for one in late.work(tasks[:1])] == [THERE] and asked
    store.put_new = real
    assert store.read(marker_name(key)) == data
    assert len(store.names(f"results/{key[:2]}/{key}")) == 5
    found = audit(store)
    assert (found.checked, found.corrupt, len(found.status.failed)) == (4, {}, 1)
    # What is lost or changed is found, and made again.
    place = Marker.model_validate_json(data).place
    store.put(f"{place}/composite.png", b"x")
    found = audit(store)
    assert "composite.png has 1 bytes" in found.corrupt[key]
    forget(store, [*found.corrupt, *found.status.failed])
    recipe = sleeping()
    assert drive(store, tasks, StoreProcesses(bucket, recipe, 1)).made == 2
    found = audit(open_store(bucket))
    assert found.whole and (found.unindexed, found.doubled) == (0, 0)


def test_a_bucket_that_is_not_there_is_one_sentence(bucket: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="store 's3://nowhere/x' cannot be read or written"):
        prepared("s3://nowhere/x", scenes_file(tmp_path, 1))
    with pytest.raises(StoreError, match=r"Protocol not known: nosuch"):
        open_store("nosuch://a/b")


def test_any_url_of_fsspec_is_a_store(tmp_path: Path) -> None:
    store, tasks = prepared(f"memory://{tmp_path.name}", scenes_file(tmp_path, 3))
    recipe = sleeping()
    worker = StoreWorker(store, recipe)
    assert [one.kind for one in worker.work(tasks[:2])] == [DONE, DONE]
    assert drive(store, tasks, StoreInProcess(store, recipe)).made == 1
    assert audit(store).whole and len(done(store)) == 3
    assert not store.put_new(done(store)[0], b"other")
