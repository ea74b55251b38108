"""One batch: claim, fetch, run, store, complete."""

import logging
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from infra.database import Database
from infra.ledger import Ledger
from infra.settings import Settings
from schemas.errors import ConfigurationError, TransientError
from schemas.job import BatchMessage, Job
from schemas.stages import STAGES, StageSpec
from workers.batch import JobRun, Stopwatch, Trial, blame
from workers.fetch import Fetcher, scratch_of
from workers.leases import LeaseKeeper
from workers.model_batches import DeviceLock, compute
from workers.results import ResultStore
from workers.stage_cache import StageCache
from workers.verdicts import judge

logger = logging.getLogger(__name__)

#: Batches that overlap in one process: while some compute, one is read or stored.
N_OVERLAPPED = 3
#: How long jobs rest after an outside system was in trouble.
PAUSE_S = 5.0


class Runner:
    """Runs batches; several may overlap on threads, the device takes them in turn."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        fetcher: Fetcher,
        results: ResultStore,
        stages: StageCache,
        leases: LeaseKeeper,
        name: str,
    ) -> None:
        self._database = database
        self._settings = settings
        self._fetcher = fetcher
        self._results = results
        self._stages = stages
        self._leases = leases
        self._name = name
        self._device = threading.BoundedSemaphore(stages.device.n_slots)
        #: A setting that stops this worker from doing its work; the process should end.
        self.defect: ConfigurationError | None = None

    def run_batch(self, message: BatchMessage) -> None:
        """Run the jobs of a batch that nobody holds. A repeated message finds nothing to do.

        Whatever happens, each job ends in the ledger as done, failed, waiting for another try,
        or given back; and if the process dies, the lease gives the jobs back.
        """
        spec = STAGES.get(message.stage)
        if spec is None or message.version != self._settings.versions[spec.name]:
            # Sent by a newer or older release: the sweeper returns the jobs to the backlog.
            logger.warning("batch_not_ours", extra={"stage": message.stage})
            return
        jobs = self._claim(message)
        if not jobs:
            return
        try:
            with self._leases.hold(jobs, spec.deadline_s), self._scratch(jobs) as runs:
                self._run(spec, runs)
        except (TransientError, ConfigurationError) as exc:
            self._release(jobs, exc)

    def _run(self, spec: StageSpec, runs: Sequence[JobRun]) -> None:
        stopwatch = Stopwatch([run.job for run in runs])
        with _blame_all(runs):
            self._compute(spec, runs)
        with _blame_all(runs) as storing:
            self._results.store(spec, runs, stopwatch)
        if storing.error:
            self._results.store(spec, runs, stopwatch)
        for run in runs:
            _log_outcome(run)

    def _compute(self, spec: StageSpec, runs: Sequence[JobRun]) -> None:
        with self._stages.borrow(spec) as stage:
            for run in runs:
                with blame(run):
                    run.source = self._fetcher.fetch(run.job, run.scratch)
            compute(stage, runs, spec.model_batch, self._device_lock(spec))

    def _device_lock(self, spec: StageSpec) -> DeviceLock:
        """`prepare` computes in child processes, everything else on the device."""
        return self._device if spec.needs_model else nullcontext()

    def _claim(self, message: BatchMessage) -> list[Job]:
        with self._database.session_scope() as session:
            ledger = Ledger(session, max_attempts=self._settings.max_attempts)
            return ledger.claim(message.job_ids, self._name, self._settings.lease_s)

    def _release(self, jobs: Sequence[Job], error: TransientError | ConfigurationError) -> None:
        """Give the jobs back: they are innocent and lose no attempt.

        If the database is the one in trouble, the leases run out instead.
        """
        logger.error("batch_released", extra={"stage": jobs[0].stage, "error": str(error)})
        if isinstance(error, ConfigurationError):
            self.defect = error
        with self._database.session_scope() as session:
            Ledger(session).release(jobs, pause_s=PAUSE_S)

    @contextmanager
    def _scratch(self, jobs: Sequence[Job]) -> Iterator[list[JobRun]]:
        """One run with a private directory per job; removed whatever happens."""
        root = self._settings.scratch_dir
        runs = [JobRun(job=job, scratch=scratch_of(job, root)) for job in jobs]
        try:
            yield runs
        finally:
            for run in runs:
                shutil.rmtree(run.scratch, ignore_errors=True)


@contextmanager
def _blame_all(runs: Sequence[JobRun]) -> Iterator[Trial]:
    """What cannot be pinned on one job, like a stage that does not load, is tried again by all."""
    batch = Trial()
    with blame(batch):
        yield batch
    for run in runs:
        run.error = run.error or batch.error


def clear_scratch(root: Path) -> None:
    """Remove what a killed process left; only while no other process uses the folder."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True, exist_ok=True)


def _log_outcome(run: JobRun) -> None:
    ids = {"job_id": str(run.job.job_id), "asset_id": str(run.job.asset_id)}
    extra = {**ids, "stage": run.job.stage, "attempt": run.job.attempts}
    if run.error is None:
        logger.info("job_completed", extra={**extra, "n_results": len(run.results)})
        return
    verdict = judge(run.error)
    extra["error"] = f"{type(run.error).__name__}: {run.error}"
    defect = run.error if verdict.log_level >= logging.ERROR else None
    logger.log(verdict.log_level, verdict.event, extra=extra, exc_info=defect)
