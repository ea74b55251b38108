"""What commands and the API tell about assets; these shapes are promised to users."""

from pydantic import BaseModel, ConfigDict

from schemas.asset import ArtifactKind, AssetId, AssetState, MediaFacts, MediaType
from schemas.errors import Failure
from schemas.job import JobState
from schemas.search import Answer
from schemas.segment import Box


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True)


class StageReport(_Report):
    """All jobs of one stage on one asset, taken together."""

    #: The state of the job that is worst off.
    state: JobState
    #: Share of the batches' seconds, summed over parts and attempts that ended.
    seconds: float
    #: `Class: message` of the worst job.
    error: str | None = None
    n_segments: int = 0
    #: Title of the model that runs here; an untrained one says `random weights`.
    model: str | None = None


class ChildReport(_Report):
    """One asset inside another."""

    #: Names from the outer asset to this one.
    inside: tuple[str, ...]
    #: None once the user has deleted it.
    asset_id: AssetId | None
    media_type: MediaType | None
    state: AssetState
    #: `Class: message` of the first failure.
    error: str | None = None


class AssetReport(_Report):
    """One object of an ingest."""

    uri: str
    #: None if the object could not be read at all.
    asset_id: AssetId | None
    media_type: MediaType | None
    state: AssetState
    segments: int = 0
    stages: dict[str, StageReport] = {}
    failures: tuple[Failure, ...] = ()
    #: Assets inside it, at any depth, by state; theirs is no part of its own.
    children: dict[AssetState, int] = {}


class IngestReport(_Report):
    """What `ingest --wait --json` prints."""

    assets: tuple[AssetReport, ...]
    #: Number of assets by state.
    counts: dict[AssetState, int]
    seconds: float


class SegmentReport(_Report):
    """One segment as `show` prints it."""

    stage: str
    text: str | None
    role: str
    language: str | None
    confidence: float | None
    searchable: bool
    start_s: float | None
    end_s: float | None
    page: int | None
    box: Box | None


class ArtifactReport(_Report):
    """One artifact as `show` prints it."""

    kind: ArtifactKind
    part: int
    key: str
    size_bytes: int


class AssetDetails(_Report):
    """What `show --json` prints."""

    asset_id: AssetId
    uri: str
    #: Other objects with the same content.
    also_at: tuple[str, ...] = ()
    #: Names from the object at `uri` to this asset, if it is inside.
    inside: tuple[str, ...] = ()
    media_type: MediaType | None
    state: AssetState
    facts: MediaFacts | None
    stages: dict[str, StageReport]
    artifacts: tuple[ArtifactReport, ...]
    segments: tuple[SegmentReport, ...]
    failures: tuple[Failure, ...]
    #: What is inside it, at any depth; at most a thousand.
    children: tuple[ChildReport, ...] = ()


class StageStatus(_Report):
    """The backlog of one stage."""

    jobs: dict[JobState, int]
    #: Jobs that ended in the last minute, per second.
    rate_per_s: float
    #: Seconds until the backlog is done at that rate; None while nothing moves.
    eta_s: float | None


class WorkerReport(_Report):
    """One worker process."""

    name: str
    queues: tuple[str, ...]
    device: str
    #: Seconds since it was last heard of.
    silent_s: float
    is_alive: bool


class Attendance(_Report):
    """Who works in a cluster, and for which queues nobody does."""

    workers: tuple[WorkerReport, ...]
    #: Queues that no living worker takes.
    unattended: tuple[str, ...]
    #: Those of them that have work.
    waiting: tuple[str, ...]


class StatusReport(_Report):
    """What `status --json` prints."""

    assets: dict[AssetState, int]
    #: How many of them are inside others.
    n_children: int = 0
    stages: dict[str, StageStatus]
    #: Model titles by stage; an untrained one says so.
    models: dict[str, str]
    #: None where one process does everything.
    attendance: Attendance | None = None


class FailureReport(_Report):
    """One failure with the object it belongs to."""

    uri: str
    asset_id: AssetId
    failure: Failure
    #: Names from the object at `uri` to the asset, if it is inside.
    inside: tuple[str, ...] = ()


class FailureList(_Report):
    """What `failures --json` prints."""

    failures: tuple[FailureReport, ...]


class ChangeReport(_Report):
    """What `retry` and `delete` print with `--json`."""

    #: Jobs or assets that were changed.
    n_changed: int
    #: Number of assets by state afterwards.
    assets: dict[AssetState, int]


class Check(_Report):
    """One dependency as `doctor` found it."""

    name: str
    #: `ok`, `warning` or `error`.
    status: str
    found: str
    #: Of one question to a server that answers.
    latency_ms: float | None = None
    #: What to do about it.
    advice: str | None = None


class DoctorReport(_Report):
    """What `doctor --json` prints."""

    checks: tuple[Check, ...]


class DemoSearch(_Report):
    """One sample search."""

    title: str
    query: str
    answer: Answer


class DemoReport(_Report):
    """What `demo --json` prints."""

    ingest: IngestReport
    searches: tuple[DemoSearch, ...]
    #: Models whose output means nothing.
    untrained: tuple[str, ...]
