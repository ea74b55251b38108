"""Things that tests talk about: `make_x` builds a value, `plant_x` also stores it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from infra.admission import Admissions
from infra.backlog import Backlog
from infra.ledger import Ledger
from schemas.asset import (
    Artifact,
    ArtifactKind,
    Asset,
    AssetId,
    AssetState,
    ImageMember,
    MediaFacts,
    MediaType,
    ObjectHead,
    ObjectRef,
)
from schemas.errors import Failure
from schemas.job import BatchMessage, Job, JobId, JobPlan, Priority, job_id
from schemas.segment import Segment
from schemas.stages import ModelRef

#: Versions of every stage in tests that do not care.
VERSION = "v1"


def make_ref(**overrides: Any) -> ObjectRef:
    return ObjectRef(**{"bucket": "b", "key": "holiday/a.jpg", **overrides})


def make_head(**overrides: Any) -> ObjectHead:
    """`key` and `bucket` may be given instead of `ref`."""
    ref = {k: overrides.pop(k) for k in ("bucket", "key", "version_id") if k in overrides}
    fields = {
        "ref": make_ref(**ref),
        "size_bytes": 1000,
        "etag": "e1",
        "last_modified": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return ObjectHead(**{**fields, **overrides})


def make_facts(**overrides: Any) -> MediaFacts:
    fields = {
        "media_type": MediaType.IMAGE,
        "mime_type": "image/jpeg",
        "sha256": "a" * 64,
        "size_bytes": 1000,
    }
    return MediaFacts(**{**fields, **overrides})


def make_asset(**overrides: Any) -> Asset:
    fields = {
        "asset_id": AssetId(uuid4()),
        "tenant": "t",
        "sha256": "a" * 64,
        "state": AssetState.READY,
        "facts": make_facts(),
        "created_at_s": 1.7e9,
    }
    return Asset(**{**fields, **overrides})


def make_artifact(**overrides: Any) -> Artifact:
    fields = {
        "kind": ArtifactKind.VIEW,
        "part": 0,
        "key": f"t/{uuid4()}/v1/view-0.tar",
        "size_bytes": 10,
        "images": (ImageMember(name="0.jpg", width_px=4, height_px=3),),
    }
    return Artifact(**{**fields, **overrides})


def make_plan(**overrides: Any) -> JobPlan:
    return JobPlan(**{"stage": "prepare", "version": VERSION, "source": "object", **overrides})


def make_job(**overrides: Any) -> Job:
    asset_id = overrides.get("asset_id", AssetId(uuid4()))
    fields = {
        "asset_id": asset_id,
        "tenant": "t",
        "stage": "ocr",
        "version": VERSION,
        "part": 0,
        "source": "view",
        "source_part": 0,
        "cost": 1.0,
        "priority": Priority.NORMAL,
        "attempts": 0,
        "fence": 0,
    }
    fields |= overrides
    name = job_id(asset_id, fields["stage"], fields["version"], fields["part"])
    return Job(**{"job_id": name, **fields})


def make_segment(**overrides: Any) -> Segment:
    return Segment(**{"ordinal": 0, "text": "hello", **overrides})


def make_failure(**overrides: Any) -> Failure:
    fields = {"category": "UnreadableMedia", "message": "page 7 is torn", "stage": "ocr"}
    return Failure(**{**fields, **overrides})


def make_model(**overrides: Any) -> ModelRef:
    return ModelRef(**{"source": "fake/model", "revision": "r1", "family": "fake", **overrides})


def make_message(jobs: Sequence[Job | UUID], **overrides: Any) -> BatchMessage:
    ids = tuple(JobId(job.job_id if isinstance(job, Job) else job) for job in jobs)
    fields = {"batch_id": uuid4(), "stage": "ocr", "version": VERSION, "job_ids": ids}
    return BatchMessage(**{**fields, **overrides})


def plant_asset(
    session: Session,
    jobs: Sequence[JobPlan] = (),
    *,
    tenant: str = "t",
    priority: Priority = Priority.NORMAL,
    **head: Any,
) -> AssetId:
    """Store an object, its asset and its jobs; `head` overrides the object's fields."""
    found = make_head(**{"key": f"{uuid4()}.jpg", **head})
    admission = Admissions(session).admit(tenant, [found], priority, "plan-1")[0]
    Backlog(session).plan(admission.asset_id, tenant, jobs, priority)
    return admission.asset_id


def claim(session: Session, job_ids: Sequence[UUID], worker: str = "w1") -> list[Job]:
    """Claim as a worker does."""
    return Ledger(session).claim([JobId(i) for i in job_ids], worker, lease_s=60.0)


def claim_all(session: Session, stage: str, version: str = VERSION) -> list[Job]:
    """Claim everything of a stage that may be dispatched."""
    ready = Backlog(session).take_ready(stage, version, limit=1000)
    return claim(session, [job.job_id for job in ready])
