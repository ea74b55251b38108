"""Two objects with the same content are one asset, whenever that is found out."""

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.backlog import Backlog
from infra.catalog import Catalog
from infra.vectors.memory import InMemoryVectorStore
from schemas.errors import ObjectNotFound
from tests.factories import make_facts, make_ref
from tests.workers.stubs import Pipeline


@pytest.fixture
def database(any_database):
    return any_database


@pytest.fixture
def pipeline(database, settings, stub_stages):
    pipeline = Pipeline(database, settings, InMemoryVectorStore())
    yield pipeline
    pipeline.leases.close()


def refs(pipeline, asset_id):
    with pipeline.database.read_scope() as session:
        return [ref.key for ref in Catalog(session).refs(asset_id)]


def test_same_content_in_one_batch_becomes_one_asset(pipeline):
    ids = [pipeline.put(key, "same words") for key in ("a.jpg", "b.jpg")]

    pipeline.work()

    states = sorted(pipeline.asset_state(asset_id) for asset_id in ids)
    assert states == ["deleted", "ready"]
    (kept,) = [i for i in ids if pipeline.asset_state(i) == "ready"]
    assert refs(pipeline, kept) == ["a.jpg", "b.jpg"]
    assert len(pipeline.points()["visual"]) == 2


def test_same_content_later_joins_the_asset_that_is_there(pipeline):
    first = pipeline.put("a.jpg", "same words")
    pipeline.work()
    points = pipeline.points()

    second = pipeline.put("b.jpg", "same words")
    pipeline.work()

    assert refs(pipeline, first) == ["a.jpg", "b.jpg"]
    assert pipeline.jobs(second) == {("prepare", 0): "done"}
    assert pipeline.points() == points


def test_what_a_merge_left_is_purged(pipeline):
    first = pipeline.put("a.jpg", "same words")
    pipeline.work()
    second = pipeline.put("b.jpg", "same words")
    pipeline.work()

    assert pipeline.lifecycle.purge() == 1

    keys = [head.ref.key for head in pipeline.artifacts.list("artifacts", "")]
    assert [key.split("/")[1] for key in keys] == [str(first)]
    assert pipeline.jobs(second) == {("prepare", 0): "done"}


def test_same_content_of_two_tenants_stays_apart(pipeline):
    ids = [pipeline.put("a.jpg", "same words", tenant) for tenant in ("t", "u")]

    pipeline.work()

    assert [pipeline.asset_state(asset_id) for asset_id in ids] == ["ready", "ready"]


def test_same_content_described_at_the_same_moment_merges_on_the_second_try(pipeline):
    """On PostgreSQL neither worker sees the other's row until one of them has committed."""
    other = pipeline.put("other.jpg", "same words")
    mine = pipeline.put("mine.jpg", "same words")
    sha256 = hashlib.sha256(b"same words").hexdigest()
    message = pipeline.dispatch_stage("prepare")
    with pipeline.database.session_scope() as session:
        Backlog(session).cancel([other])
    described = threading.Event()

    def describe_other():
        with pipeline.database.session_scope() as session:
            Catalog(session).describe({other: make_facts(sha256=sha256)})
            described.set()
            time.sleep(0.5)  # meanwhile the other one describes its own

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(describe_other)
        described.wait()
        pipeline.runner.run_batch(message)
        done.result()

    assert pipeline.asset_state(mine) == "deleted"
    assert sorted(refs(pipeline, other)) == ["mine.jpg", "other.jpg"]


def test_put_delete_put_of_the_same_bytes_is_found_once(pipeline):
    first = pipeline.put("a.jpg", "same words")
    pipeline.work()
    ref = make_ref(key="a.jpg")
    pipeline.objects.delete(ref)
    with pytest.raises(ObjectNotFound):
        pipeline.intake.admit(ref, "t")

    second = pipeline.put("a.jpg", "same words")
    pipeline.work()
    pipeline.lifecycle.purge()

    assert [pipeline.asset_state(i) for i in (first, second)] == ["deleted", "ready"]
    assert len(pipeline.hydrated(pipeline.points()["visual"])) == 2
    assert len(pipeline.points()["visual"]) == 2
