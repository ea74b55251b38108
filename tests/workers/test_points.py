"""Points say what search asks of them; those of an earlier run are replaced (`test_results`)."""

import pytest

from infra.contents import Contents
from infra.vectors.memory import InMemoryVectorStore
from schemas.search import Filter
from tests.workers.stubs import Pipeline, embedding


@pytest.fixture
def database(any_database):
    return any_database


@pytest.fixture
def pipeline(database, settings, stub_stages):
    pipeline = Pipeline(database, settings, InMemoryVectorStore())
    yield pipeline
    pipeline.leases.close()


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
