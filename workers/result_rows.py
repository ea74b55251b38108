"""Rows of jobs that are done: contents, members, and the jobs that follow."""

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy.orm import Session

from infra.backlog import Backlog, Planned
from infra.catalog import Catalog
from infra.contents import Contents
from infra.holders import Holders
from infra.members import Members
from infra.settings import Settings
from schemas.asset import Artifact, AssetId
from schemas.job import Job, JobId
from schemas.member import Member
from schemas.plan import plan, plan_prepare
from schemas.stages import plan_version
from workers.batch import JobRun

logger = logging.getLogger(__name__)


class Uploaded(NamedTuple):
    """What of one run is in the artifact store; nobody can find it yet."""

    artifacts: list[Artifact]
    members: list[Member]


class ResultRows:
    """Writes in the transaction that ended the jobs: both are there, or neither."""

    def __init__(self, session: Session, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    def write(self, runs: Sequence[JobRun], uploaded: Mapping[JobId, Uploaded]) -> None:
        """Write what the runs made, and plan what comes after it."""
        session = self._session
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
        self._plant_all(opened, uploaded)
        for run in runs:
            if run.job.job_id in twins:
                self._merge(run.job, twins[run.job.job_id])

    def _planned(self, run: JobRun, uploaded: Uploaded) -> Planned:
        """What comes after `prepare`."""
        text_parts = [part for part, segments in run.segments().items() if segments]
        ordered = sorted(uploaded.artifacts, key=lambda artifact: (artifact.kind, artifact.part))
        jobs = plan(ordered, text_parts, self._settings.versions)
        return Planned(run.job.asset_id, run.job.tenant, jobs, run.job.priority)

    def _merge(self, job: Job, twin: AssetId) -> None:
        """Give what holds the asset to the one with the same content.

        A member that turns out to be what it is inside of would hold itself: it goes.
        """
        catalog = Catalog(self._session)
        if twin in Holders(self._session).around(job.asset_id):
            logger.warning("member_holds_itself", extra={"asset_id": str(job.asset_id)})
            Backlog(self._session).cancel(catalog.tombstone([job.asset_id]))
        else:
            catalog.merge(job.asset_id, into=twin)

    def _plant_all(self, runs: Sequence[JobRun], uploaded: Mapping[JobId, Uploaded]) -> None:
        """Members of those that have some, or had."""
        had = Members(self._session).parents_among([run.job.asset_id for run in runs])
        for run in runs:
            if (members := uploaded[run.job.job_id].members) or run.job.asset_id in had:
                self._plant(run.job, members)

    def _plant(self, job: Job, members: Sequence[Member]) -> None:
        """Make these the members of the job's asset, and plan what is new.

        `describe` has locked the parent's row: who deletes it waits, and then finds them.
        """
        session = self._session
        catalog, backlog, versions = Catalog(session), Backlog(session), self._settings.versions
        planted = Members(session).put(job, members, plan_version(versions))
        backlog.cancel(catalog.tombstone(catalog.orphans(planted.let_go)))
        for asset_id, size_bytes in planted.new.items():
            backlog.add(asset_id, job.tenant, plan_prepare(size_bytes, versions), job.priority)


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
