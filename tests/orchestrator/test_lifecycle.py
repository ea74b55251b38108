"""The end of an asset, also when the process ends in the middle of it."""

import numpy as np
import pytest
from sqlalchemy import select

from infra.catalog import Catalog
from infra.contents import Contents
from infra.ledger import Ledger
from infra.memory_store import InMemoryObjectStore
from infra.tables import AssetRow, JobRow
from infra.vectors.memory import InMemoryVectorStore
from infra.vectors.store import Payload, Point, Scope, Space
from orchestrator.lifecycle import Lifecycle
from schemas.asset import MediaType, ObjectRef
from schemas.errors import ObjectStoreUnavailable, VectorStoreUnavailable
from schemas.job import JobState
from schemas.segment import segment_id
from tests.factories import (
    claim_all,
    make_artifact,
    make_facts,
    make_job,
    make_model,
    make_plan,
    make_segment,
    plant_asset,
)

SPACE = Space(name="visual", fingerprint="f1", embedding_dim=2)


class FragileVectors(InMemoryVectorStore):
    """Fails as often as it is told to."""

    n_failures = 0

    def delete_asset(self, *args):
        if self.n_failures:
            self.n_failures -= 1
            raise VectorStoreUnavailable("no answer")
        super().delete_asset(*args)


class FragileObjects(InMemoryObjectStore):
    """Fails as often as it is told to."""

    n_failures = 0

    def delete_prefix(self, bucket, prefix):
        if self.n_failures:
            self.n_failures -= 1
            raise ObjectStoreUnavailable("no answer")
        super().delete_prefix(bucket, prefix)


@pytest.fixture
def vectors():
    return FragileVectors()


@pytest.fixture
def artifacts():
    return FragileObjects()


@pytest.fixture
def lifecycle(database, vectors, artifacts, settings):
    return Lifecycle(database, vectors, artifacts, settings)


@pytest.fixture
def plant(database, vectors, artifacts):
    """Store an asset with a job, an artifact, a segment and its point; returns their ids."""

    def plant(**overrides):
        with database.session_scope() as session:
            asset_id = plant_asset(session, [make_plan(stage="ocr")], **overrides)
            tenant = overrides.get("tenant", "t")
            job = make_job(asset_id=asset_id, tenant=tenant, stage="embed_visual")
            key = f"{tenant}/{asset_id}/v1/view-0.tar"
            artifacts.put(ObjectRef(bucket="artifacts", key=key), b"tar")
            contents = Contents(session)
            Catalog(session).describe({asset_id: make_facts(sha256=str(asset_id))})
            contents.put_artifacts({asset_id: [make_artifact(key=key)]})
            contents.put_segments([(job, {0: [make_segment()]})])
            contents.put_space(SPACE, make_model())
        vectors.ensure(SPACE)
        point_id = segment_id(tenant, asset_id, "embed_visual", "v1", 0, 0)
        scope = Scope(asset_id=asset_id, stage="embed_visual", part=0)
        vectors.replace(SPACE, tenant, scope, [make_point(point_id, asset_id)])
        return asset_id, point_id

    return plant


def make_point(point_id, asset_id):
    payload = Payload(
        asset_id=asset_id,
        stage="embed_visual",
        version="v1",
        part=0,
        ordinal=0,
        kind=MediaType.IMAGE,
        mime_type="image/jpeg",
        bucket="b",
        fence=1,
        created_at=0.0,
    )
    return Point(id=point_id, dense=np.array([1.0, 0.0], np.float32), payload=payload)


def left_of(database, vectors, artifacts):
    """(points, artifact keys, unpurged assets)."""
    with database.read_scope() as session:
        n_unpurged = len(Catalog(session).unpurged(10))
    keys = list(artifacts.list("artifacts", ""))
    return vectors.count(SPACE, "t"), len(keys), n_unpurged


def hydrate(database, point_id):
    with database.read_scope() as session:
        return Contents(session).hydrate("t", [point_id])


def test_delete_hides_at_once(lifecycle, plant, database, vectors, artifacts):
    asset_id, point_id = plant()
    assert point_id in hydrate(database, point_id)

    lifecycle.delete([asset_id])

    assert hydrate(database, point_id) == {}
    assert left_of(database, vectors, artifacts) == (1, 1, 1)


def test_delete_stops_the_jobs(lifecycle, plant, database):
    asset_id, _ = plant()
    with database.session_scope() as session:
        (job,) = claim_all(session, "ocr")

    lifecycle.delete([asset_id])

    with database.session_scope() as session:
        assert session.scalars(select(JobRow.state)).one() is JobState.CANCELLED
        assert not Ledger(session).complete(job, seconds=1)


def test_purge_removes_points_artifacts_and_rows(lifecycle, plant, database, vectors, artifacts):
    asset_id, _ = plant()
    lifecycle.delete([asset_id])

    assert lifecycle.purge() == 1

    assert left_of(database, vectors, artifacts) == (0, 0, 0)
    with database.read_scope() as session:
        assert Contents(session).segments(asset_id) == []
        assert session.get_one(AssetRow, asset_id).purged_at is not None


def test_purge_leaves_what_was_not_deleted(lifecycle, plant, database, vectors, artifacts):
    plant()

    assert lifecycle.purge() == 0
    assert left_of(database, vectors, artifacts) == (1, 1, 0)


def test_purge_leaves_other_tenants(lifecycle, plant, vectors, artifacts):
    kept, _ = plant(tenant="u")
    lifecycle.delete([plant()[0]])

    lifecycle.purge()

    assert vectors.count(SPACE, "u", kept) == 1
    assert [head.ref.key.split("/")[0] for head in artifacts.list("artifacts", "")] == ["u"]


def test_delete_and_purge_may_be_repeated(lifecycle, plant, database, vectors, artifacts):
    asset_id, _ = plant()

    for _ in range(2):
        lifecycle.delete([asset_id])
        lifecycle.purge()

    assert left_of(database, vectors, artifacts) == (0, 0, 0)


def test_purge_that_died_before_the_points_is_done_again(
    lifecycle, plant, database, vectors, artifacts
):
    lifecycle.delete([plant()[0]])
    vectors.n_failures = 1

    with pytest.raises(VectorStoreUnavailable):
        lifecycle.purge()
    assert left_of(database, vectors, artifacts) == (1, 1, 1)

    assert lifecycle.purge() == 1
    assert left_of(database, vectors, artifacts) == (0, 0, 0)


def test_purge_that_died_between_points_and_artifacts_is_done_again(
    lifecycle, plant, database, vectors, artifacts
):
    lifecycle.delete([plant()[0]])
    artifacts.n_failures = 1

    with pytest.raises(ObjectStoreUnavailable):
        lifecycle.purge()
    assert left_of(database, vectors, artifacts) == (0, 1, 1)

    assert lifecycle.purge() == 1
    assert left_of(database, vectors, artifacts) == (0, 0, 0)


def test_purge_before_any_point_was_stored(database, vectors, artifacts, lifecycle):
    with database.session_scope() as session:
        asset_id = plant_asset(session)
    lifecycle.delete([asset_id])

    assert lifecycle.purge() == 1
