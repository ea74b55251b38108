"""May this move begin, or go on? Never into an installation of somebody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from infra.database import check_revision, migrate
from infra.holdings import Holdings
from infra.leadership import Leadership
from infra.moves import Move, Moves, make_table
from infra.workforce import Workforce
from orchestrator.move.ends import End, describe_source, describe_stores, describe_target
from orchestrator.move.verify import spaces_of
from schemas.errors import ConfigurationError
from schemas.move import MoveState

_STOP = "stop it until `sluice migrate` has ended"


def find_move(source: End, target: End) -> Move | None:
    """The move that an earlier run has begun; None where the target may take one.

    Raises:
        ConfigurationError: the target holds something else, or the settings name other stores.
    """
    check_revision(target.database, may_be_older=True)
    with source.database.read_scope() as session:
        ours = {move.id for move in Moves(session).all()}
    with target.database.read_scope() as session:
        found = Moves(session).all()
        filled = Holdings(session).filled_tables()
    for move in found:
        if move.id not in ours:
            raise ConfigurationError(
                f"{describe_target(target)} holds the installation of {move.source}; move "
                f"{describe_source(source)} into an empty database"
            )
        if move.stores != describe_stores(target):
            raise ConfigurationError(
                f"the move into {move.target} began with {move.stores}, the settings name "
                f"{describe_stores(target)}"
            )
        return move
    if filled:
        raise ConfigurationError(
            f"{describe_target(target)} is not empty: {', '.join(filled)} hold rows; "
            "an installation is moved into an empty one only"
        )
    _check_empty_stores(source, target)
    return None


def _check_empty_stores(source: End, target: End) -> None:
    there = set(target.vectors.collections())
    for space in spaces_of(source):
        if space.collection in there and any(target.vectors.scan(space)):
            raise ConfigurationError(
                f"{target.settings.qdrant_url} has points in {space.collection}; "
                "drop the collection, or name another server"
            )
    bucket, root = target.settings.artifact_bucket, target.settings.artifact_root
    strange = next(target.artifacts.list(bucket, root), None)
    if strange:
        raise ConfigurationError(
            f"{target.settings.store_url} holds {strange.ref.uri}; "
            "name an empty bucket or prefix in SLUICE_STORE_URL"
        )


def begin(source: End, target: End) -> Move:
    """Remember at both ends that a move begins; the source first, so that it knows its own.

    Returns:
        What `find_move` will find from here on, however this run ends.
    """
    migrate(target.database)
    for end in (source, target):
        make_table(end.database)
    move = Move(
        id=uuid4(),
        source=describe_source(source),
        target=describe_target(target),
        stores=describe_stores(target),
        state=MoveState.COPYING,
        cursors={},
    )
    for end in (source, target):
        with end.database.session_scope() as session:
            Moves(session).record(move)
    return move


@contextmanager
def quiet(target: End) -> Iterator[None]:
    """Keep orchestrators, and other moves, from the target meanwhile.

    Raises:
        ConfigurationError: somebody works on it.
    """
    # The lead that orchestrators ask for: one of them has it if any is running.
    leadership = Leadership(target.database, "sweeping")
    try:
        if not leadership.hold():
            raise ConfigurationError(
                f"`sluice orchestrator`, or another `sluice migrate`, works on "
                f"{describe_target(target)}: {_STOP}"
            )
        _check_no_worker(target)
        yield
    finally:
        leadership.close()


def _check_no_worker(target: End) -> None:
    with target.database.read_scope() as session:
        if not Holdings(session).has_schema():
            return
        reports = Workforce(session, target.settings.heartbeat_s).workers()
    alive = [worker.name for worker in reports if worker.is_alive]
    if alive:
        raise ConfigurationError(f"worker {alive[0]} takes batches there: {_STOP}")
