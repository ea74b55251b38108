"""Brings what `prepare` found inside an asset to the artifact store, as far as limits allow."""

import hashlib
from collections.abc import Iterator

from infra.database import Database
from infra.holders import Holders
from infra.object_store import ObjectStore
from infra.settings import Settings
from schemas.errors import Failure, MediaTooLarge, PermanentError, UnsupportedMedia
from schemas.job import Job
from schemas.member import Member, Surroundings, member_id
from workers.batch import JobRun
from workers.stage import MemberFile


class MemberStore:
    """Uploads members under names that are derived from them, so that a rerun overwrites them."""

    def __init__(self, database: Database, artifacts: ObjectStore, settings: Settings) -> None:
        self._database = database
        self._artifacts = artifacts
        self._settings = settings
        self._limits = settings.media_limits

    def upload(self, run: JobRun) -> list[Member]:
        """Store what may be inside the run's asset; what may not becomes a failure of the run."""
        if run.prepared is None or not run.prepared.members:
            return []
        with self._database.read_scope() as session:
            around = Holders(session).surroundings(run.job.asset_id)
        own = run.prepared.facts.sha256
        around = around._replace(sha256s=around.sha256s | {own})
        found = list(self._within_limits(run, around))
        for file, member in found:
            ref = self._settings.member_ref(
                run.job.tenant,
                run.job.asset_id,
                member_id(run.job.asset_id, member.path, member.sha256),
            )
            self._artifacts.upload(file.path, ref)
        return [member for _, member in found]

    def _within_limits(
        self, run: JobRun, around: Surroundings
    ) -> Iterator[tuple[MemberFile, Member]]:
        assert run.prepared
        files = run.prepared.members
        n_members, n_bytes, looped = around.n_members, around.n_bytes, []
        for number, file in enumerate(files):
            member = describe(file)
            if member.sha256 in around.sha256s:
                looped.append(member.path)
                continue
            n_members, n_bytes = n_members + 1, n_bytes + member.size_bytes
            if n_members > self._limits.n_members or n_bytes > self._limits.unpacked_bytes:
                run.results.append(self._too_much(run.job, len(files) - number))
                break
            yield file, member
        if looped:
            message = f"{looped[0]}: holds what it is inside of; not opened"
            run.results.append(_failure(run.job, UnsupportedMedia, message))

    def _too_much(self, job: Job, n_left: int) -> Failure:
        limits = self._limits
        message = (
            f"{n_left} members are not opened: inside one object at most {limits.n_members} "
            f"members and {limits.unpacked_bytes} bytes are"
        )
        return _failure(job, MediaTooLarge, message)


def describe(file: MemberFile) -> Member:
    """What a member is, by its bytes: a child that was taken over must not say it."""
    with file.path.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    return Member(path=file.name, sha256=sha256, size_bytes=file.path.stat().st_size)


def _failure(job: Job, kind: type[PermanentError], message: str) -> Failure:
    return Failure(category=kind.__name__, message=message, stage=job.stage, attempt=job.attempts)
