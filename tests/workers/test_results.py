"""Files and vectors first, then one transaction: a crash in between leaves nothing to find."""

import pytest

from infra.memory_store import InMemoryObjectStore
from infra.vectors.memory import InMemoryVectorStore
from schemas.errors import ObjectStoreUnavailable, VectorStoreUnavailable
from schemas.job import JobState
from tests.factories import make_ref
from tests.workers.stubs import Pipeline


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


# -- crashes ---------------------------------------------------------------------------------


def test_crash_between_vectors_and_commit_leaves_nothing_to_find(pipeline):
    pipeline.put("a.jpg", "red boat")
    run(pipeline, "prepare")
    pipeline.vectors.then = die

    with pytest.raises(Killed):
        run(pipeline, "embed_visual")

    points = pipeline.points()["visual"]
    assert len(points) == 2
    assert pipeline.hydrated(points) == set()


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

    assert pipeline.points()["visual"] == left == pipeline.hydrated(left)
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
