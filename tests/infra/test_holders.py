import pytest
from sqlalchemy import update

from infra.holders import Holders
from infra.members import Members
from infra.tables import ObjectRow
from schemas.asset import AssetId
from schemas.member import Member, Surroundings, member_id
from tests.factories import make_job, plant_asset


@pytest.fixture
def session(any_database):
    with any_database.session_scope() as session:
        yield session


def put(session, parent, **contents):
    """Members of a parent by name and content hash; their assets' ids."""
    members = [Member(path=path, sha256=sha256, size_bytes=10) for path, sha256 in contents.items()]
    Members(session).put(make_job(asset_id=parent, stage="prepare"), members, "plan-1")
    return [AssetId(member_id(parent, path, sha256)) for path, sha256 in contents.items()]


def test_object_of_a_bucket_is_where_it_is(session):
    asset_id = plant_asset(session, key="a.zip")

    (held,) = Holders(session).held(asset_id)

    assert (held.ref.key, held.located, held.parent_id) == ("a.zip", (held.ref, ()), None)
    assert Holders(session).surroundings(asset_id) == Surroundings()


def test_member_is_located_through_its_parents(session):
    outer = plant_asset(session, key="mail.eml")
    (inner,) = put(session, outer, x="1")
    (innermost,) = put(session, inner, y="2")

    (held,) = Holders(session).held(innermost)

    assert held.located.ref.key == "mail.eml"
    assert held.located.inside == ("x", "y")
    assert held.parent_id == inner
    assert held.object_id == innermost


def test_object_of_a_bucket_comes_before_a_parent(session):
    outer = plant_asset(session, key="mail.eml")
    (inner,) = put(session, outer, x="1")
    other = plant_asset(session, key="z.jpg")
    session.execute(update(ObjectRow).where(ObjectRow.asset_id == other).values(asset_id=inner))

    assert Holders(session).locate([inner])[inner].ref.key == "z.jpg"
    assert Holders(session).held(inner)[0].ref.key == "z.jpg"


def test_asset_that_nothing_holds_is_nowhere(session):
    outer = plant_asset(session)
    (inner,) = put(session, outer, x="1")
    session.execute(update(ObjectRow).where(ObjectRow.asset_id == outer).values(asset_id=None))

    assert Holders(session).locate([outer, inner]) == {}
    assert Holders(session).held(inner) == []


def test_surroundings_count_what_neighbours_hold(session):
    outer = plant_asset(session)
    first, second = put(session, outer, x="1", y="2")
    put(session, first, a="3", b="4", c="5")
    put(session, second, d="6")

    around = Holders(session).surroundings(second)

    assert (around.depth, around.n_members, around.n_bytes) == (1, 5, 50)
    assert Holders(session).below(outer).keys() >= {first, second}
    assert len(Holders(session).below(outer)) == 6


def test_circle_ends_every_walk(session):
    """It can't come into being; if it did, nothing would hang."""
    outer = plant_asset(session)
    (inner,) = put(session, outer, x="1")
    session.execute(update(ObjectRow).where(ObjectRow.asset_id == outer).values(asset_id=None))
    put(session, inner, y="2")
    session.execute(update(ObjectRow).where(ObjectRow.parent_id == inner).values(asset_id=outer))

    holders = Holders(session)

    assert holders.locate([inner, outer]) == {}
    assert holders.around(inner) == {inner, outer}
    assert set(holders.below(inner)) == {inner, outer}
    assert holders.surroundings(inner).depth == 0
