"""Pages of what a bucket holds; on both databases. One key at a time: `test_catalog`."""

import pytest
from sqlalchemy import event, func, select

from infra.admission import Admissions
from infra.catalog import Catalog
from infra.tables import AssetRow, ObjectRow
from schemas.asset import AssetState
from schemas.job import Priority
from tests.factories import make_head


@pytest.fixture
def session(any_database):
    with any_database.session_scope() as session:
        yield session


def admit(session, heads, plan_version="plan-1"):
    return Admissions(session).admit("t", heads, Priority.NORMAL, plan_version)


def count(session, table):
    return session.scalar(select(func.count()).select_from(table))


def test_a_page_is_answered_in_its_order(session):
    (known,) = admit(session, [make_head(key="m")])

    first, again, last = admit(session, [make_head(key=key) for key in "zma"])

    assert again == (known.asset_id, False, False, None)
    assert (first.is_new, last.is_new) == (True, True)
    rows = session.execute(select(ObjectRow.key, ObjectRow.asset_id)).all()
    assert dict(rows) == {"z": first.asset_id, "m": known.asset_id, "a": last.asset_id}


def test_equal_keys_of_two_buckets_are_two_objects(session):
    one, other = admit(session, [make_head(bucket=bucket) for bucket in ("a", "b")])

    assert one.asset_id != other.asset_id
    assert count(session, ObjectRow) == 2


def test_new_bytes_let_go_of_the_old_asset_unless_another_key_holds_it(session):
    before = admit(session, [make_head(key=key) for key in "ab"])
    Catalog(session).merge(before[1].asset_id, into=before[0].asset_id)

    (first,) = admit(session, [make_head(key="a", etag="e2")])
    (second,) = admit(session, [make_head(key="b", etag="e2")])

    assert (first.orphan, second.orphan) == (None, before[0].asset_id)


def test_an_asset_that_a_page_lets_go_of_twice_is_an_orphan(session):
    before = admit(session, [make_head(key=key) for key in "ab"])
    Catalog(session).merge(before[1].asset_id, into=before[0].asset_id)

    after = admit(session, [make_head(key=key, etag="e2") for key in "ab"])

    assert {admission.orphan for admission in after} == {before[0].asset_id}


def test_another_plan_makes_what_is_known_stale_once(session):
    heads = [make_head(key=key) for key in "ab"]
    admit(session, heads)

    assert [a.is_stale for a in admit(session, heads, "plan-2")] == [True, True]
    assert [a.is_stale for a in admit(session, heads, "plan-2")] == [False, False]


def test_nothing_is_admitted_of_nothing(session):
    assert admit(session, []) == []
    assert count(session, AssetRow) == 0


def test_new_assets_are_pending_and_timed(session):
    admit(session, [make_head()])

    asset = session.scalars(select(AssetRow)).one()
    assert (asset.state, asset.visible, asset.plan_version) == (AssetState.PENDING, True, "plan-1")
    assert 0 < asset.created_at <= asset.updated_at


def test_a_page_takes_as_many_statements_as_one_key(session):
    """What makes the intake of a million keys bearable."""
    admit(session, [make_head(key="before")])  # the transaction begins with a statement, too
    statements = []
    event.listen(session.get_bind(), "before_cursor_execute", lambda *args: statements.append(args))

    admit(session, [make_head(key="one")])
    n_one = len(statements)
    admit(session, [make_head(key=f"{n:03}") for n in range(100)])

    assert len(statements) == 2 * n_one
