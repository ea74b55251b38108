"""Rows of members; tests/workers/test_members.py runs them through a pipeline."""

import pytest
from sqlalchemy import select, update

from infra.catalog import Catalog
from infra.members import Members
from infra.tables import AssetRow, ObjectRow
from schemas.asset import AssetState
from schemas.member import MEMBER_BUCKET, Member, member_id
from tests.factories import make_job, plant_asset


@pytest.fixture
def session(any_database):
    with any_database.session_scope() as session:
        yield session


def member(path="a.txt", sha256="00"):
    return Member(path=path, sha256=sha256, size_bytes=3)


def put(session, parent, *members):
    return Members(session).put(make_job(asset_id=parent, stage="prepare"), members, "plan-1")


def describe(session, asset_id):
    session.execute(update(AssetRow).where(AssetRow.id == asset_id).values(sha256="00"))


def held(session, parent):
    rows = session.scalars(select(ObjectRow).where(ObjectRow.parent_id == parent))
    return {row.key.partition("/")[2]: row.asset_id for row in rows}


def test_put_makes_a_row_and_a_pending_asset(session):
    parent = plant_asset(session)

    planted = put(session, parent, member())

    name = member_id(parent, "a.txt", "00")
    row, asset = session.get_one(ObjectRow, name), session.get_one(AssetRow, name)
    assert planted == ({name: 3}, [])
    assert (row.bucket, row.generation, row.parent_id) == (MEMBER_BUCKET, "00", parent)
    assert (asset.state, asset.tenant, asset.plan_version) == (AssetState.PENDING, "t", "plan-1")


def test_put_again_changes_nothing(session):
    parent = plant_asset(session)
    put(session, parent, member(), member("b.txt", "01"))
    before = held(session, parent)

    assert put(session, parent, member(), member("b.txt", "01")) == ({}, [])
    assert held(session, parent) == before


def test_put_lets_go_of_what_is_gone_or_has_other_bytes(session):
    parent = plant_asset(session)
    put(session, parent, member(), member("b.txt", "01"))
    before = held(session, parent)

    planted = put(session, parent, member("b.txt", "02"))

    assert planted.let_go == sorted(before.values())
    assert list(held(session, parent)) == ["b.txt"]
    assert list(planted.new) == [member_id(parent, "b.txt", "02")]


def test_put_takes_the_asset_with_the_same_content(session):
    known = plant_asset(session)
    describe(session, known)

    assert put(session, parent := plant_asset(session), member()) == ({}, [])
    assert held(session, parent) == {"a.txt": known}


def test_put_leaves_assets_of_other_tenants_alone(session):
    other = plant_asset(session, tenant="u")
    describe(session, other)
    parent = plant_asset(session)

    put(session, parent, member())

    assert held(session, parent) != {"a.txt": other}


def test_put_makes_one_asset_of_the_same_content_under_two_names(session):
    parent = plant_asset(session)

    planted = put(session, parent, member("a.txt"), member("b.txt"))

    assert len(planted.new) == 1
    assert len(set(held(session, parent).values())) == 1


def test_put_takes_another_name_where_a_tombstone_has_it(session):
    parent = plant_asset(session)
    (first,) = put(session, parent, member()).new
    put(session, parent)
    Catalog(session).tombstone([first])

    (second,) = put(session, parent, member()).new

    assert second != first
    assert held(session, parent) == {"a.txt": second}


def test_put_takes_more_members_than_a_statement_has_parameters(session):
    parent = plant_asset(session)

    planted = put(session, parent, *(member(f"{n}", f"{n:064x}") for n in range(1200)))

    assert len(planted.new) == 1200
    assert Members(session).forget([parent]) == sorted(planted.new)
    assert held(session, parent) == {}
