"""Objects that clients bring themselves: by presigned URLs, or through us where they cannot.

The key is made here and ends with the client's name for it, which is for people only. However the
bytes came, the object is admitted like one that an event names.
"""

import tempfile
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, NamedTuple
from uuid import UUID, uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from infra.object_store import ObjectStore
from infra.s3_uploads import EXPIRES_S, S3Uploads
from infra.settings import Settings
from orchestrator.intake.events import Intake
from orchestrator.intake.scan import split_source
from schemas.asset import ObjectRef
from schemas.errors import MediaTooLarge, ObjectNotFound
from schemas.job import Priority

#: From this size on a file is sent in parts, which can be sent again one by one.
_PART_BYTES = 64 << 20
#: URLs of one answer; larger files have larger parts.
_MAX_PARTS = 1000

#: A name for people: no slash, no control characters, and room for our part of the key.
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^/\x00-\x1f\x7f]+$")]


class Place(NamedTuple):
    """Where uploads go, and how large one may be."""

    bucket: str
    #: Start of every key; empty or with a slash at its end.
    prefix: str
    tenant: str
    max_bytes: int
    scratch: Path

    def new_ref(self, name: str) -> ObjectRef:
        """A key that nobody else has."""
        return ObjectRef(bucket=self.bucket, key=f"{self.root}{uuid4()}/{name}")

    @property
    def root(self) -> str:
        """Start of the tenant's keys: nobody completes an upload outside of it."""
        return f"{self.prefix}{self.tenant}/"


def place_of(settings: Settings) -> Place:
    """Where the settings say that uploads go.

    Raises:
        ConfigurationError: that is no bucket.
    """
    bucket, prefix = split_source(settings.upload_url)
    return Place(
        bucket=bucket,
        prefix=f"{prefix.rstrip('/')}/" if prefix else "",
        tenant=settings.tenant,
        max_bytes=settings.media_limits.object_bytes,
        scratch=settings.scratch_dir,
    )


class UploadRequest(BaseModel):
    """What a client wants to bring."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    size_bytes: int = Field(ge=0)


class UploadPart(BaseModel):
    """One PUT that the client is to make, of exactly this size."""

    number: int
    size_bytes: int
    url: str


class UploadPlan(BaseModel):
    """Where to send the bytes; then `POST /v1/uploads/complete` with the key."""

    key: str
    #: Of an upload in parts; None if there is one part that is the whole.
    upload_id: str | None
    parts: list[UploadPart]
    expires_s: int = EXPIRES_S


class CompleteRequest(BaseModel):
    """All bytes were sent."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(max_length=1024)
    upload_id: str | None = None
    #: `ETag` of each part's answer, in order; only with an `upload_id`.
    etags: list[str] = Field(default_factory=list, max_length=_MAX_PARTS)


class Uploaded(BaseModel):
    """The object is admitted."""

    uri: str
    asset_id: UUID | None


def create_router(
    intake: Intake, objects: ObjectStore, uploads: S3Uploads, place: Place
) -> APIRouter:
    """The routes.

    Args:
        intake: admits what was uploaded.
        objects: takes the bytes that come through us.
        uploads: signs URLs for those that do not.
        place: where uploads go.
    """
    router = APIRouter()

    def admit(ref: ObjectRef) -> Uploaded:
        admitted = intake.admit(ref, place.tenant, Priority.INTERACTIVE)
        return Uploaded(uri=ref.uri, asset_id=admitted.asset_id)

    @router.post("/v1/uploads", status_code=HTTPStatus.CREATED)
    def plan_upload(request: UploadRequest) -> UploadPlan:
        """Where to PUT a file: one URL, or one for each part of a large file."""
        _check_size(request.name, request.size_bytes, place.max_bytes)
        return _plan(uploads, place.new_ref(request.name), request.size_bytes)

    @router.post("/v1/uploads/complete")
    def complete_upload(request: CompleteRequest) -> Uploaded:
        """Put the parts together and admit the object. Safe to repeat."""
        if not request.key.startswith(place.root):
            raise ObjectNotFound(f"key {request.key!r}: expected one of /v1/uploads")
        ref = ObjectRef(bucket=place.bucket, key=request.key)
        if request.upload_id:
            _complete(objects, uploads, ref, request)
        return admit(ref)

    @router.put("/v1/objects/{name}", status_code=HTTPStatus.CREATED)
    async def put_object(name: Name, request: Request) -> Uploaded:
        """Take the bytes of a file as the body, and admit it."""
        ref = place.new_ref(name)
        place.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place.scratch) as scratch:
            await _receive(request.stream(), Path(scratch.name), place.max_bytes)
            await run_in_threadpool(objects.upload, Path(scratch.name), ref)
        return await run_in_threadpool(admit, ref)

    return router


def _plan(uploads: S3Uploads, ref: ObjectRef, size_bytes: int) -> UploadPlan:
    if size_bytes <= _PART_BYTES:
        whole = UploadPart(number=1, size_bytes=size_bytes, url=uploads.presign(ref, size_bytes))
        return UploadPlan(key=ref.key, upload_id=None, parts=[whole])
    part_bytes = max(_PART_BYTES, -(-size_bytes // _MAX_PARTS))
    upload_id = uploads.begin(ref)
    parts = []
    for number, start in enumerate(range(0, size_bytes, part_bytes), 1):
        n_bytes = min(part_bytes, size_bytes - start)
        url = uploads.presign_part(ref, upload_id, number, n_bytes)
        parts.append(UploadPart(number=number, size_bytes=n_bytes, url=url))
    return UploadPlan(key=ref.key, upload_id=upload_id, parts=parts)


def _complete(
    objects: ObjectStore, uploads: S3Uploads, ref: ObjectRef, request: CompleteRequest
) -> None:
    assert request.upload_id
    try:
        uploads.complete(ref, request.upload_id, request.etags)
    except ObjectNotFound:
        objects.head(ref)  # asked for twice: the first one put it together


async def _receive(stream: AsyncIterator[bytes], path: Path, max_bytes: int) -> None:
    """Write a body to disk as it comes; its length is only a claim."""
    n_bytes = 0
    with path.open("wb") as target:
        async for piece in stream:
            n_bytes += len(piece)
            _check_size("the body", n_bytes, max_bytes)
            target.write(piece)


def _check_size(name: str, n_bytes: int, max_bytes: int) -> None:
    if n_bytes > max_bytes:
        raise MediaTooLarge(f"{name}: {n_bytes} bytes, at most {max_bytes} expected")
