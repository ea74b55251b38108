"""What stages made of an asset, and what search may see of it; on both databases."""

from uuid import uuid4

import pytest
from sqlalchemy import update

from infra.admission import Admissions
from infra.catalog import Catalog
from infra.contents import Contents
from infra.tables import AssetRow
from infra.vectors.store import Space
from schemas.asset import ArtifactKind, AssetState, AudioPart
from schemas.job import Priority
from schemas.segment import Box, Page, Region, TimeSpan, segment_id
from tests.factories import (
    make_artifact,
    make_facts,
    make_head,
    make_job,
    make_model,
    make_segment,
    plant_asset,
)

BOX = Box(0.1, 0.2, 0.3, 0.4)


@pytest.fixture
def database(any_database):
    return any_database


@pytest.fixture
def session(database):
    with database.session_scope() as session:
        yield session


@pytest.fixture
def contents(session):
    return Contents(session)


@pytest.fixture
def asset_id(session):
    asset_id = plant_asset(session)
    Catalog(session).describe({asset_id: make_facts()})
    return asset_id


def texts(contents, asset_id, *where):
    return [segment.text for _, segment in contents.segments(asset_id, *where)]


def put(contents, asset_id, *segments, **job):
    """Store segments as the job's; returns their ids."""
    job = make_job(asset_id=asset_id, **job)
    contents.put_segments([(job, {job.part: segments})])
    return [
        segment_id(job.tenant, asset_id, job.stage, job.version, job.part, segment.ordinal)
        for segment in segments
    ]


# -- artifacts -------------------------------------------------------------------------------


def test_artifacts_come_back_as_they_were_put(contents, asset_id):
    audio = AudioPart(start_s=600.0, duration_s=9.5, speech=[(0.5, 2.0)], language="de")
    sound = make_artifact(kind=ArtifactKind.AUDIO, part=1, images=(), audio=audio)
    view = make_artifact()

    contents.put_artifacts({asset_id: [view, sound]})

    assert contents.artifacts(asset_id) == [sound, view]
    assert contents.get_artifact(asset_id, ArtifactKind.AUDIO, 1) == sound


def test_put_artifacts_again_names_the_keys_that_are_free_now(contents, asset_id):
    old, kept = make_artifact(key="t/1/old.tar"), make_artifact(key="t/1/kept.tar", part=1)
    contents.put_artifacts({asset_id: [old, kept]})

    assert contents.put_artifacts({asset_id: [kept]}) == ["t/1/old.tar"]
    assert contents.artifacts(asset_id) == [kept]


def test_get_artifact_that_prepare_did_not_write_is_our_defect(contents, asset_id):
    with pytest.raises(LookupError, match="view/3"):
        contents.get_artifact(asset_id, ArtifactKind.VIEW, 3)


# -- segments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "locator",
    [
        None,
        Page(page=2),
        TimeSpan(start_s=0.0, end_s=1.5),
        Region(box=BOX),
        Region(box=BOX, within=Page(page=2)),
        Region(box=BOX, within=TimeSpan(start_s=0.0, end_s=0.0)),
    ],
)
def test_segments_come_back_as_they_were_put(contents, asset_id, locator):
    segment = make_segment(
        locator=locator, language="en", confidence=0.5, role="speech", extra={"flags": ["x"]}
    )

    put(contents, asset_id, segment)

    assert contents.segments(asset_id) == [("ocr", segment)]


def test_segments_are_in_reading_order(contents, asset_id):
    put(contents, asset_id, make_segment(text="c"), part=1)
    put(contents, asset_id, make_segment(ordinal=1, text="b"), make_segment(text="a"))

    assert texts(contents, asset_id) == ["a", "b", "c"]


def test_segments_of_one_stage_and_part(contents, asset_id):
    put(contents, asset_id, make_segment(text="a"))
    put(contents, asset_id, make_segment(text="b"), part=1)
    put(contents, asset_id, make_segment(text="c"), stage="caption")

    assert texts(contents, asset_id, "ocr") == ["a", "b"]
    assert texts(contents, asset_id, "ocr", 1) == ["b"]


