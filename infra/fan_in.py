"""What follows when jobs end: their children wake, their assets come to rest."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from infra.database import db_now
from infra.tables import AssetRow, Base, FailureRow, JobEdgeRow, JobRow, OutboxRow
from schemas.asset import AssetState
from schemas.job import TERMINAL_JOB_STATES, JobState
from schemas.transitions import EVENT_OF_STATE, asset_state

#: States in which a job has ended.
ENDED = tuple(TERMINAL_JOB_STATES)


def insert_absent(
    session: Session, table: type[Base], rows: Sequence[dict[str, Any]], **same: Any
) -> None:
    """Insert the rows whose key does not exist yet.

    One prepared statement for all: a statement that lists all values is compiled each time.

    Args:
        session: an open transaction.
        table: where they go.
        rows: their columns, the same ones in each.
        same: columns that all rows share, SQL expressions among them.
    """
    if not rows:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    absent = dialect.insert(table.__table__).values(**same).on_conflict_do_nothing()
    session.execute(absent, rows)


def settle_assets(session: Session, asset_ids: Sequence[UUID]) -> None:
    """Wake waiting jobs of these assets and write the assets' states.

    The asset rows are locked first, in one order: two parts that end at once would otherwise
    each miss the other under READ COMMITTED, and nobody would be last.
    """
    if not asset_ids:
        return
    locked = session.scalars(
        select(AssetRow)
        .where(AssetRow.id.in_(set(asset_ids)), AssetRow.state != AssetState.DELETED)
        .order_by(AssetRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not locked:
        return
    ids = [asset.id for asset in locked]
    _wake(session, ids)
    counts, prepared, n_failures = _tally(session, ids)
    changed: dict[AssetState, list[AssetRow]] = defaultdict(list)
    for asset in locked:
        state = asset_state(
            counts.get(asset.id, {}),
            prepare=prepared.get(asset.id, JobState.CANCELLED),
            n_failures=n_failures.get(asset.id, 0),
        )
        if state is not asset.state:
            changed[state].append(asset)
    for state, assets in changed.items():
        _rest(session, assets, state)


def _wake(session: Session, asset_ids: Sequence[UUID]) -> None:
    """Decide the waiting jobs whose parents have all ended.

    The rule of `schemas.transitions.state_after_parents` in SQL. Repeated while it cancels,
    because a cancelled job ends the wait of its own children.
    """
    parent = aliased(JobRow)
    parents = (
        select(literal(1))
        .select_from(JobEdgeRow)
        .join(parent, parent.id == JobEdgeRow.after_id)
        .where(JobEdgeRow.job_id == JobRow.id)
    )
    may_run = parents.where(parent.state == JobState.DONE).exists()
    decided = and_(
        JobRow.asset_id.in_(asset_ids),
        JobRow.state == JobState.WAITING,
        ~parents.where(parent.state.not_in(ENDED)).exists(),
    )
    wake = update(JobRow).execution_options(synchronize_session=False)
    has_text = wake.where(decided, may_run).values(state=JobState.READY)
    nothing_to_read = wake.where(decided).values(
        state=JobState.CANCELLED,
        finished_at=db_now(),
        error_class="NothingToRead",
        error_text="the stage before it did not end well",
    )
    session.execute(has_text)
    while session.execute(nothing_to_read.returning(JobRow.id)).first():
        session.execute(has_text)


def _tally(
    session: Session, asset_ids: Sequence[UUID]
) -> tuple[dict[UUID, dict[JobState, int]], dict[UUID, JobState], dict[UUID, int]]:
    """Jobs by state, the newest `prepare` state and the number of failures of parts."""
    counts: dict[UUID, dict[JobState, int]] = {}
    by_state = (
        select(JobRow.asset_id, JobRow.state, func.count())
        .where(JobRow.asset_id.in_(asset_ids))
        .group_by(JobRow.asset_id, JobRow.state)
    )
    for asset_id, state, n in session.execute(by_state):
        counts.setdefault(asset_id, {})[state] = n
    prepare = (
        select(JobRow.asset_id, JobRow.state)
        .where(JobRow.asset_id.in_(asset_ids), JobRow.stage == "prepare")
        .order_by(JobRow.created_at)
    )
    prepared = dict(session.execute(prepare).all())
    failures = (
        select(FailureRow.asset_id, func.count())
        .where(FailureRow.asset_id.in_(asset_ids))
        .group_by(FailureRow.asset_id)
    )
    n_failures = dict(session.execute(failures).all())
    return counts, prepared, n_failures


def _rest(session: Session, assets: Sequence[AssetRow], state: AssetState) -> None:
    """Write the assets' new state, and an event for each that comes to rest."""
    session.execute(
        update(AssetRow)
        .where(AssetRow.id.in_([asset.id for asset in assets]))
        .values(state=state, updated_at=db_now())
    )
    if topic := EVENT_OF_STATE.get(state):
        events = [
            {"tenant": asset.tenant, "topic": topic, "asset_id": asset.id, "created_at": db_now()}
            for asset in assets
        ]
        session.execute(insert(OutboxRow).values(events))
