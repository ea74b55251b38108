"""What the bucket holds, and what became of it; on both databases."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import select

from infra.admission import Admissions
from infra.catalog import Catalog
from infra.contents import Contents
from infra.tables import AssetRow, ObjectRow, OutboxRow
from schemas.asset import FILE_BUCKET, AssetState, ObjectRef
from schemas.events import EventType
from schemas.job import Priority
from tests.factories import (
    make_artifact,
    make_facts,
    make_head,
    make_job,
    make_ref,
    make_segment,
    plant_asset,
)


@pytest.fixture
def database(any_database):
    return any_database


@pytest.fixture
def session(database):
    with database.session_scope() as session:
        yield session


@pytest.fixture
def catalog(session):
    return Catalog(session)


def admit(catalog, *, tenant="t", plan_version="plan-1", **head):
    admissions = Admissions(catalog._session)
    return admissions.admit(tenant, [make_head(**head)], Priority.NORMAL, plan_version)[0]


# -- admit -----------------------------------------------------------------------------------


def test_admit_makes_an_asset_for_what_it_has_not_seen(catalog):
    admission = admit(catalog)

    assert (admission.is_new, admission.is_stale, admission.orphan) == (True, True, None)
    asset = catalog.find_asset("t", admission.asset_id)
    assert (asset.state, asset.sha256, asset.facts) == (AssetState.PENDING, None, None)
    assert catalog.refs(admission.asset_id) == [make_ref()]


def test_admit_again_changes_nothing(catalog):
    first = admit(catalog)

    again = admit(catalog)

    assert again == (first.asset_id, False, False, None)


def test_admit_under_another_plan_says_once_that_the_asset_is_stale(catalog):
    first = admit(catalog)

    again, third = (admit(catalog, plan_version="plan-2") for _ in range(2))

    assert (again.asset_id, again.is_new, again.is_stale) == (first.asset_id, False, True)
    assert not third.is_stale


def test_admit_of_new_bytes_makes_another_asset_and_orphans_the_old(catalog):
    old = admit(catalog)

    new = admit(catalog, etag="e2")

    assert new.asset_id != old.asset_id
    assert new.orphan == old.asset_id
    assert catalog.refs(old.asset_id) == []


def test_admit_of_new_bytes_spares_an_asset_that_another_object_holds(catalog):
    old = admit(catalog, key="a.jpg")
    twin = admit(catalog, key="b.jpg")
    catalog.merge(twin.asset_id, into=old.asset_id)

    new = admit(catalog, key="a.jpg", etag="e2")

    assert new.orphan is None
    assert [ref.key for ref in catalog.refs(old.asset_id)] == ["b.jpg"]


@pytest.mark.parametrize("other", [{"tenant": "u"}, {"bucket": "c"}, {"key": "other.jpg"}])
def test_admit_keeps_tenants_buckets_and_keys_apart(catalog, other):
    assert admit(catalog, **other).asset_id != admit(catalog).asset_id


def test_admit_of_the_same_key_by_two_at_once_makes_one_object(database):
    together = threading.Barrier(2, timeout=60)

    def admit_once(_n):
        together.wait()
        with database.session_scope() as session:
            return admit(Catalog(session))

    with ThreadPoolExecutor(2) as pool:
        admissions = list(pool.map(admit_once, range(2)))

    assert len({admission.asset_id for admission in admissions}) == 1
    assert sorted(admission.is_new for admission in admissions) == [False, True]


# -- drop_object, record_head ----------------------------------------------------------------


def test_drop_object_orphans_its_asset(catalog):
    asset_id = admit(catalog).asset_id

    assert catalog.drop_object("t", make_ref()) == asset_id
    assert catalog.drop_object("t", make_ref()) is None


def test_drop_object_spares_an_asset_that_another_object_holds(catalog):
    kept = admit(catalog, key="a.jpg").asset_id
    catalog.merge(admit(catalog, key="b.jpg").asset_id, into=kept)

    assert catalog.drop_object("t", make_ref(key="a.jpg")) is None
    assert catalog.drop_object("t", make_ref(key="b.jpg")) == kept


def test_two_objects_dropped_at_once_orphan_their_asset_once(database):
    """Neither sees the other's drop before it is committed, so one of them has to wait."""
    with database.session_scope() as session:
        kept, other = (admit(Catalog(session), key=key).asset_id for key in ("a", "b"))
        Catalog(session).merge(other, into=kept)

    def drop_second():
        with database.session_scope() as session:
            return Catalog(session).drop_object("t", make_ref(key="b"))

    with ThreadPoolExecutor(1) as pool:
        with database.session_scope() as session:
            first = Catalog(session).drop_object("t", make_ref(key="a"))
            second = pool.submit(drop_second)
            time.sleep(0.3)
        orphans = [first, second.result()]

    assert orphans == [None, kept]


def test_drop_object_that_nobody_admitted_is_nothing(catalog):
    assert catalog.drop_object("t", make_ref()) is None


def test_put_delete_put_of_the_same_bytes_ends_as_one_asset(catalog):
    first = admit(catalog).asset_id
    catalog.drop_object("t", make_ref())

    second = admit(catalog)

    assert second.is_new
    assert catalog.refs(first) == []
    assert catalog.refs(second.asset_id) == [make_ref()]


def test_record_head_notes_what_was_read_instead(catalog):
    asset_id = admit(catalog).asset_id

    catalog.record_head(asset_id, make_head(etag="e2"))

    assert not admit(catalog, etag="e2").is_new


def test_record_head_of_a_late_worker_does_not_touch_a_newer_admission(catalog):
    old = admit(catalog).asset_id
    new = admit(catalog, etag="e2").asset_id

    catalog.record_head(old, make_head())

    again = admit(catalog, etag="e2")
    assert (again.asset_id, again.is_new) == (new, False)


