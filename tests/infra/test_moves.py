"""Rows about moves, and what one end knows of the other."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from infra.moves import Move, Moves, make_table
from schemas.move import MoveState


def make_move(**overrides):
    fields = {
        "id": uuid4(),
        "source": "host:/home",
        "target": "postgresql://there/db",
        "stores": "s3://b and http://q",
        "state": MoveState.COPYING,
        "cursors": {},
    }
    return Move(**{**fields, **overrides})


def known(database):
    with database.read_scope() as session:
        return Moves(session).all()


@pytest.fixture
def any_database(any_database):
    """The schema of a test run is shared; other tests must not find this table in it."""
    yield any_database
    with any_database.session_scope() as session:
        session.execute(text("DROP TABLE IF EXISTS moves"))


def test_database_that_no_move_touched_knows_none(any_database):
    assert known(any_database) == []


def test_move_is_remembered_as_it_goes_on(any_database):
    move = make_move()
    for _ in range(2):
        make_table(any_database)
    with any_database.session_scope() as session:
        Moves(session).record(move)
    assert known(any_database) == [move]

    with any_database.session_scope() as session:
        Moves(session).save_cursors(move.id, {"text__1": "7"})
        Moves(session).advance(move.id, MoveState.FINISHED)

    (found,) = known(any_database)
    assert (found.cursors, found.state) == ({"text__1": "7"}, MoveState.FINISHED)
