"""Brings a job's input to local disk."""

from dataclasses import replace
from pathlib import Path

from infra.catalog import Catalog
from infra.contents import Contents
from infra.database import Database
from infra.holders import HeldObject, Holders
from infra.object_store import ObjectStore
from infra.settings import Settings
from schemas.asset import ArtifactKind, ObjectRef
from schemas.errors import ObjectNotFound
from schemas.job import Job
from schemas.member import Located
from schemas.stages import OBJECT, STAGES
from workers.stage import Source

#: Neutral local name: nothing of a key ever becomes part of a path or a command line.
_INPUT_NAME = "input"


class Fetcher:
    """Downloads objects and artifacts, and reads text that other stages wrote."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        artifacts: ObjectStore,
        settings: Settings,
    ) -> None:
        self._database = database
        self._objects = objects
        self._artifacts = artifacts
        self._settings = settings
        self._artifact_bucket = settings.artifact_bucket
        self._max_object_bytes = settings.media_limits.object_bytes

    def fetch(self, job: Job, scratch: Path) -> Source:
        """One job's input.

        Raises:
            ObjectNotFound: the bucket holds none of the asset's objects any more.
            ObjectChanged: the object was replaced while it was read.
            MediaTooLarge: the object passes the size limit.
        """
        with self._database.read_scope() as session:
            held = Holders(session).held(job.asset_id)
            asset = Catalog(session).find_asset(job.tenant, job.asset_id)
        if asset is None or not held:
            raise ObjectNotFound(f"asset {job.asset_id}: no object holds it any more")
        if job.source == OBJECT:
            located, path = self._download_object(job, held, scratch)
            depth = len(located.inside)
            return Source(job=job, scratch=scratch, ref=located.named, depth=depth, path=path)
        source = Source(
            job=job,
            scratch=scratch,
            ref=held[0].located.named,
            facts=asset.facts,
            created_at_s=asset.created_at_s,
        )
        if job.source in STAGES:
            return self._with_text(source)
        return self._with_artifact(source)

    def _download_object(
        self, job: Job, held: list[HeldObject], scratch: Path
    ) -> tuple[Located, Path]:
        """The first object whose bytes are still there; all of them have the same content."""
        path = _input_in(scratch)
        for one in held[:-1]:
            try:
                self._download_one(job, one, path)
            except ObjectNotFound:
                continue
            return one.located, path
        self._download_one(job, held[-1], path)
        return held[-1].located, path

    def _download_one(self, job: Job, held: HeldObject, path: Path) -> None:
        """Read what the bucket holds now, and record it if that is another generation.

        The bytes of a member are named by their content and lie with the parent's artifacts.
        """
        if held.parent_id:
            ref = self._settings.member_ref(job.tenant, held.parent_id, held.object_id)
            head = self._artifacts.head(ref)
            self._artifacts.download(head, path, max_bytes=self._max_object_bytes)
            return
        head = self._objects.head(held.ref)
        self._objects.download(head, path, max_bytes=self._max_object_bytes)
        if head.generation != held.generation:
            with self._database.session_scope() as session:
                Catalog(session).record_head(job.asset_id, head)

    def _with_text(self, source: Source) -> Source:
        job = source.job
        with self._database.read_scope() as session:
            found = Contents(session).segments(job.asset_id, job.source, job.source_part)
        return replace(source, segments=[segment for _, segment in found])

    def _with_artifact(self, source: Source) -> Source:
        job = source.job
        with self._database.read_scope() as session:
            artifact = Contents(session).get_artifact(
                job.asset_id, ArtifactKind(job.source), job.source_part
            )
        ref = ObjectRef(bucket=self._artifact_bucket, key=artifact.key)
        path = _input_in(source.scratch)
        head = self._artifacts.head(ref)
        self._artifacts.download(head, path, max_bytes=self._max_object_bytes)
        return replace(source, path=path, artifact=artifact)


def scratch_of(job: Job, root: Path) -> Path:
    """A private directory for one attempt at one job; the fence makes its name new."""
    return root / f"{job.job_id}-{job.fence}"


def _input_in(scratch: Path) -> Path:
    """Where the input goes; what reads rows alone has no directory."""
    scratch.mkdir(parents=True, mode=0o700)
    return scratch / _INPUT_NAME
