"""A move begins in an empty target, or goes on in its own."""

import pytest

from infra.database import migrate
from infra.moves import Moves
from infra.vectors.store import OwnedPoint
from orchestrator.move.begin import begin, find_move, quiet
from orchestrator.move.ends import describe_source, describe_target
from orchestrator.move.verify import spaces_of
from schemas.asset import ObjectRef
from schemas.errors import ConfigurationError
from schemas.move import MoveState
from tests.factories import plant_asset


def known(end):
    with end.database.read_scope() as session:
        return Moves(session).all()


def test_empty_servers_may_take_a_move(source, target):
    assert find_move(source, target) is None


def test_move_that_began_is_found_again(source, target):
    move = begin(source, target)

    assert find_move(source, target) == move
    assert move.state is MoveState.COPYING
    assert known(source) == known(target) == [move]
    assert move.source == describe_source(source)


def test_target_of_another_home_is_refused(source, target):
    begin(source, target)
    with source.database.session_scope() as session:
        session.connection().exec_driver_sql("DELETE FROM moves")

    with pytest.raises(ConfigurationError, match="holds the installation of"):
        find_move(source, target)


def test_target_with_rows_of_its_own_is_refused(source, target):
    migrate(target.database)
    with target.database.session_scope() as session:
        plant_asset(session)

    with pytest.raises(ConfigurationError, match="not empty: assets, objects hold rows"):
        find_move(source, target)


def test_other_stores_than_the_move_began_with_are_refused(source, target):
    move = begin(source, target)
    with target.database.session_scope() as session:
        session.connection().exec_driver_sql("UPDATE moves SET stores = 's3://old and http://old'")

    with pytest.raises(ConfigurationError, match="began with s3://old and http://old"):
        find_move(source, target)
    assert move.stores != "s3://old and http://old"


def test_bucket_with_objects_is_refused(source, target, tmp_path):
    (tmp_path / "x").write_text("x")
    target.artifacts.upload(tmp_path / "x", ObjectRef(bucket="derived", key="made/elsewhere"))
    assert find_move(source, target) is None

    target.artifacts.upload(tmp_path / "x", ObjectRef(bucket="derived", key="made/here/x"))
    with pytest.raises(ConfigurationError, match=r"holds s3://derived/made/here/x; name an empty"):
        find_move(source, target)


def test_collection_with_points_is_refused(source, target):
    space = spaces_of(source)[0]
    (page,) = source.vectors.scan(space)
    target.vectors.ensure(space)
    assert find_move(source, target) is None

    target.vectors.put(space, [OwnedPoint(tenant="stranger", point=page[0].point)])
    with pytest.raises(ConfigurationError, match=f"has points in {space.collection}"):
        find_move(source, target)


def test_two_moves_do_not_share_a_target(target):
    with (
        quiet(target),
        pytest.raises(ConfigurationError, match="another `sluice migrate`"),
        quiet(target),
    ):
        pass
    with quiet(target):
        pass


def test_password_is_told_to_nobody(source, target):
    url = target.database.url.set(password="secret")
    object.__setattr__(target.database, "url", url)

    assert "secret" not in describe_target(target)