# -- find ------------------------------------------------------------------------------------


def test_find_asset_of_another_tenant_is_nothing(catalog):
    assert catalog.find_asset("u", admit(catalog).asset_id) is None


def test_find_asset_that_never_was_is_nothing(catalog):
    assert catalog.find_asset("t", uuid4()) is None


def test_find_asset_that_was_deleted_is_nothing(catalog):
    asset_id = admit(catalog).asset_id
    catalog.tombstone([asset_id])

    assert catalog.find_asset("t", asset_id) is None


@pytest.mark.parametrize(
    "name",
    ["s3://b/holiday/a b.jpg", "holiday/a b.jpg", "a b.jpg", "/holiday/a b.jpg", "./a b.jpg"],
)
def test_find_assets_by_uri_path_and_end_of_path(catalog, name):
    asset_id = admit(catalog, key="holiday/a b.jpg").asset_id

    assert catalog.find_assets("t", name) == [asset_id]


@pytest.mark.parametrize(
    "name",
    [
        "s3://other/holiday/a.jpg",
        "s3://b/a.jpg",
        "other/holiday/a.jpg",
        "day/a.jpg",
        "/a.jpg",
        "holiday/A.JPG",
        "file:///holiday/a.jpg",
        "holiday/_.jpg",
        "%/a.jpg",
        "",
    ],
)
def test_find_assets_never_takes_another_object_for_the_named_one(catalog, name):
    admit(catalog, key="holiday/a.jpg")

    assert catalog.find_assets("t", name) == []


def test_find_assets_by_the_uri_that_reports_print(catalog):
    ref = ObjectRef(bucket=FILE_BUCKET, key="tmp/Ferien 100%/ü #1.jpg")
    asset_id = admit(catalog, bucket=ref.bucket, key=ref.key).asset_id

    assert catalog.find_assets("t", ref.uri) == [asset_id]


def test_find_assets_by_id_and_its_start(catalog):
    asset_id = admit(catalog).asset_id

    assert catalog.find_assets("t", str(asset_id)) == [asset_id]
    assert catalog.find_assets("t", str(asset_id).upper()[:8]) == [asset_id]
    assert catalog.find_assets("t", str(asset_id)[:3]) == []


def test_find_assets_finds_all_that_fit(catalog):
    ids = [admit(catalog, key=f"{folder}/a.jpg").asset_id for folder in ("x", "y")]

    assert catalog.find_assets("t", "a.jpg") == ids


def test_find_assets_of_another_tenant_finds_nothing(catalog):
    asset_id = admit(catalog).asset_id

    assert catalog.find_assets("u", "a.jpg") == []
    assert catalog.find_assets("u", str(asset_id)) == []


# -- content ---------------------------------------------------------------------------------


def test_describe_writes_what_prepare_measured(catalog):
    asset_id = admit(catalog).asset_id
    facts = make_facts(extra={"title": "a\x00b"})

    catalog.describe({asset_id: facts})

    asset = catalog.find_asset("t", asset_id)
    assert (asset.sha256, asset.facts) == (facts.sha256, facts)


def test_with_content_finds_assets_of_the_tenant(catalog):
    ours, foreign = admit(catalog).asset_id, admit(catalog, tenant="u").asset_id
    sha256 = make_facts().sha256
    catalog.describe({ours: make_facts(), foreign: make_facts()})

    assert catalog.with_content("t", [sha256, "absent"]) == {sha256: ours}
    assert catalog.with_content("u", [sha256]) == {sha256: foreign}


def test_merge_moves_the_objects_and_leaves_a_silent_tombstone(catalog, session):
    kept, left = (admit(catalog, key=key).asset_id for key in ("a", "b"))

    catalog.merge(left, into=kept)

    assert [ref.key for ref in catalog.refs(kept)] == ["a", "b"]
    assert catalog.find_asset("t", left) is None
    assert catalog.unpurged(10) == [("t", left)]
    assert session.scalars(select(OutboxRow)).all() == []


# -- the end ---------------------------------------------------------------------------------


def test_tombstone_hides_and_tells_once(catalog, session):
    asset_id = admit(catalog).asset_id

    catalog.tombstone([asset_id])
    catalog.tombstone([asset_id])

    row = session.get_one(AssetRow, asset_id, populate_existing=True)
    assert (row.state, row.visible) == (AssetState.DELETED, False)
    assert list(session.scalars(select(OutboxRow.topic))) == [EventType.ASSET_DELETED]
    assert list(session.scalars(select(ObjectRow.asset_id))) == [None]


def test_tombstone_frees_the_content_for_another_asset(catalog):
    old, new = admit(catalog).asset_id, admit(catalog, key="b").asset_id
    catalog.describe({old: make_facts()})

    catalog.tombstone([old])

    assert catalog.with_content("t", [make_facts().sha256]) == {}
    catalog.describe({new: make_facts()})


def test_purged_removes_rows_and_keeps_the_tombstone(catalog, session):
    asset_id = admit(catalog).asset_id
    contents = Contents(session)
    contents.put_artifacts({asset_id: [make_artifact()]})
    contents.put_segments([(make_job(asset_id=asset_id), {0: [make_segment()]})])
    catalog.tombstone([asset_id])

    catalog.purged(asset_id)

    assert contents.artifacts(asset_id) == []
    assert contents.segments(asset_id) == []
    assert catalog.unpurged(10) == []
    assert session.get_one(AssetRow, asset_id, populate_existing=True).purged_at > 0


def test_unpurged_takes_no_more_than_asked(catalog, session):
    catalog.tombstone([plant_asset(session) for _ in range(3)])

    assert len(catalog.unpurged(2)) == 2
