"""Listing and index, merged: whatever differs is mended, whatever stops it goes on."""

import threading

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from infra.catalog import Catalog
from infra.memory_store import InMemoryObjectStore
from infra.tables import AssetRow, ObjectRow, ScanRow
from orchestrator.intake import scan as scanning
from orchestrator.intake.events import Intake
from orchestrator.intake.scan import Scan, ScanSource, ScanStopped
from schemas.asset import AssetState
from schemas.errors import ConfigurationError, ObjectNotFound, ObjectStoreUnavailable
from tests.factories import make_ref


class Bucket(InMemoryObjectStore):
    """Remembers where listings began; a HEAD of some keys may fail."""

    def __init__(self):
        super().__init__()
        self.down, self.begun_after = set(), []

    def head(self, ref):
        if ref.key in self.down:
            raise ObjectStoreUnavailable("503 slow down")
        return super().head(ref)

    def list(self, bucket, prefix, after=""):
        self.begun_after.append(after)
        down, self.down = self.down, set()
        heads = list(super().list(bucket, prefix, after))
        self.down = down
        yield from heads


@pytest.fixture
def objects():
    return Bucket()


@pytest.fixture
def intake(database, objects, settings):
    return Intake(database, objects, settings)


@pytest.fixture
def scan(database, objects, intake, monkeypatch):
    monkeypatch.setattr(scanning, "_PAGE", 3)
    return Scan(database, objects, intake, "t", "s3://b")


def put(objects, *keys, content=b"1"):
    for key in keys:
        objects.put(make_ref(key=key), key.encode() + content)


def held(database):
    with database.read_scope() as session:
        rows = select(ObjectRow.key).join(AssetRow, AssetRow.id == ObjectRow.asset_id)
        return sorted(session.scalars(rows.where(AssetRow.state != AssetState.DELETED)))


def counts(progress):
    return (progress.n_listed, progress.n_new, progress.n_changed, progress.n_gone)


def test_new_changed_and_deleted_objects_are_found(scan, objects, database):
    put(objects, "a", "b", "c", "d", "e")
    assert counts(scan.run()) == (5, 5, 0, 0)

    put(objects, "b", content=b"2")
    put(objects, "bb", "z")
    for key in ("a", "e"):
        objects.delete(make_ref(key=key))

    assert counts(scan.run()) == (5, 2, 1, 2)
    assert held(database) == ["b", "bb", "c", "d", "z"]
    assert counts(scan.run()) == (5, 0, 0, 0)


def test_only_the_prefix_is_compared(database, objects, intake):
    put(objects, "a/1", "a0", "b/1")
    intake.look([make_ref(key=key) for key in ("a/1", "a0", "b/1")], "t")
    for key in ("a/1", "a0", "b/1"):
        objects.delete(make_ref(key=key))

    Scan(database, objects, intake, "t", "s3://b/a/").run()

    assert held(database) == ["a0", "b/1"]


def test_other_tenants_are_not_compared(scan, objects, intake, database):
    put(objects, "a")
    intake.look([make_ref(key="a")], "u")
    objects.delete(make_ref(key="a"))

    assert counts(scan.run()) == (0, 0, 0, 0)
    assert held(database) == ["a"]


def test_what_the_user_deleted_stays_deleted_until_it_changes(scan, objects, database):
    put(objects, "a")
    scan.run()
    with database.session_scope() as session:
        Catalog(session).tombstone(Catalog(session).find_assets("t", "a"))

    assert counts(scan.run()) == (1, 0, 0, 0)
    assert held(database) == []

    put(objects, "a", content=b"2")
    assert counts(scan.run()) == (1, 1, 0, 0)


def test_a_scan_that_failed_goes_on_from_its_cursor(scan, objects, database):
    put(objects, *"abcdefgh")
    objects.down = {"e"}

    with pytest.raises(ObjectStoreUnavailable):
        scan.run()
    assert "e" not in held(database)

    objects.down = set()
    assert counts(scan.run()) == (8, 6, 0, 0)  # d and f were taken by the first try
    assert objects.begun_after == ["", "c"]
    assert held(database) == list("abcdefgh")


