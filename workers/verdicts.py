"""The table that decides what an exception means for a job."""

import logging
from enum import Enum
from typing import NamedTuple

from schemas.errors import (
    DeviceOutOfMemory,
    Failure,
    LeaseLost,
    ObjectChanged,
    PermanentError,
    SandboxCrashed,
)
from schemas.job import Job


class Action(Enum):
    """What happens to the job."""

    #: Bad input: the job ends, the reason is stored.
    FAIL = "fail"
    #: Perhaps not its fault: again later, alone in the end, then quarantined.
    RETRY = "retry"
    #: A newer run owns it: nothing may be written.
    DROP = "drop"


_EVENTS = {
    Action.FAIL: "job_failed",
    Action.RETRY: "job_retried",
    Action.DROP: "job_lost",
}


class Verdict(NamedTuple):
    """An exception's meaning, and how loudly it is logged."""

    action: Action
    log_level: int

    @property
    def event(self) -> str:
        """Name of the log event."""
        return _EVENTS[self.action]


#: First match wins; `Exception` is everything else: our defect.
#: `TransientError` is not here: it pauses the whole worker and blames no job.
VERDICTS: list[tuple[type[Exception], Verdict]] = [
    (LeaseLost, Verdict(Action.DROP, logging.INFO)),
    (PermanentError, Verdict(Action.FAIL, logging.INFO)),
    (ObjectChanged, Verdict(Action.RETRY, logging.WARNING)),
    (DeviceOutOfMemory, Verdict(Action.RETRY, logging.WARNING)),
    (SandboxCrashed, Verdict(Action.RETRY, logging.WARNING)),
    (Exception, Verdict(Action.RETRY, logging.ERROR)),
]


def judge(error: Exception) -> Verdict:
    """What to do with a job that ended in this exception."""
    return next(verdict for kind, verdict in VERDICTS if isinstance(error, kind))


def failure_of(job: Job, error: Exception) -> Failure:
    """The exception as a record. Unknown classes keep their own name: never 'bad media'."""
    return Failure(
        category=type(error).__name__,
        message=str(error) or repr(error),
        stage=job.stage,
        attempt=job.attempts,
    )
