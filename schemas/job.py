"""Jobs: one stage on one part of one asset, as a row; and the one message on the broker."""

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import NewType
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from schemas.asset import AssetId
from schemas.segment import NAMESPACE

JobId = NewType("JobId", UUID)


class JobState(StrEnum):
    """Life of a job."""

    #: Planned, but a job it reads from has not ended.
    WAITING = "waiting"
    #: May be dispatched once `not_before` has passed.
    READY = "ready"
    #: In a batch on the broker.
    DISPATCHED = "dispatched"
    #: A worker holds the lease.
    RUNNING = "running"
    DONE = "done"
    #: Bad input: running again would fail again.
    FAILED = "failed"
    #: Used all attempts by crashing or through a defect of ours.
    QUARANTINED = "quarantined"
    #: Not needed any more: the asset was deleted, or nothing is left to read.
    CANCELLED = "cancelled"


#: States that end a job.
TERMINAL_JOB_STATES = frozenset(
    {JobState.DONE, JobState.FAILED, JobState.QUARANTINED, JobState.CANCELLED}
)


class Priority(IntEnum):
    """Priority classes; lower is served first."""

    INTERACTIVE = 0
    NORMAL = 1
    BULK = 2


class JobPlan(BaseModel):
    """One job as the planner wants it to exist."""

    model_config = ConfigDict(frozen=True)

    stage: str
    version: str
    #: 0-based, counted over all that this stage reads of this asset.
    part: int = 0
    #: What the job reads: an artifact kind, or the stage whose text it is; and which part.
    source: str
    source_part: int = 0
    #: In the stage's cost unit (pixels, seconds, characters); batches are filled by it.
    cost: float = 1.0
    #: (stage, part) of jobs that must end first.
    after: tuple[tuple[str, int], ...] = ()


class Job(BaseModel):
    """A claimed job: what a worker needs to run it and to prove that it still may."""

    model_config = ConfigDict(frozen=True)

    job_id: JobId
    asset_id: AssetId
    tenant: str
    stage: str
    version: str
    part: int
    source: str
    source_part: int
    cost: float
    priority: Priority
    #: 1-based once claimed: counted before work, so that a crash is counted too.
    attempts: int
    #: Grows with each claim; a writer with an older fence is refused.
    fence: int


class BatchMessage(BaseModel):
    """The one message on the broker: ids only, a hint that these jobs are ready."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Raised when a reader of the old shape could not understand the new one.
    schema_version: int = 1
    batch_id: UUID
    stage: str
    version: str
    #: Of all jobs of the batch; decides the queue.
    priority: Priority = Priority.NORMAL
    job_ids: tuple[JobId, ...] = Field(min_length=1)


class JobOutcome(BaseModel):
    """How a job ended, for reports."""

    model_config = ConfigDict(frozen=True)

    stage: str
    part: int
    state: JobState
    attempts: int
    seconds: float | None
    error_class: str | None
    error_text: str | None
    finished_at: datetime | None


def job_id(asset_id: AssetId, stage: str, version: str, part: int) -> JobId:
    """Name a job; planning the same asset twice names the same jobs."""
    return JobId(uuid5(NAMESPACE, f"job|{asset_id}|{stage}|{version}|{part}"))
