"""SQLAlchemy tables. Times are Unix seconds by the database's clock; see `database.db_now`."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Enum,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from schemas.asset import ArtifactKind, AssetState, MediaType
from schemas.events import EventType
from schemas.job import JobState


def _by_value(enum: type) -> Enum:
    """Store an enum as its value in a string column: a new member needs no migration."""
    return Enum(enum, native_enum=False, length=32, values_callable=lambda e: [m.value for m in e])


#: Ordered by bytes, as buckets list their keys; SQLite does so by itself.
_KEY = String().with_variant(String(collation="C"), "postgresql")


def _partial(name: str, *columns: str, where: str) -> Index:
    """An index of the few rows that a hot query looks for.

    Queries must spell its condition out: a parameter could be any value, so the planner would
    not use it. `IS_READY` and its siblings do.
    """
    return Index(name, *columns, postgresql_where=text(where), sqlite_where=text(where))


class Base(DeclarativeBase):
    """Common base; the map decides how Python types are stored."""

    type_annotation_map = {  # noqa: RUF012  SQLAlchemy's own declaration style
        JobState: _by_value(JobState),
        AssetState: _by_value(AssetState),
        MediaType: _by_value(MediaType),
        ArtifactKind: _by_value(ArtifactKind),
        EventType: _by_value(EventType),
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }


class AssetRow(Base):
    """Content, processed once however many objects hold it."""

    __tablename__ = "assets"
    __table_args__ = (
        UniqueConstraint("tenant", "sha256"),
        Index("ix_assets_state", "state"),
        _partial("ix_assets_unpurged", "id", where="state = 'deleted' AND purged_at IS NULL"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    sha256: Mapped[str | None] = mapped_column(comment="NULL until prepared, and once deleted")
    media_type: Mapped[MediaType | None]
    mime_type: Mapped[str | None]
    facts: Mapped[dict[str, Any] | None]
    state: Mapped[AssetState]
    visible: Mapped[bool] = mapped_column(
        default=True, comment="False hides it from search at once"
    )
    priority: Mapped[int]
    plan_version: Mapped[str] = mapped_column(comment="Versions of all stages when it was planned")
    created_at: Mapped[float]
    updated_at: Mapped[float]
    purged_at: Mapped[float | None] = mapped_column(
        comment="When a deleted asset's points were gone"
    )


class ObjectRow(Base):
    """What the bucket holds under one key, as last seen."""

    __tablename__ = "objects"
    __table_args__ = (UniqueConstraint("tenant", "bucket", "key"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    bucket: Mapped[str]
    key: Mapped[str] = mapped_column(_KEY)
    version_id: Mapped[str | None]
    etag: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    last_modified: Mapped[float]
    generation: Mapped[str] = mapped_column(
        comment="Identity of the bytes that the asset stands for"
    )
    asset_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("assets.id"), index=True, comment="NULL once the object is deleted"
    )
    parent_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("assets.id"), index=True, comment="The asset that holds it; NULL in a bucket"
    )
    seen_at: Mapped[float]
    n_looks: Mapped[int] = mapped_column(
        default=0,
        server_default="0",
        comment="Grows with every look at the bucket; an older look is not recorded",
    )


class ScanRow(Base):
    """How far the comparison of a bucket's listing with `objects` is, or was when it ended."""

    __tablename__ = "scans"

    tenant: Mapped[str] = mapped_column(primary_key=True)
    bucket: Mapped[str] = mapped_column(primary_key=True)
    prefix: Mapped[str] = mapped_column(primary_key=True)
    after_key: Mapped[str] = mapped_column(comment="Everything up to it is compared")
    n_listed: Mapped[int] = mapped_column(BigInteger)
    n_new: Mapped[int] = mapped_column(BigInteger)
    n_changed: Mapped[int] = mapped_column(BigInteger)
    n_gone: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[float]
    updated_at: Mapped[float]
    finished_at: Mapped[float | None]


class ArtifactRow(Base):
    """A derivative in the artifact store."""

    __tablename__ = "artifacts"

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("assets.id"), primary_key=True)
    kind: Mapped[ArtifactKind] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    contents: Mapped[dict[str, Any]] = mapped_column(comment="`images` and `audio` of the artifact")


