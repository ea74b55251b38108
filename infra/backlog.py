"""The queue in the database: what is planned, what may be dispatched, what is called off."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from infra.database import db_now
from infra.fan_in import ENDED, insert_absent, settle_assets
from infra.ledger import job_of
from infra.tables import IS_IN_FLIGHT, IS_READY, AssetRow, FailureRow, JobEdgeRow, JobRow
from schemas.asset import AssetId, AssetState
from schemas.job import Job, JobId, JobPlan, JobState, Priority, job_id

_ALL = tuple(Priority)
#: Parameters of one IN list; SQLite bounds them.
_IN_LIST = 500


class Planned(NamedTuple):
    """Jobs of one asset."""

    asset_id: AssetId
    tenant: str
    jobs: Sequence[JobPlan]
    priority: Priority


class Backlog:
    """Job rows that no worker holds, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def plan(
        self, asset_id: AssetId, tenant: str, jobs: Sequence[JobPlan], priority: Priority
    ) -> None:
        """Add jobs to an asset that has some, and see what that means for it."""
        if not jobs:
            return
        self.add(asset_id, tenant, jobs, priority)
        # A parent may have ended before its child was planned.
        settle_assets(self._session, [asset_id])

    def add(
        self, asset_id: AssetId, tenant: str, jobs: Sequence[JobPlan], priority: Priority
    ) -> None:
        """`add_all` for one asset."""
        self.add_all([Planned(asset_id, tenant, jobs, priority)])

    def add_all(self, planned: Iterable[Planned]) -> None:
        """Add the jobs that do not exist yet, with the edges between them. Safe to repeat.

        Whoever adds to an asset that is at rest, or adds children of jobs that have ended, must
        settle it in the same transaction.
        """
        rows, edges = list[dict[str, object]](), list[dict[str, object]]()
        for asset_id, tenant, jobs, priority in planned:
            own = {(job.stage, job.part): _new_row(asset_id, tenant, job, priority) for job in jobs}
            rows += own.values()
            edges += [
                {"job_id": own[job.stage, job.part]["id"], "after_id": own[parent]["id"]}
                for job in jobs
                for parent in job.after
            ]
        insert_absent(self._session, JobRow, rows, created_at=db_now())
        insert_absent(self._session, JobEdgeRow, edges)

    def take_ready(
        self, stage: str, version: str, limit: int, *, priorities: Sequence[Priority] = _ALL
    ) -> list[Job]:
        """Jobs that may be dispatched: by priority, tenants in turn, oldest first.

        On Postgres the rows are locked, and those another dispatcher looks at are skipped. Each
        tenant's oldest rows come straight from the index, however long the backlog is.
        """
        taken: list[JobRow] = []
        for priority in priorities:
            if len(taken) < limit:
                of_class = and_(
                    IS_READY,
                    JobRow.stage == stage,
                    JobRow.version == version,
                    JobRow.priority == priority,
                )
                taken += self._in_turn(of_class, limit - len(taken))
        return [job_of(row) for row in taken]

    def _in_turn(self, of_class: ColumnElement[bool], limit: int) -> list[JobRow]:
        """The oldest jobs of one class, one of each tenant after the other."""
        by_tenant = [
            self._session.scalars(
                select(JobRow)
                .where(of_class, JobRow.tenant == tenant, JobRow.not_before <= db_now())
                .order_by(JobRow.created_at, JobRow.part)
                .limit(limit)
                .with_for_update(skip_locked=True)
            ).all()
            for tenant in self._tenants(of_class)
        ]
        turns = [(turn, row) for rows in by_tenant for turn, row in enumerate(rows)]
        turns.sort(key=lambda entry: entry[0])
        return [row for _, row in turns[:limit]]

    def ready_classes(self, stages: Iterable[str]) -> set[tuple[str, Priority]]:
        """Stages and priorities that have something to dispatch: one index probe each.

        A cheap look before `take_ready` begins a transaction that writes.
        """
        probes = [
            select(literal(stage), literal(int(priority))).where(
                select(JobRow.id)
                .where(
                    IS_READY,
                    JobRow.stage == stage,
                    JobRow.priority == int(priority),
                    JobRow.not_before <= db_now(),
                )
                .exists()
            )
            for stage in stages
            for priority in Priority
        ]
        rows = self._session.execute(union_all(*probes)).all()
        return {(stage, Priority(priority)) for stage, priority in rows}

    def dispatch(self, job_ids: Sequence[JobId], batch_id: UUID) -> None:
        """Mark jobs as sent. Written before the message: a lost message is found by `sweep`."""
        self._session.execute(
            update(JobRow)
            .where(JobRow.id.in_(job_ids), JobRow.state == JobState.READY)
            .values(state=JobState.DISPATCHED, batch_id=batch_id, dispatched_at=db_now())
        )

    def batches_in_flight(self, stage: str) -> dict[Priority, int]:
        """Batches of a stage, by priority, that were sent and have not ended."""
        rows = self._session.execute(
            select(JobRow.priority, func.count(JobRow.batch_id.distinct()))
            .where(IS_IN_FLIGHT, JobRow.stage == stage)
            .group_by(JobRow.priority)
        )
        return {Priority(priority): n for priority, n in rows}

    def give_back_undelivered(
        self, older_than_s: float, n_queued: Mapping[tuple[str, Priority], int]
    ) -> int:
        """Return batches to the backlog whose message was lost; returns the number of jobs.

        A queue is served in order, so the messages that wait in it are those of the newest
        batches: only older ones can have been lost. Without this a worker that is busy for
        long would find its queue full of repetitions.

        Args:
            older_than_s: since the batch was sent.
            n_queued: messages that wait on the broker, by stage and priority; absent means none.
        """
        sent = self._session.execute(
            select(
                JobRow.stage,
                JobRow.priority,
                JobRow.batch_id,
                (db_now() - func.max(JobRow.dispatched_at)).label("age_s"),
            )
            .where(IS_IN_FLIGHT, JobRow.state == JobState.DISPATCHED)
            .group_by(JobRow.stage, JobRow.priority, JobRow.batch_id)
            .order_by("age_s")
        ).all()
        n_seen: Counter[tuple[str, Priority]] = Counter()
        lost = []
        for stage, priority, batch_id, age_s in sent:
            of_class = stage, Priority(priority)
            n_seen[of_class] += 1
            if n_seen[of_class] > n_queued.get(of_class, 0) and age_s > older_than_s:
                lost.append(batch_id)
        if not lost:
            return 0
        given_back = self._session.execute(
            update(JobRow)
            .where(IS_IN_FLIGHT, JobRow.state == JobState.DISPATCHED, JobRow.batch_id.in_(lost))
            .values(state=JobState.READY)
            .returning(JobRow.id)
        )
        return len(given_back.all())

    def is_done(self, asset_id: AssetId, stage: str, version: str) -> bool:
        """Whether the first part of a stage was done under this version."""
        row = self._session.get(JobRow, job_id(asset_id, stage, version, 0))
        return row is not None and row.state is JobState.DONE

    def cancel(self, asset_ids: Sequence[AssetId]) -> None:
        """Cancel what has not ended; a worker that holds such a job will be refused."""
        for first in range(0, len(asset_ids), _IN_LIST):
            chunk = asset_ids[first : first + _IN_LIST]
            self._session.execute(
                update(JobRow)
                .where(JobRow.asset_id.in_(chunk), JobRow.state.not_in(ENDED))
                .values(state=JobState.CANCELLED, lease_until=None, finished_at=db_now())
            )

    def supersede(self, asset_id: AssetId, versions: Mapping[str, str]) -> None:
        """Forget what was planned under other versions and is not done: it need not run.

        What such jobs could not read is forgotten even if they are done: it is read again.
        """
        is_current = [and_(JobRow.stage == s, JobRow.version == v) for s, v in versions.items()]
        stale = select(JobRow.id).where(JobRow.asset_id == asset_id, ~or_(*is_current))
        self._session.execute(delete(FailureRow).where(FailureRow.job_id.in_(stale)))
        ids = self._session.scalars(stale.where(JobRow.state != JobState.DONE)).all()
        for column in (JobEdgeRow.job_id, JobEdgeRow.after_id, JobRow.id):
            self._session.execute(delete(column.class_).where(column.in_(ids)))

    def retry(self, tenant: str, asset_ids: Sequence[AssetId] | None = None) -> int:
        """Start failed, quarantined and cancelled jobs afresh; returns their number.

        Jobs that read from a retried job wait for it again.
        """
        where: list[ColumnElement[bool]] = [
            JobRow.tenant == tenant,
            JobRow.state.in_((JobState.FAILED, JobState.QUARANTINED)),
            JobRow.asset_id.in_(select(AssetRow.id).where(AssetRow.state != AssetState.DELETED)),
        ]
        if asset_ids is not None:
            where.append(JobRow.asset_id.in_(asset_ids))
        fresh = {"state": JobState.READY, "attempts": 0, "not_before": 0.0}
        rows = self._session.execute(
            update(JobRow).where(*where).values(fresh).returning(JobRow.id, JobRow.asset_id)
        ).all()
        for first in range(0, len(rows), _IN_LIST):
            chunk = rows[first : first + _IN_LIST]
            job_ids = [row.id for row in chunk]
            children = select(JobEdgeRow.job_id).where(JobEdgeRow.after_id.in_(job_ids))
            self._session.execute(
                update(JobRow)
                .where(JobRow.id.in_(children), JobRow.state == JobState.CANCELLED)
                .values({**fresh, "state": JobState.WAITING})
            )
            self._session.execute(delete(FailureRow).where(FailureRow.job_id.in_(job_ids)))
            settle_assets(self._session, [row.asset_id for row in chunk])
        return len(rows)

    def _tenants(self, where: ColumnElement[bool]) -> list[str]:
        """Tenants with such jobs; hops from one to the next in the index (a loose scan)."""
        tenants: list[str] = []
        while tenant := self._session.scalar(
            select(func.min(JobRow.tenant)).where(
                where, JobRow.tenant > (tenants[-1] if tenants else "")
            )
        ):
            tenants.append(tenant)
        return tenants


def _new_row(
    asset_id: AssetId, tenant: str, plan: JobPlan, priority: Priority
) -> dict[str, object]:
    return {
        "id": job_id(asset_id, plan.stage, plan.version, plan.part),
        "tenant": tenant,
        "asset_id": asset_id,
        "state": JobState.WAITING if plan.after else JobState.READY,
        "priority": int(priority),
        "attempts": 0,
        "fence": 0,
        "not_before": 0.0,
        **plan.model_dump(include={"stage", "version", "part", "source", "source_part", "cost"}),
    }
