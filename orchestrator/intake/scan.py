"""The safety net under all events: a bucket's listing merged with what is recorded of it.

Both sides come in key order and in pages, so memory does not grow with the bucket. What differs is
looked at like a key that an event names: the listing is a hint, too, and may be minutes old when
its page is compared.
"""

import logging
from collections.abc import Callable, Iterator
from itertools import islice
from threading import Event
from typing import NamedTuple

from infra.database import Database
from infra.object_store import ObjectStore
from infra.scans import ScanProgress, Scans
from infra.sightings import Sighting, Sightings
from orchestrator.intake.events import Found, Intake
from orchestrator.intake.source import poll_until
from schemas.asset import FILE_BUCKET, ObjectHead, ObjectRef
from schemas.errors import ConfigurationError, PermanentError
from schemas.job import Priority

logger = logging.getLogger(__name__)

#: Keys compared between two saves of the cursor.
_PAGE = 1000
#: Dropping this many needs no leave, however few the index holds.
_FREE_GONE = 100
#: Share of what is held under a prefix that one scan may drop unasked.
MAX_GONE = 0.5


class ScanStopped(Exception):
    """The scan was told to stop; the next one goes on from its cursor."""


class _Pair(NamedTuple):
    """One key, as the bucket and as the index have it; at least one of them has."""

    key: str
    listed: ObjectHead | None
    seen: Sighting | None

    @property
    def differs(self) -> bool:
        """Whether the key must be looked at."""
        held = self.seen is not None and self.seen.is_held
        if self.listed is None or self.seen is None:
            return held or self.listed is not None
        # Equal but not held: the user deleted what these bytes became.
        return self.seen.generation != self.listed.generation

    @property
    def is_gone(self) -> bool:
        """Whether only the index has it."""
        return self.listed is None and self.differs


