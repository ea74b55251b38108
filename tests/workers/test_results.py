"""Files and vectors first, then one transaction: a crash in between leaves nothing to find."""

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.backlog import Backlog
from infra.catalog import Catalog
from infra.contents import Contents
from infra.memory_store import InMemoryObjectStore
from infra.vectors.memory import InMemoryVectorStore
from schemas.errors import ObjectNotFound, ObjectStoreUnavailable, VectorStoreUnavailable
from schemas.job import JobState
from schemas.search import Filter
from tests.factories import make_facts, make_ref
from tests.workers.stubs import Pipeline, embedding


@pytest.fixture
def database(any_database):
    return any_database


class Killed(BaseException):
    """The process ends here."""


class Vectors(InMemoryVectorStore):
    """Does `then` right after a write, once."""

    then = None

    def replace(self, *args):
        super().replace(*args)
        if self.then:
            then, self.then = self.then, None
            then()


class Artifacts(InMemoryObjectStore):
    """Does `then` right after an upload, once."""

    then = None

    def upload(self, path, ref):
        super().upload(path, ref)
        if self.then:
            then, self.then = self.then, None
            then()


@pytest.fixture
def pipeline(database, settings, stub_stages):
    pipeline = Pipeline(database, settings, Vectors(), artifacts=Artifacts())
    yield pipeline
    pipeline.leases.close()


def die():
    raise Killed


def refuse():
    raise VectorStoreUnavailable("did not confirm the write")


def run(pipeline, stage):
    pipeline.runner.run_batch(pipeline.dispatch_stage(stage))


def hydrated(pipeline, point_ids):
    with pipeline.database.read_scope() as session:
        return set(Contents(session).hydrate("t", list(point_ids)))


# -- crashes ---------------------------------------------------------------------------------


def test_crash_between_vectors_and_commit_leaves_nothing_to_find(pipeline):
    pipeline.put("a.jpg", "red boat")
    run(pipeline, "prepare")
    pipeline.vectors.then = die

    with pytest.raises(Killed):
        run(pipeline, "embed_visual")

    points = pipeline.points()["visual"]
    assert len(points) == 2
    assert hydrated(pipeline, points) == set()


def test_run_after_a_crash_lands_on_the_same_points(pipeline):
    asset_id = pipeline.put("a.jpg", "red boat")
    run(pipeline, "prepare")
    pipeline.vectors.then = die
    with pytest.raises(Killed):
        run(pipeline, "embed_visual")
    left = pipeline.points()["visual"]

    pipeline.expire_leases()
    pipeline.make_runner("w2")
    pipeline.work()

    assert pipeline.points()["visual"] == left == hydrated(pipeline, left)
    assert pipeline.texts(asset_id, "embed_visual") == ["red", "boat"]
    assert pipeline.asset_state(asset_id) == "ready"


def test_crash_between_upload_and_commit_is_repeated_under_the_same_names(pipeline):
    asset_id = pipeline.put("a.jpg", "red boat")
    pipeline.artifacts.then = die
    with pytest.raises(Killed):
        run(pipeline, "prepare")
    left = [head.ref for head in pipeline.artifacts.list("artifacts", "")]

    pipeline.expire_leases()
    pipeline.work()

    assert [head.ref for head in pipeline.artifacts.list("artifacts", "")] == left
    assert left[0].key.startswith(f"t/{asset_id}/")
    assert pipeline.asset_state(asset_id) == "ready"


def test_write_that_was_not_confirmed_gives_the_batch_back(pipeline):
    asset_id = pipeline.put("a.jpg", "red boat")
    run(pipeline, "prepare")
    pipeline.vectors.then = refuse

    run(pipeline, "embed_visual")

    job = pipeline.job(asset_id, "embed_visual")
    assert (job.state, job.attempts) == (JobState.READY, 0)


def test_second_run_with_fewer_results_leaves_no_point_of_the_first(pipeline):
    asset_id = pipeline.put("a.jpg", "red boat sea")
    run(pipeline, "prepare")
    pipeline.vectors.then = die
    with pytest.raises(Killed):
        run(pipeline, "embed_visual")
    (artifact,) = pipeline.artifacts.list("artifacts", "")
    pipeline.artifacts.put(artifact.ref, b"red")

    pipeline.expire_leases()
    pipeline.work()

    assert len(pipeline.points()["visual"]) == 1
    assert pipeline.texts(asset_id, "embed_visual") == ["red"]


# -- what is written -------------------------------------------------------------------------


def test_points_say_what_filters_need(pipeline):
    asset_id = pipeline.put("a.jpg", "boat")
    pipeline.work()
    with pipeline.database.read_scope() as session:
        (space,) = [s for s in Contents(session).spaces() if s.name == "visual"]

    (hit,) = pipeline.vectors.search(space, "t", embedding("boat"), filter=Filter(), limit=9)

    assert (
        hit.payload.items()
        >= {
            "asset_id": str(asset_id),
            "kind": "image",
            "mime_type": "image/jpeg",
            "bucket": "b",
            "fence": 1,
        }.items()
    )


def test_empty_result_needs_no_space(pipeline):
    asset_id = pipeline.put("a.jpg", "")

    pipeline.work()

    assert pipeline.points() == {}
    assert pipeline.asset_state(asset_id) == "ready"


def test_failed_upload_gives_the_batch_back(pipeline):
    def refuse_upload():
        raise ObjectStoreUnavailable("503")

    asset_id = pipeline.put("a.jpg", "word")
    pipeline.artifacts.then = refuse_upload

    run(pipeline, "prepare")

    assert pipeline.job(asset_id, "prepare").attempts == 0
    assert pipeline.jobs(asset_id) == {("prepare", 0): "ready"}


# -- deleted in the last moment --------------------------------------------------------------


def delete_and_purge(pipeline, asset_id):
    pipeline.lifecycle.delete([asset_id])
    pipeline.lifecycle.purge()


def test_points_written_after_the_purge_are_taken_back(pipeline):
    other = pipeline.put("b.jpg", "sea")
    pipeline.work()
    asset_id = pipeline.put("a.jpg", "boat")
    run(pipeline, "prepare")
    kept = pipeline.points()["visual"]
    message = pipeline.dispatch_stage("embed_visual")
    write = pipeline.vectors.replace

    def purge_first(*args):
        delete_and_purge(pipeline, asset_id)
        write(*args)

    pipeline.vectors.replace = purge_first
    pipeline.runner.run_batch(message)

    assert pipeline.points()["visual"] == kept
    assert pipeline.asset_state(asset_id) == "deleted"
    assert pipeline.asset_state(other) == "ready"


def test_artifacts_uploaded_after_the_purge_are_taken_back(pipeline):
    asset_id = pipeline.put("a.jpg", "boat")
    left = make_ref(bucket="artifacts", key=f"t/{asset_id}/v/view-0.tar")
    pipeline.artifacts.then = lambda: (
        delete_and_purge(pipeline, asset_id),
        pipeline.artifacts.put(left, b"late"),
    )

    run(pipeline, "prepare")

    assert list(pipeline.artifacts.list("artifacts", "")) == []
    assert pipeline.jobs(asset_id) == {("prepare", 0): "cancelled"}


# -- two objects with the same content -------------------------------------------------------


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
    assert len(hydrated(pipeline, pipeline.points()["visual"])) == 2
    assert len(pipeline.points()["visual"]) == 2