def test_put_segments_again_leaves_no_remainder_of_a_longer_run(contents, asset_id):
    put(contents, asset_id, *(make_segment(ordinal=n) for n in range(3)))

    put(contents, asset_id, make_segment(text="only"))

    assert texts(contents, asset_id) == ["only"]


def test_put_segments_under_a_new_version_replaces_the_old(contents, asset_id):
    put(contents, asset_id, make_segment(text="old"))

    put(contents, asset_id, make_segment(text="new"), version="v2")

    assert texts(contents, asset_id) == ["new"]


def test_put_segments_leaves_other_parts_and_stages_alone(contents, asset_id):
    put(contents, asset_id, make_segment(text="a"))
    put(contents, asset_id, make_segment(text="b"), part=1)
    put(contents, asset_id, make_segment(text="c"), stage="caption")

    put(contents, asset_id)

    assert sorted(texts(contents, asset_id)) == ["b", "c"]


def test_put_segments_of_prepare_replaces_all_its_parts(contents, asset_id):
    job = make_job(asset_id=asset_id, stage="prepare")
    contents.put_segments([(job, {0: [make_segment(text="a")], 1: [make_segment(text="b")]})])
    assert contents.text_parts(asset_id) == [0, 1]

    contents.put_segments([(job, {1: [make_segment(text="c")]})])

    assert texts(contents, asset_id) == ["c"]
    assert contents.text_parts(asset_id) == [1]


def test_put_segments_takes_text_that_a_database_would_refuse(contents, asset_id):
    put(contents, asset_id, make_segment(text="a\x00b", extra={"raw": "\x00\ud83d"}))

    assert texts(contents, asset_id) == ["ab"]


# -- hydrate ---------------------------------------------------------------------------------


def test_hydrate_tells_what_a_hit_must_show(contents, session):
    asset_id = plant_asset(session, key="holiday/a.jpg")
    Catalog(session).describe({asset_id: make_facts()})
    segment = make_segment(locator=Page(page=2))
    (found_id,) = put(contents, asset_id, segment)

    found = contents.hydrate("t", [found_id])[found_id]

    assert (found.asset_id, found.stage, found.segment) == (asset_id, "ocr", segment)
    assert (found.media_type, found.ref.uri) == ("image", "s3://b/holiday/a.jpg")


def test_hydrate_passes_over_points_without_a_row(contents):
    assert contents.hydrate("t", [uuid4()]) == {}


def test_hydrate_hides_other_tenants(contents, asset_id):
    ids = put(contents, asset_id, make_segment())

    assert contents.hydrate("u", ids) == {}


def test_hydrate_hides_the_deleted_at_once(contents, session, asset_id):
    ids = put(contents, asset_id, make_segment())

    Catalog(session).tombstone([asset_id])

    assert contents.hydrate("t", ids) == {}


@pytest.mark.parametrize("end", [{"visible": False}, {"state": AssetState.DELETED}])
def test_hydrate_hides_an_asset_that_an_object_still_holds(contents, session, asset_id, end):
    ids = put(contents, asset_id, make_segment())

    session.execute(update(AssetRow).where(AssetRow.id == asset_id).values(end))

    assert contents.hydrate("t", ids) == {}


def test_hydrate_hides_what_no_object_holds(contents, session):
    asset_id = plant_asset(session, key="a.jpg")
    Catalog(session).describe({asset_id: make_facts()})
    ids = put(contents, asset_id, make_segment())

    Admissions(session).admit("t", [make_head(key="a.jpg", etag="e2")], Priority.NORMAL, "plan-1")

    assert contents.hydrate("t", ids) == {}


def test_hydrate_names_one_object_of_many(contents, session):
    first, second = (plant_asset(session, key=key) for key in ("a.jpg", "b.jpg"))
    Catalog(session).describe({first: make_facts()})
    Catalog(session).merge(second, into=first)
    (found_id,) = put(contents, first, make_segment())

    found = contents.hydrate("t", [found_id])

    assert found[found_id].ref == Catalog(session).refs(first)[0]


# -- spaces ----------------------------------------------------------------------------------


def test_spaces_are_recorded_once(contents):
    space = Space(name="text", fingerprint="f1", embedding_dim=8, has_sparse=True)

    for _ in range(2):
        contents.put_space(space, make_model())

    assert contents.spaces() == [space]