class Scan:
    """Compares one prefix of one bucket. Safe to repeat, and to be killed at any moment."""

    def __init__(
        self, database: Database, objects: ObjectStore, intake: Intake, tenant: str, source: str
    ) -> None:
        """Nothing is opened.

        Args:
            database: where objects and cursors are recorded.
            objects: what is listed.
            intake: where keys that differ are looked at.
            tenant: whose objects they are.
            source: `s3://bucket/prefix`.

        Raises:
            ConfigurationError: the source is no such URI.
        """
        self._database = database
        self._objects = objects
        self._intake = intake
        self._tenant = tenant
        self._bucket, self._prefix = split_source(source)
        self._place = (tenant, self._bucket, self._prefix)

    def run(
        self,
        *,
        restart: bool = False,
        max_gone: float = MAX_GONE,
        priority: Priority = Priority.BULK,
        show: Callable[[ScanProgress], None] = lambda _: None,
        stopping: Event | None = None,
    ) -> ScanProgress:
        """Compare from the cursor to the end.

        Args:
            restart: begin anew, even if a scan was stopped half-way.
            max_gone: largest share of what the index holds that may be dropped.
            priority: of the jobs of new objects.
            show: called after every page.
            stopping: set to stop after the page at hand.

        Raises:
            ScanStopped: `stopping` was set.
            ConfigurationError: more would be dropped than `max_gone`, or the store does not list
                in key order.
            ObjectNotFound: no such bucket, or it may not be listed; nothing was dropped.
            TransientError: a store is in trouble; the next run goes on from the cursor.
        """
        with self._database.session_scope() as session:
            progress = Scans(session).open(*self._place, restart=restart)
            n_held = Sightings(session).count_held(*self._place)
        most_gone = max(_FREE_GONE, int(max_gone * (n_held + progress.n_gone)))
        pairs = self._pairs(progress.after_key)
        while page := list(islice(pairs, _PAGE)):
            if stopping and stopping.is_set():
                raise ScanStopped
            n_gone = progress.n_gone + sum(pair.is_gone for pair in page)
            if n_gone > most_gone:
                raise ConfigurationError(
                    f"s3://{self._bucket}/{self._prefix}: {n_gone} objects are gone of {n_held} "
                    f"that the index holds; if that is right, scan with a larger --max-gone"
                )
            progress = self._compare(page, progress, priority)
            show(progress)
        with self._database.session_scope() as session:
            Scans(session).finish(*self._place)
        logger.info("scan_finished", extra={"bucket": self._bucket, **progress._asdict()})
        return progress

    def _compare(self, page: list[_Pair], before: ScanProgress, priority: Priority) -> ScanProgress:
        """Look at what differs, then move the cursor: died in between, it is looked at again."""
        before_by_ref = {
            ObjectRef(bucket=self._bucket, key=pair.key): pair.seen for pair in page if pair.differs
        }
        looks = self._intake.look(before_by_ref, self._tenant, priority)
        for look in looks.values():
            if look.found is Found.UNANSWERED and look.error:
                raise look.error
        new = [ref for ref, look in looks.items() if look.found is Found.NEW]
        n_changed = sum(bool((seen := before_by_ref[ref]) and seen.is_held) for ref in new)
        after = ScanProgress(
            after_key=page[-1].key,
            n_listed=before.n_listed + sum(pair.listed is not None for pair in page),
            n_new=before.n_new + len(new) - n_changed,
            n_changed=before.n_changed + n_changed,
            n_gone=before.n_gone + sum(look.found is Found.GONE for look in looks.values()),
        )
        with self._database.session_scope() as session:
            Scans(session).save(*self._place, after)
        return after

    def _pairs(self, after: str) -> Iterator[_Pair]:
        """Both sides, merged by key; each is held one page at a time."""
        listed, seen = self._listed(after), self._seen(after)
        left, right = next(listed, None), next(seen, None)
        while left or right:
            if right is None or (left and left.ref.key < right.key):
                assert left is not None  # one of the two is there
                yield _Pair(left.ref.key, left, None)
                left = next(listed, None)
            elif left is None or right.key < left.ref.key:
                yield _Pair(right.key, None, right)
                right = next(seen, None)
            else:
                yield _Pair(right.key, left, right)
                left, right = next(listed, None), next(seen, None)

    def _listed(self, after: str) -> Iterator[ObjectHead]:
        """The listing; out of order it would make objects seem gone.

        Strings compare by code point, which is the order of their UTF-8.
        """
        last = after
        for head in self._objects.list(self._bucket, self._prefix, after):
            if head.ref.key <= last and last:
                raise ConfigurationError(
                    f"s3://{self._bucket} lists {head.ref.key!r} after {last!r}: expected key order"
                )
            last = head.ref.key
            yield head

    def _seen(self, after: str) -> Iterator[Sighting]:
        """Rows, read in short transactions: a scan may take hours."""
        while True:
            with self._database.read_scope() as session:
                page = Sightings(session).page(*self._place, after=after, limit=_PAGE)
            if not page:
                return
            yield from page
            after = page[-1].key


class ScanSource:
    """Scans again and again, for the orchestrator: what events have missed is found."""

    name = "scan"

    def __init__(self, scans: list[Scan], every_s: float) -> None:
        self._scans = scans
        self._every_s = every_s

    def run(self, stopping: Event) -> None:
        """Scan now, and then at the interval, until told to stop."""

        def poll() -> int:
            n_found = self.poll_once(stopping)
            stopping.wait(self._every_s)
            return n_found

        poll_until(stopping, self.name, poll)

    def poll_once(self, stopping: Event | None = None) -> int:
        """Scan every source once; returns the number of differences.

        A source that cannot be scanned is told and left; the others go on.

        Raises:
            TransientError: a store is in trouble.
        """
        n_found = 0
        for scan in self._scans:
            try:
                found = scan.run(stopping=stopping)
            except ScanStopped:
                return n_found
            except (ConfigurationError, PermanentError) as exc:
                logger.error("scan_refused", extra={"reason": str(exc)})  # noqa: TRY400
            else:
                n_found += found.n_new + found.n_changed + found.n_gone
        return n_found


def split_source(source: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://bucket/prefix`.

    Raises:
        ConfigurationError: it is no such URI.
    """
    bucket, _, prefix = source.removeprefix("s3://").partition("/")
    if not source.startswith("s3://") or bucket in ("", FILE_BUCKET):
        raise ConfigurationError(f"{source}: expected s3://bucket or s3://bucket/prefix")
    return bucket, prefix
