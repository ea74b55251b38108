"""Stores what a batch made: files and vectors first, then one transaction for all its jobs."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from infra.backlog import Backlog, Planned
from infra.catalog import Catalog
from infra.contents import Contents
from infra.database import Database
from infra.holders import Holders
from infra.ledger import Completed, Ledger
from infra.members import Members
from infra.object_store import ObjectStore
from infra.settings import Settings
from infra.vectors.store import Payload, Point, Scope, Space, Sparse, VectorStore
from schemas.asset import Artifact, AssetId, ObjectRef
from schemas.errors import LeaseLost
from schemas.job import Job, JobId
from schemas.member import Member
from schemas.plan import plan, plan_prepare
from schemas.segment import place, segment_id
from schemas.stages import STAGES, StageSpec, model_fingerprint, plan_version
from workers.batch import JobRun, Stopwatch
from workers.members import MemberStore
from workers.stage import ArtifactFile, Output, Source
from workers.verdicts import Action, failure_of, judge

logger = logging.getLogger(__name__)


class Uploaded(NamedTuple):
    """What of one run is in the artifact store; nobody can find it yet."""

    artifacts: list[Artifact]
    members: list[Member]


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
        self._vectors = vectors
        self._settings = settings
        self._members = MemberStore(database, artifacts, settings)
        self._spaces: dict[str, Space] = {}
        self._lock = threading.Lock()

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
            self._write_points(spec, spec.space, [run for run in runs if run.is_alive])
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

    def _write_points(self, spec: StageSpec, space_name: str, runs: Sequence[JobRun]) -> None:
        """Replace the points of each job; visible and durable when it returns."""
        for run in runs:
            points = [
                _point(run.job, run.source, output)
                for output in run.outputs()
                if output.embedding is not None and run.source is not None
            ]
            space = self._space(spec, space_name, points)
            if space:
                scope = Scope(asset_id=run.job.asset_id, stage=spec.name, part=run.job.part)
                self._vectors.replace(space, run.job.tenant, scope, points)

    def _space(self, spec: StageSpec, name: str, points: Sequence[Point]) -> Space | None:
        """The stage's space, created with the first embedding; None while there is none."""
        with self._lock:
            if name not in self._spaces and points:
                model = self._settings.model_refs[spec.name]
                space = Space(
                    name=name,
                    fingerprint=model_fingerprint(model),
                    embedding_dim=points[0].dense.shape[0],
                    has_sparse=points[0].sparse is not None,
                )
                self._vectors.ensure(space)
                with self._database.session_scope() as session:
                    Contents(session).put_space(space, model)
                self._spaces[name] = space
            return self._spaces.get(name)

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
            self._write_rows(session, [run for run in alive if run.job.job_id in done], uploaded)
            for run in alive:
                if run.job.job_id not in done:
                    run.error = LeaseLost("a newer run owns the job")
                    self._undo_if_deleted(session, run.job)
            ledger.settle(run.job for run in runs)

    def _write_rows(
        self, session: Session, runs: Sequence[JobRun], uploaded: Mapping[JobId, Uploaded]
    ) -> None:
        """Rows of jobs that are done, in the transaction that ended them."""
        contents = Contents(session)
        twins = _twins(session, runs)
        kept = [run for run in runs if run.job.job_id not in twins]
        opened = [run for run in kept if run.prepared]
        facts = {run.job.asset_id: run.prepared.facts for run in opened if run.prepared}
        Catalog(session).describe(facts)
        if opened:
            contents.put_artifacts(
                {run.job.asset_id: uploaded[run.job.job_id].artifacts for run in opened}
            )
        contents.put_segments([(run.job, run.segments()) for run in kept])
        Backlog(session).add_all(self._planned(run, uploaded[run.job.job_id]) for run in opened)
        self._plant_all(session, opened, uploaded)
        for run in runs:
            if run.job.job_id in twins:
                self._merge(session, run.job, twins[run.job.job_id])

    def _planned(self, run: JobRun, uploaded: Uploaded) -> Planned:
        """What comes after `prepare`."""
        text_parts = [part for part, segments in run.segments().items() if segments]
        ordered = sorted(uploaded.artifacts, key=lambda artifact: (artifact.kind, artifact.part))
        jobs = plan(ordered, text_parts, self._settings.versions)
        return Planned(run.job.asset_id, run.job.tenant, jobs, run.job.priority)

    def _merge(self, session: Session, job: Job, twin: AssetId) -> None:
        """Give what holds the asset to the one with the same content.

        A member that turns out to be what it is inside of would hold itself: it goes.
        """
        catalog = Catalog(session)
        if twin in Holders(session).around(job.asset_id):
            logger.warning("member_holds_itself", extra={"asset_id": str(job.asset_id)})
            Backlog(session).cancel(catalog.tombstone([job.asset_id]))
        else:
            catalog.merge(job.asset_id, into=twin)

    def _plant_all(
        self, session: Session, runs: Sequence[JobRun], uploaded: Mapping[JobId, Uploaded]
    ) -> None:
        """Members of those that have some, or had."""
        had = Members(session).parents_among([run.job.asset_id for run in runs])
        for run in runs:
            if (members := uploaded[run.job.job_id].members) or run.job.asset_id in had:
                self._plant(session, run.job, members)

    def _plant(self, session: Session, job: Job, members: Sequence[Member]) -> None:
        """Make these the members of the job's asset, and plan what is new.

        `describe` has locked the parent's row: who deletes it waits, and then finds them.
        """
        catalog, backlog, versions = Catalog(session), Backlog(session), self._settings.versions
        planted = Members(session).put(job, members, plan_version(versions))
        backlog.cancel(catalog.tombstone(catalog.orphans(planted.let_go)))
        for asset_id, size_bytes in planted.new.items():
            backlog.add(asset_id, job.tenant, plan_prepare(size_bytes, versions), job.priority)

    def _undo_if_deleted(self, session: Session, job: Job) -> None:
        """The asset was deleted while results were written: take back what may be too late."""
        if Catalog(session).find_asset(job.tenant, job.asset_id):
            return
        if space := self._spaces.get(STAGES[job.stage].space or ""):
            self._vectors.delete_asset(space, job.tenant, job.asset_id)
        prefix = self._settings.artifact_prefix(job.tenant, job.asset_id)
        self._artifacts.delete_prefix(self._settings.artifact_bucket, prefix)


