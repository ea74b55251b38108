"""`sluice ingest`: walk the sources, admit what is there, see it through."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from infra.backlog import Backlog
from infra.database import Database
from infra.folder_store import file_key
from infra.object_store import ObjectStore
from infra.reports import Reports
from infra.settings import Settings
from orchestrator.intake.events import Intake
from orchestrator.pump import Pump
from schemas.asset import FILE_BUCKET, AssetState, ObjectHead, ObjectRef
from schemas.errors import ConfigurationError, EncryptedMedia, Failure, PermanentError
from schemas.job import JobState, Priority
from schemas.reports import AssetReport, IngestReport

#: Objects admitted between two rounds of the dispatcher.
_ADMIT_BATCH = 64
#: States that make the exit status 1.
UNWELL = frozenset({AssetState.PARTIAL, AssetState.FAILED, AssetState.QUARANTINED})

#: Number of jobs by stage and state, read only when it is shown.
JobCounts = Callable[[], dict[str, dict[JobState, int]]]


class Ingest:
    """One run over a list of sources; running it again does no work twice."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        intake: Intake,
        settings: Settings,
        *,
        tenant: str,
        priority: Priority,
    ) -> None:
        self._database = database
        self._objects = objects
        self._intake = intake
        self._versions = settings.versions
        self._models = settings.model_refs
        self._has_passwords = bool(settings.password_file)
        self._tenant = tenant
        self._priority = priority
        self._refs: list[ObjectRef] = []
        self._unread: list[AssetReport] = []

    def check(self, sources: Sequence[str]) -> None:
        """Look at the sources before anything is opened or loaded.

        Raises:
            ConfigurationError: one of them does not exist.
        """
        for source in sources:
            parse_source(source)

    def run(
        self, sources: Sequence[str], pump: Pump, show: Callable[[JobCounts], None]
    ) -> IngestReport:
        """Admit and process everything under the sources; waits until all of it has ended.

        Args:
            sources: paths of files or folders, or `s3://bucket/prefix`.
            pump: keeps work moving.
            show: called after every round.
        """
        started_s = time.monotonic()
        found = self._find(sources)

        def is_finished() -> bool:
            n_new = self._admit(islice(found, _ADMIT_BATCH))
            with self._database.read_scope() as session:
                reports = Reports(session, self._tenant)
                show(reports.jobs_by_state)
                return n_new == 0 and not reports.has_open(self._versions)

        pump.run_until(is_finished)
        return self.report(time.monotonic() - started_s)

    def admit_all(self, sources: Sequence[str]) -> IngestReport:
        """Admit without processing; a running pipeline takes it from there."""
        started_s = time.monotonic()
        found = self._find(sources)
        while self._admit(islice(found, _ADMIT_BATCH)):
            pass
        return self.report(time.monotonic() - started_s)

    def report(self, seconds: float) -> IngestReport:
        """What became of every object seen so far."""
        with self._database.read_scope() as session:
            reports = Reports(session, self._tenant, self._models)
            assets = reports.ingested(list(dict.fromkeys(self._refs))) + self._unread
        counts = Counter(asset.state for asset in assets)
        return IngestReport(assets=tuple(assets), counts=dict(counts), seconds=round(seconds, 3))

    def _find(self, sources: Sequence[str]) -> Iterator[ObjectHead | tuple[ObjectRef, Exception]]:
        for source in sources:
            bucket, prefix = parse_source(source)
            yield from self._list(bucket, prefix)

    def _list(self, bucket: str, prefix: str) -> Iterator[ObjectHead | tuple[ObjectRef, Exception]]:
        """Heads under a prefix, and what may not be read: one bad source never stops the rest."""
        ref = ObjectRef(bucket=bucket, key=prefix)
        try:
            if bucket == FILE_BUCKET and not prefix.endswith("/"):
                yield self._objects.head(ref)
            else:
                yield from self._objects.list(bucket, prefix)
        except PermanentError as exc:
            yield ref, exc

    def _admit(self, found: Iterable[ObjectHead | tuple[ObjectRef, Exception]]) -> int:
        """Admit one page of what was found; returns its length."""
        page = list(found)
        heads = [entry for entry in page if isinstance(entry, ObjectHead)]
        self._intake.admit_heads(heads, self._tenant, self._priority)
        refs = [head.ref for head in heads]
        if self._has_passwords:
            self._retry_locked(refs)
        self._refs += refs
        self._unread += [_unread(*entry) for entry in page if not isinstance(entry, ObjectHead)]
        return len(page)

    def _retry_locked(self, refs: Sequence[ObjectRef]) -> None:
        """Start what an earlier run could not open afresh: the password may be there."""
        with self._database.session_scope() as session:
            locked = [
                report.asset_id
                for report in Reports(session, self._tenant, self._models).ingested(refs)
                if report.asset_id
                and any(f.category == EncryptedMedia.__name__ for f in report.failures)
            ]
            if locked:
                Backlog(session).retry(self._tenant, locked)


def parse_source(source: str) -> tuple[str, str]:
    """Bucket and key prefix of a path or an `s3://` URI.

    Raises:
        ConfigurationError: neither an existing path nor a URI with a bucket.
    """
    if source.startswith("s3://"):
        bucket, _, prefix = source.removeprefix("s3://").partition("/")
        if not bucket:
            raise ConfigurationError(f"{source}: expected s3://bucket or s3://bucket/prefix")
        return bucket, prefix
    if not source:
        raise ConfigurationError("found an empty name, expected a file, a folder or s3://bucket")
    try:
        path = Path(source).expanduser().absolute()
        if not path.exists() and not path.is_symlink():
            expected = "; expected a path or s3://bucket/prefix" if "://" in source else ""
            raise ConfigurationError(f"{source}: no such file or folder{expected}")
        key = file_key(path)
        return FILE_BUCKET, f"{key}/" if path.is_dir() else key
    except (OSError, RuntimeError) as exc:  # a name too long, a folder that may not be entered
        raise ConfigurationError(f"{source}: {getattr(exc, 'strerror', None) or exc}") from exc


def _unread(ref: ObjectRef, error: Exception) -> AssetReport:
    failure = Failure(category=type(error).__name__, message=str(error), stage="intake")
    return AssetReport(
        uri=ref.uri, asset_id=None, media_type=None, state=AssetState.FAILED, failures=(failure,)
    )