def test_a_scan_can_be_stopped_and_begun_anew(scan, objects, database):
    put(objects, *"abcdefgh")
    stopping = threading.Event()

    with pytest.raises(ScanStopped):
        scan.run(show=lambda _: stopping.set(), stopping=stopping)
    assert held(database) == list("abc")

    objects.delete(make_ref(key="a"))
    assert counts(scan.run(restart=True)) == (7, 5, 0, 1)


def test_a_finished_scan_says_when(scan, objects, database):
    put(objects, "a")
    scan.run()

    with database.read_scope() as session:
        row = session.scalars(select(ScanRow)).one()
    assert row.finished_at >= row.started_at
    assert (row.after_key, row.n_new) == ("a", 1)


def test_a_scan_that_would_empty_the_index_stops_before_it_does(
    scan, objects, database, monkeypatch
):
    monkeypatch.setattr(scanning, "_FREE_GONE", 3)
    put(objects, *"abcdefghij")
    scan.run()
    for key in "abcdefgh":
        objects.delete(make_ref(key=key))

    with pytest.raises(ConfigurationError, match="are gone of 10"):
        scan.run()
    assert len(held(database)) >= 5

    assert scan.run(max_gone=1.0).n_gone == 8
    assert held(database) == ["i", "j"]


def test_a_few_deletions_need_no_leave(scan, objects, database):
    put(objects, "a", "b")
    scan.run()
    for key in "ab":
        objects.delete(make_ref(key=key))

    assert scan.run().n_gone == 2


def test_a_bucket_that_is_gone_drops_nothing(scan, objects, database, monkeypatch):
    put(objects, "a")
    scan.run()

    def gone(*_):
        raise ObjectNotFound("NoSuchBucket")

    monkeypatch.setattr(objects, "list", gone)
    with pytest.raises(ObjectNotFound):
        scan.run()
    assert held(database) == ["a"]


def test_a_listing_out_of_order_is_refused(scan, objects, database, monkeypatch):
    heads = [objects.put(make_ref(key=key), b"1") for key in "ba"]
    monkeypatch.setattr(objects, "list", lambda *_: iter(heads))

    with pytest.raises(ConfigurationError, match="expected key order"):
        scan.run()


@pytest.mark.parametrize("source", ["media", "s3://", "s3:///x", "s3://file/etc", "/tmp"])
def test_a_source_that_is_no_bucket_is_refused(database, objects, intake, source):
    with pytest.raises(ConfigurationError, match="expected s3://"):
        Scan(database, objects, intake, "t", source)


KEYS = st.sampled_from(["a", "a/", "a/b", "a\u0301", "á", "b", "😀", "\ue000", "z"])


@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(known=st.sets(KEYS), removed=st.sets(KEYS), added=st.sets(KEYS))
def test_after_a_scan_the_index_is_as_the_bucket(any_database, settings, known, removed, added):
    objects = Bucket()
    intake = Intake(any_database, objects, settings)
    scan = Scan(any_database, objects, intake, "t", "s3://b")
    scan.run(restart=True, max_gone=1.0)
    put(objects, *known)
    scan.run()
    for key in removed:
        objects.delete(make_ref(key=key))
    put(objects, *added, content=b"2")

    scan.run()

    assert held(any_database) == sorted((known - removed) | added)


def test_a_source_scans_all_and_goes_past_what_it_may_not(database, objects, intake, caplog):
    put(objects, "a")
    broken = Scan(database, objects, intake, "t", "s3://other")
    broken._objects = Refusing()
    source = ScanSource([broken, Scan(database, objects, intake, "t", "s3://b")], every_s=60)

    assert source.poll_once() == 1
    assert "scan_refused" in caplog.messages


class Refusing(InMemoryObjectStore):
    def list(self, bucket, prefix, after=""):
        raise ObjectNotFound(f"s3://{bucket}: NoSuchBucket")


def test_a_source_stops_at_once(scan):
    stopping = threading.Event()
    thread = threading.Thread(target=ScanSource([scan], every_s=3600).run, args=[stopping])
    thread.start()
    stopping.set()
    thread.join(timeout=10)

    assert not thread.is_alive()
