"""The state machine of jobs, in SQL: every method is one guarded, repeatable step.

Each method works inside the caller's transaction. `fence` closes the race between a worker
that was given up for dead and the one that took over: only the newest claim may end a job.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, delete, literal, tuple_, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from infra.database import db_now
from infra.fan_in import settle_assets
from infra.tables import IS_RUNNING, FailureRow, JobRow
from schemas.asset import AssetId
from schemas.errors import Failure
from schemas.job import Job, JobId, JobState, Priority
from schemas.transitions import backoff_s, state_after_defect


class Completed(NamedTuple):
    """A job that came to its end."""

    job: Job
    #: Its share of the batch's time.
    seconds: float
    #: Parts that could not be read.
    failures: Sequence[Failure] = ()


class Ledger:
    """Job rows within one transaction."""

    def __init__(self, session: Session, *, max_attempts: int = 5) -> None:
        self._session = session
        self._max_attempts = max_attempts

    def claim(self, job_ids: Sequence[JobId], worker: str, lease_s: float) -> list[Job]:
        """Take the jobs that nobody holds. The attempt is counted before any work is done.

        A message delivered twice, or a batch that was dispatched twice, claims nothing.
        """
        rows = self._session.scalars(
            update(JobRow)
            .where(
                JobRow.id.in_(job_ids),
                JobRow.state.in_((JobState.READY, JobState.DISPATCHED)),
                # A repeated message must not cut short the pause after a failed attempt.
                JobRow.not_before <= db_now(),
            )
            .values(
                state=JobState.RUNNING,
                attempts=JobRow.attempts + 1,
                fence=JobRow.fence + 1,
                lease_until=db_now() + lease_s,
                worker=worker,
                started_at=db_now(),
                finished_at=None,
                error_class=None,
                error_text=None,
            )
            .returning(JobRow)
        ).all()
        by_id = {row.id: job_of(row) for row in rows}
        return [by_id[job_id] for job_id in job_ids if job_id in by_id]

    def extend(self, jobs: Iterable[Job], lease_s: float) -> set[JobId]:
        """Prolong leases; returns the jobs still held. The others belong to a newer run."""
        held = self._session.scalars(
            update(JobRow)
            .where(_any_held(jobs))
            .values(lease_until=db_now() + lease_s)
            .returning(JobRow.id)
        )
        return {JobId(held_id) for held_id in held}

    def complete(self, job: Job, *, seconds: float, failures: Sequence[Failure] = ()) -> bool:
        """`complete_all` for one job: whether it was still held."""
        return job.job_id in self.complete_all([Completed(job, seconds, failures)])

    def complete_all(self, completed: Sequence[Completed]) -> set[JobId]:
        """End jobs as done; of those that a newer run owns, nothing may be written.

        Returns:
            The others.
        """
        by_id = {one.job.job_id: one for one in completed}
        if not by_id:
            return set()
        seconds = case({job_id: one.seconds for job_id, one in by_id.items()}, value=JobRow.id)
        held = _any_held(one.job for one in completed)
        done = set(self._session.scalars(_end(held, JobState.DONE, seconds=seconds)))
        ended = [one for job_id, one in by_id.items() if job_id in done]
        self._record([(one.job, one.failures) for one in ended])
        return {one.job.job_id for one in ended}

    def fail(self, job: Job, failure: Failure, *, seconds: float = 0.0) -> bool:
        """End a job for good because of its input; False if a newer run owns it."""
        return self._end_failed(job, JobState.FAILED, failure, seconds)

    def retry_later(self, job: Job, failure: Failure) -> JobState:
        """After a defect or a crash: again after a pause, or quarantined after the last attempt."""
        state = state_after_defect(job.attempts, self._max_attempts)
        if state is JobState.QUARANTINED:
            self._end_failed(job, state, failure, seconds=0.0)
            return state
        self._session.execute(
            update(JobRow)
            .where(_is_held(job))
            .values(
                state=JobState.READY,
                lease_until=None,
                not_before=db_now() + backoff_s(job.attempts),
                error_class=failure.category,
                error_text=failure.message,
            )
        )
        return state

    def release(self, jobs: Sequence[Job], *, pause_s: float = 0.0) -> None:
        """Give jobs back untouched; the attempt is not counted."""
        self._session.execute(
            update(JobRow)
            .where(_any_held(jobs))
            .values(
                state=JobState.READY,
                attempts=JobRow.attempts - 1,
                lease_until=None,
                not_before=db_now() + pause_s,
            )
        )

    def settle(self, jobs: Iterable[Job]) -> None:
        """Fan-in: wake what waited for these jobs, and bring their assets to rest.

        Call it in the transaction that ended them.
        """
        settle_assets(self._session, [job.asset_id for job in jobs])

    def sweep(self) -> int:
        """Give back what a dead worker holds; returns the number of jobs."""
        is_last = JobRow.attempts >= self._max_attempts
        lost = self._session.scalars(
            update(JobRow)
            .where(IS_RUNNING, JobRow.lease_until < db_now())
            .values(
                state=case((is_last, JobState.QUARANTINED.value), else_=JobState.READY.value),
                finished_at=case((is_last, db_now())),
                lease_until=None,
                error_class="WorkerLost",
                error_text="the worker that held the job went silent",
            )
            .returning(JobRow)
        ).all()
        ended = [job_of(row) for row in lost if row.state is JobState.QUARANTINED]
        self._record([(job, [_worker_lost(job)]) for job in ended])
        self.settle(ended)
        return len(lost)

    def sweep_all(self) -> int:
        """At the start of the only process there is: nobody else can hold a lease.

        Running jobs keep the attempt that their dead process counted.
        """
        self._session.execute(update(JobRow).where(IS_RUNNING).values(lease_until=0.0))
        return self.sweep()

    def _end_failed(self, job: Job, state: JobState, failure: Failure, seconds: float) -> bool:
        """Move a held job to a terminal state; False if it is not held any more."""
        ended = self._session.execute(
            _end(_is_held(job), state, literal(seconds)).values(
                error_class=failure.category, error_text=failure.message
            )
        )
        if ended.first() is None:
            return False
        self._record([(job, [failure])])
        return True

    def _record(self, failed: Sequence[tuple[Job, Sequence[Failure]]]) -> None:
        """Replace the failures of earlier runs of the same jobs."""
        if not failed:
            return
        ids = [job.job_id for job, _ in failed]
        self._session.execute(delete(FailureRow).where(FailureRow.job_id.in_(ids)))
        self._session.add_all(
            FailureRow(
                asset_id=job.asset_id,
                job_id=job.job_id,
                stage=job.stage,
                attempt=job.attempts,
                category=failure.category,
                message=failure.message,
                locator=failure.locator.model_dump(mode="json") if failure.locator else None,
            )
            for job, failures in failed
            for failure in failures
        )
        self._session.flush()


def _end(
    which: ColumnElement[bool], state: JobState, seconds: ColumnElement[float]
) -> ReturningUpdate[tuple[UUID]]:
    """Move jobs to a terminal state; returns their ids."""
    return (
        update(JobRow)
        .where(which)
        .values(
            state=state,
            lease_until=None,
            finished_at=db_now(),
            seconds=seconds,
            error_class=None,
            error_text=None,
        )
        .returning(JobRow.id)
    )


def _is_held(job: Job) -> ColumnElement[bool]:
    """The fence: true while this claim is the newest one of the job."""
    return and_(
        JobRow.id == job.job_id, JobRow.fence == job.fence, JobRow.state == JobState.RUNNING
    )


def _any_held(jobs: Iterable[Job]) -> ColumnElement[bool]:
    # One condition whatever their number, so that its SQL is made once.
    claims = [(job.job_id, job.fence) for job in jobs]
    return and_(tuple_(JobRow.id, JobRow.fence).in_(claims), JobRow.state == JobState.RUNNING)


def _worker_lost(job: Job) -> Failure:
    return Failure(
        category="WorkerLost",
        message=f"{job.attempts} workers died or went silent while they held the job",
        stage=job.stage,
        attempt=job.attempts,
    )


def job_of(row: JobRow) -> Job:
    """The row as workers see it."""
    return Job(
        job_id=JobId(row.id),
        asset_id=AssetId(row.asset_id),
        tenant=row.tenant,
        stage=row.stage,
        version=row.version,
        part=row.part,
        source=row.source,
        source_part=row.source_part,
        cost=row.cost,
        priority=Priority(row.priority),
        attempts=row.attempts,
        fence=row.fence,
    )
