"""Stores what a batch made: files and vectors first, then one transaction for all its jobs."""

from collections.abc import Iterator, Sequence

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from infra.catalog import Catalog
from infra.database import Database
from infra.ledger import Completed, Ledger
from infra.object_store import ObjectStore
from infra.settings import Settings
from infra.vectors.store import VectorStore
from schemas.asset import Artifact, ObjectRef
from schemas.errors import LeaseLost
from schemas.job import Job, JobId
from schemas.stages import StageSpec
from workers.batch import JobRun, Stopwatch
from workers.members import MemberStore
from workers.points import PointStore
from workers.result_rows import ResultRows, Uploaded
from workers.stage import ArtifactFile
from workers.verdicts import Action, failure_of, judge


class ResultStore:
    """Writes results so that every step may be repeated and the last one decides.

    A crash before the transaction leaves files and points that the next run overwrites under
    the same names; nobody can find them before, because search asks the database.
    """

    def __init__(
        self,
        database: Database,
        artifacts: ObjectStore,
        vectors: VectorStore,
        settings: Settings,
    ) -> None:
        self._database = database
        self._artifacts = artifacts
        self._settings = settings
        self._members = MemberStore(database, artifacts, settings)
        self._points = PointStore(database, vectors, settings)

    def store(self, spec: StageSpec, runs: Sequence[JobRun], stopwatch: Stopwatch) -> None:
        """Store all runs of a batch, failed ones too.

        Raises:
            TransientError: nothing is lost; release the jobs and run them again.
        """
        for group in _by_members(runs):
            self._store(spec, group, stopwatch)

    def _store(self, spec: StageSpec, runs: Sequence[JobRun], stopwatch: Stopwatch) -> None:
        self._drop_lost(runs)
        uploaded = {run.job.job_id: self._upload(run) for run in runs if run.is_alive}
        if spec.space:
            self._points.replace(spec, [run for run in runs if run.is_alive])
        try:
            self._commit(runs, uploaded, stopwatch)
        except IntegrityError:
            # Another worker described the same content at the same moment; its row can be
            # seen by now, so this time the assets merge.
            self._commit(runs, uploaded, stopwatch)

    def _drop_lost(self, runs: Sequence[JobRun]) -> None:
        """Give up jobs that a newer run owns: its files and points must not be overwritten.

        The fence in `_commit` decides; this keeps a process that slept through its leases from
        writing anything before it asks.
        """
        with self._database.session_scope() as session:
            held = Ledger(session).extend([run.job for run in runs], self._settings.lease_s)
        for run in runs:
            if run.job.job_id not in held:
                run.error = LeaseLost("a newer run owns the job")

    def _upload(self, run: JobRun) -> Uploaded:
        files = run.prepared.artifacts if run.prepared else ()
        artifacts = [self._upload_one(run.job, file) for file in files]
        return Uploaded(artifacts, self._members.upload(run))

    def _upload_one(self, job: Job, file: ArtifactFile) -> Artifact:
        name = f"{file.kind.value}-{file.part}{file.path.suffix}"
        key = f"{self._settings.artifact_prefix(job.tenant, job.asset_id)}{job.version}/{name}"
        ref = ObjectRef(bucket=self._settings.artifact_bucket, key=key)
        self._artifacts.upload(file.path, ref)
        return Artifact(
            kind=file.kind,
            part=file.part,
            key=key,
            size_bytes=file.path.stat().st_size,
            images=file.images,
            audio=file.audio,
        )

    def _commit(
        self, runs: Sequence[JobRun], uploaded: dict[JobId, Uploaded], stopwatch: Stopwatch
    ) -> None:
        with self._database.session_scope() as session:
            ledger = Ledger(session, max_attempts=self._settings.max_attempts)
            for run in runs:
                if run.error is not None:
                    _end_failed(ledger, run, run.error, stopwatch)
            alive = [run for run in runs if run.error is None]
            done = ledger.complete_all(
                [Completed(run.job, stopwatch.share_s(run.job), run.failures) for run in alive]
            )
            kept = [run for run in alive if run.job.job_id in done]
            ResultRows(session, self._settings).write(kept, uploaded)
            for run in alive:
                if run.job.job_id not in done:
                    run.error = LeaseLost("a newer run owns the job")
                    self._undo_if_deleted(session, run.job)
            ledger.settle(run.job for run in runs)

    def _undo_if_deleted(self, session: Session, job: Job) -> None:
        """The asset was deleted while results were written: take back what may be too late."""
        if Catalog(session).find_asset(job.tenant, job.asset_id):
            return
        self._points.delete_asset(job)
        prefix = self._settings.artifact_prefix(job.tenant, job.asset_id)
        self._artifacts.delete_prefix(self._settings.artifact_bucket, prefix)


def _by_members(runs: Sequence[JobRun]) -> Iterator[Sequence[JobRun]]:
    """Those without members together, the others one by one: each counts what was before it."""
    has_members = {run.job.job_id: bool(run.prepared and run.prepared.members) for run in runs}
    plain = [run for run in runs if not has_members[run.job.job_id]]
    yield from [plain] if plain else []
    yield from ([run] for run in runs if has_members[run.job.job_id])


def _end_failed(ledger: Ledger, run: JobRun, error: Exception, stopwatch: Stopwatch) -> None:
    action = judge(error).action
    if action is Action.FAIL:
        ledger.fail(run.job, failure_of(run.job, error), seconds=stopwatch.share_s(run.job))
    elif action is Action.RETRY:
        ledger.retry_later(run.job, failure_of(run.job, error))
