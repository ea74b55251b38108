"""Moves of whole installations: which one came from where, and how far it is.

The table is no part of the schema that releases share: only the two ends of a move have it, each
with a row of the same id, and it is made when the first move begins.
"""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    JSON,
    Column,
    Float,
    MetaData,
    Row,
    String,
    Table,
    Uuid,
    inspect,
    select,
    update,
)
from sqlalchemy.orm import Session

from infra.database import Database, db_now
from schemas.move import MoveState

_METADATA = MetaData()
_MOVES = Table(
    "moves",
    _METADATA,
    Column("id", Uuid, primary_key=True),
    Column("source", String, nullable=False, comment="The home, for people"),
    Column("target", String, nullable=False, comment="The database, without its password"),
    Column("stores", String, nullable=False, comment="Where artifacts and points go"),
    Column("state", String, nullable=False),
    Column("cursors", JSON, nullable=False, comment="Last point of each collection that is there"),
    Column("begun_at", Float, nullable=False),
    Column("finished_at", Float, nullable=True),
)


class Move(NamedTuple):
    """One installation on its way into another."""

    id: UUID
    source: str
    target: str
    #: Where artifacts and points go.
    stores: str
    state: MoveState
    #: By collection: every point up to this id is written.
    cursors: dict[str, str]


def make_table(database: Database) -> None:
    """Make the table where it is absent; safe to repeat."""
    with database.session_scope() as session:
        _METADATA.create_all(session.connection())


class Moves:
    """Move rows of one end within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> list[Move]:
        """Every move that this database knows; none where no move ever began."""
        if not inspect(self._session.connection()).has_table(_MOVES.name):
            return []
        rows = self._session.execute(select(_MOVES).order_by(_MOVES.c.begun_at))
        return [_move(row) for row in rows]

    def record(self, move: Move) -> None:
        """Remember a move that begins; `make_table` was called before."""
        self._session.execute(_MOVES.insert().values(**move._asdict(), begun_at=db_now()))

    def save_cursors(self, move_id: UUID, cursors: dict[str, str]) -> None:
        """Remember which points are there; call it after they are confirmed."""
        self._update(move_id, cursors=cursors)

    def advance(self, move_id: UUID, state: MoveState) -> None:
        """Remember how far the move is."""
        finished = {"finished_at": db_now()} if state is MoveState.FINISHED else {}
        self._update(move_id, state=state, **finished)

    def _update(self, move_id: UUID, **values: Any) -> None:
        self._session.execute(update(_MOVES).where(_MOVES.c.id == move_id).values(**values))


def _move(row: Row[Any]) -> Move:
    return Move(
        id=row.id,
        source=row.source,
        target=row.target,
        stores=row.stores,
        state=MoveState(row.state),
        cursors=dict(row.cursors),
    )