class SegmentRow(Base):
    """A part of an asset that can be found; its point has the same id."""

    __tablename__ = "segments"
    __table_args__ = (Index("ix_segments_asset", "asset_id", "stage", "part", "ordinal"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("assets.id"))
    stage: Mapped[str]
    version: Mapped[str]
    part: Mapped[int]
    ordinal: Mapped[int]
    role: Mapped[str]
    text: Mapped[str | None]
    language: Mapped[str | None]
    confidence: Mapped[float | None]
    searchable: Mapped[bool]
    page: Mapped[int | None]
    start_s: Mapped[float | None]
    end_s: Mapped[float | None]
    box: Mapped[list[Any] | None]
    extra: Mapped[dict[str, Any]]


class JobRow(Base):
    """One stage on one part of one asset: the queue itself."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("asset_id", "stage", "version", "part"),
        # Jobs that have ended are nearly all there are; none of them is in these.
        _partial(
            "ix_jobs_ready",
            *("stage", "version", "priority", "tenant", "created_at", "part"),
            where="state = 'ready'",
        ),
        _partial(
            "ix_jobs_in_flight",
            *("stage", "priority", "batch_id"),
            where="state IN ('dispatched', 'running')",
        ),
        _partial("ix_jobs_lease", "lease_until", where="state = 'running'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("assets.id"))
    stage: Mapped[str]
    version: Mapped[str]
    part: Mapped[int]
    source: Mapped[str]
    source_part: Mapped[int]
    cost: Mapped[float]
    state: Mapped[JobState]
    priority: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=0, comment="Counted at claim, before any work")
    fence: Mapped[int] = mapped_column(
        default=0, comment="Grows at claim; older writers are refused"
    )
    not_before: Mapped[float] = mapped_column(default=0.0)
    lease_until: Mapped[float | None]
    batch_id: Mapped[UUID | None]
    dispatched_at: Mapped[float | None]
    worker: Mapped[str | None]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]
    seconds: Mapped[float | None] = mapped_column(comment="Share of the batch's time, by cost")
    error_class: Mapped[str | None]
    error_text: Mapped[str | None]
    created_at: Mapped[float]


#: States as the conditions of the partial indexes spell them.
IS_READY = JobRow.state == literal_column("'ready'")
IS_RUNNING = JobRow.state == literal_column("'running'")
IS_IN_FLIGHT = JobRow.state.in_([literal_column("'dispatched'"), literal_column("'running'")])


IS_UNPURGED = (AssetRow.state == literal_column("'deleted'")) & AssetRow.purged_at.is_(None)


class JobEdgeRow(Base):
    """`job_id` waits until `after_id` has ended."""

    __tablename__ = "job_edges"

    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    after_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), primary_key=True, index=True)


class FailureRow(Base):
    """One thing that went wrong on one asset."""

    __tablename__ = "failures"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    asset_id: Mapped[UUID] = mapped_column(ForeignKey("assets.id"), index=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id"), index=True)
    stage: Mapped[str]
    attempt: Mapped[int]
    category: Mapped[str]
    message: Mapped[str]
    locator: Mapped[dict[str, Any] | None]


class OutboxRow(Base):
    """An event, written in the transaction that makes it true."""

    __tablename__ = "outbox"
    __table_args__ = (_partial("ix_outbox_unsent", "id", where="sent_at IS NULL"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    tenant: Mapped[str]
    topic: Mapped[EventType]
    asset_id: Mapped[UUID]
    created_at: Mapped[float]
    sent_at: Mapped[float | None]


class SpaceRow(Base):
    """A vector collection that search may ask."""

    __tablename__ = "spaces"

    name: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    embedding_dim: Mapped[int]
    has_sparse: Mapped[bool]
    model: Mapped[dict[str, Any]]
    created_at: Mapped[float]


class WorkerRow(Base):
    """A process that takes batches, and when it was last heard of."""

    __tablename__ = "workers"

    name: Mapped[str] = mapped_column(primary_key=True)
    queues: Mapped[list[Any]]
    device: Mapped[str]
    started_at: Mapped[float]
    seen_at: Mapped[float]