def _by_members(runs: Sequence[JobRun]) -> Iterator[Sequence[JobRun]]:
    """Those without members together, the others one by one: each counts what was before it."""
    has_members = {run.job.job_id: bool(run.prepared and run.prepared.members) for run in runs}
    plain = [run for run in runs if not has_members[run.job.job_id]]
    yield from [plain] if plain else []
    yield from ([run] for run in runs if has_members[run.job.job_id])


def _twins(session: Session, runs: Sequence[JobRun]) -> dict[JobId, AssetId]:
    """Jobs whose content another asset of the tenant has, with that asset.

    Of several in one batch with the same content, the first keeps it.
    """
    twins: dict[JobId, AssetId] = {}
    opened = [(run.job, run.prepared.facts.sha256) for run in runs if run.prepared]
    for tenant in sorted({job.tenant for job, _ in opened}):
        own = [(job, sha256) for job, sha256 in opened if job.tenant == tenant]
        holders = Catalog(session).with_content(tenant, sorted({sha256 for _, sha256 in own}))
        for job, sha256 in own:
            holder = holders.setdefault(sha256, job.asset_id)
            if holder != job.asset_id:
                twins[job.job_id] = holder
    return twins


def _end_failed(ledger: Ledger, run: JobRun, error: Exception, stopwatch: Stopwatch) -> None:
    action = judge(error).action
    if action is Action.FAIL:
        ledger.fail(run.job, failure_of(run.job, error), seconds=stopwatch.share_s(run.job))
    elif action is Action.RETRY:
        ledger.retry_later(run.job, failure_of(run.job, error))


def _point(job: Job, source: Source, output: Output) -> Point:
    facts, segment = source.facts, output.segment
    assert facts is not None  # jobs with a space run after `prepare`
    where = place(segment.locator)
    return Point(
        id=segment_id(job.tenant, job.asset_id, job.stage, job.version, job.part, segment.ordinal),
        dense=np.asarray(output.embedding, dtype=np.float32),
        sparse=Sparse(*output.sparse) if output.sparse else None,
        payload=Payload(
            asset_id=job.asset_id,
            stage=job.stage,
            version=job.version,
            part=job.part,
            ordinal=segment.ordinal,
            kind=facts.media_type,
            mime_type=facts.mime_type,
            bucket=source.ref.bucket,
            fence=job.fence,
            created_at=source.created_at_s,
            page=where.page,
            start_s=where.start_s,
            end_s=where.end_s,
            language=segment.language,
        ),
    )
