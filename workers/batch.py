"""One batch on its way through the runner: a run per job, with its outcome."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import ConfigurationError, Failure, TransientError
from schemas.job import Job
from schemas.segment import Segment
from workers.stage import Output, Prepared, Result, Source


@dataclass(eq=False)
class Trial:
    """Something that may fail without harming its neighbours."""

    #: What ended it early.
    error: Exception | None = None


class blame:  # noqa: N801  reads as what it does: `with blame(run):`
    """Note on the trial what goes wrong in the block, and go on.

    The one place that isolates a job from its neighbours; `verdicts.py` judges the error.
    A `TransientError` or `ConfigurationError` passes: an outside system or a setting is in
    trouble, and no job is to blame.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _tb: object
    ) -> bool:
        """Swallow what one job can be blamed for."""
        if not isinstance(error, Exception) or isinstance(
            error, TransientError | ConfigurationError
        ):
            return False
        self._trial.error = error
        return True


@dataclass(eq=False)
class JobRun(Trial):
    """One attempt at one job, as far as it got."""

    job: Job = field(kw_only=True)
    scratch: Path = field(kw_only=True)
    source: Source | None = None
    results: list[Result] = field(default_factory=list)

    @property
    def is_alive(self) -> bool:
        """Whether the job may still succeed."""
        return self.error is None

    @property
    def prepared(self) -> Prepared | None:
        """The result of `prepare`, if the job is one."""
        return next((r for r in self.results if isinstance(r, Prepared)), None)

    @property
    def failures(self) -> list[Failure]:
        """What could not be read although the job as a whole succeeded."""
        own = [r for r in self.results if isinstance(r, Failure)]
        return own + list(self.prepared.failures if self.prepared else ())

    def outputs(self) -> list[Output]:
        """Segments and embeddings, numbered in order."""
        outputs = [r for r in self.results if isinstance(r, Output)]
        return [
            Output(
                segment=output.segment.model_copy(update={"ordinal": ordinal}),
                embedding=output.embedding,
                sparse=output.sparse,
            )
            for ordinal, output in enumerate(outputs)
        ]

    def segments(self) -> dict[int, list[Segment]]:
        """Segments to store, by part."""
        if self.prepared:
            return {
                part: [s.model_copy(update={"ordinal": n}) for n, s in enumerate(segments)]
                for part, segments in self.prepared.texts.items()
            }
        return {self.job.part: [output.segment for output in self.outputs()]}


class Stopwatch:
    """Seconds of a batch, shared out to its jobs by cost."""

    def __init__(self, jobs: list[Job]) -> None:
        self._started_s = time.monotonic()
        self._total_cost = sum(job.cost for job in jobs) or 1.0

    def share_s(self, job: Job) -> float:
        """The job's share of the seconds so far."""
        return (time.monotonic() - self._started_s) * job.cost / self._total_cost
