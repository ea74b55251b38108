import pytest
from sqlalchemy import update

from infra import children
from infra.catalog import Catalog
from infra.children import Children
from infra.tables import AssetRow
from schemas.asset import AssetState, MediaType
from tests.factories import plant_asset
from tests.infra.test_holders import put


@pytest.fixture
def session(any_database):
    with any_database.session_scope() as session:
        yield session


def test_children_are_told_with_path_and_state(session):
    outer, other = plant_asset(session), plant_asset(session)
    inner, picture = put(session, outer, **{"x.zip": "1", "z.jpg": "2"})
    put(session, inner, **{"b.pdf": "3"})
    ready = {"state": AssetState.READY, "media_type": MediaType.IMAGE}
    session.execute(update(AssetRow).where(AssetRow.id == picture).values(**ready))

    found = Children(session).of([outer, other])

    assert [(child.inside, child.state) for child in found[outer]] == [
        (("x.zip",), "pending"),
        (("z.jpg",), "ready"),
        (("x.zip", "b.pdf"), "pending"),
    ]
    assert found[outer][1].media_type is MediaType.IMAGE
    assert found[other] == []


def test_child_that_the_user_deleted_is_told(session):
    outer = plant_asset(session)
    (inner,) = put(session, outer, x="1")
    Catalog(session).tombstone([inner])

    (child,) = Children(session).of([outer])[outer]

    assert (child.asset_id, child.state) == (None, "deleted")


def test_children_are_told_up_to_a_number(session, monkeypatch):
    monkeypatch.setattr(children, "MOST_CHILDREN", 3)
    outer = plant_asset(session)
    put(session, outer, **{str(n): str(n) for n in range(5)})

    assert len(Children(session).of([outer])[outer]) == 3
