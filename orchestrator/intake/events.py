"""admit(ref): the one door. A source only says "look at (bucket, key)"; HEAD tells the truth."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from infra.admission import Admission, Admissions
from infra.backlog import Backlog, Planned
from infra.catalog import Catalog
from infra.contents import Contents
from infra.database import Database
from infra.holders import Holders
from infra.object_store import ObjectStore
from infra.settings import Settings
from infra.sightings import Sighting, Sightings
from orchestrator.intake.heads import Answer, ask
from schemas.asset import AssetId, ObjectHead, ObjectRef
from schemas.errors import (
    DatabaseUnavailable,
    IngestError,
    ObjectForbidden,
    TransientError,
)
from schemas.job import JobPlan, Priority
from schemas.plan import plan, plan_prepare
from schemas.stages import plan_version

#: Objects recorded by one transaction.
_PAGE = 64
#: Looks at a key that others look at all the time, before its notice is left for later.
_MAX_ROUNDS = 10


class Admitted(NamedTuple):
    """What became of one notice."""

    #: None if the bucket does not hold the object.
    asset_id: AssetId | None
    is_new: bool


class Found(StrEnum):
    """What a look at a key came to."""

    #: Bytes that were not known under this key; they are planned.
    NEW = "new"
    KNOWN = "known"
    #: The bucket does not hold it; what was made of it is dropped.
    GONE = "gone"
    #: The user deleted what these bytes became; only an ingest brings it back.
    DELETED = "deleted"
    #: It may not be read: perhaps a mistake in permissions, so nothing is dropped.
    FORBIDDEN = "forbidden"
    #: Nothing is known, nothing was recorded; look again later.
    UNANSWERED = "unanswered"


class Look(NamedTuple):
    """What became of one key that was looked at."""

    found: Found
    asset_id: AssetId | None = None
    error: IngestError | None = None


class _Rows(NamedTuple):
    """What one admitting transaction reads and writes."""

    admissions: Admissions
    catalog: Catalog
    backlog: Backlog
    contents: Contents
    holders: Holders
    sightings: Sightings


class _Policy(NamedTuple):
    """What a source says of all it admits."""

    tenant: str
    priority: Priority
    #: Whether bytes that the user deleted come back.
    revives: bool


class Intake:
    """Admits objects; committed before the source is told that its notice was taken."""

    def __init__(self, database: Database, objects: ObjectStore, settings: Settings) -> None:
        self._database = database
        self._objects = objects
        self._versions = settings.versions
        self._plan_version = plan_version(settings.versions)

    def admit(self, ref: ObjectRef, tenant: str, priority: Priority = Priority.NORMAL) -> Admitted:
        """Record what the bucket holds under `ref` now, and plan what is missing.

        Safe to repeat, in any order, any number of times: the same bytes are admitted once, new
        bytes replace the old, an absent object is dropped from the index.

        Raises:
            ObjectNotFound: the bucket does not hold it.
            ObjectStoreUnavailable: nothing was recorded; tell it again.
        """
        (look,) = self.look([ref], tenant, priority, revives=True).values()
        if look.error:
            raise look.error
        return Admitted(look.asset_id, look.found is Found.NEW)

    def look(
        self,
        refs: Iterable[ObjectRef],
        tenant: str,
        priority: Priority = Priority.NORMAL,
        *,
        revives: bool = False,
    ) -> dict[ObjectRef, Look]:
        """`admit` for the keys of many notices: a duplicate costs nothing, an error is data.

        All that is not `UNANSWERED` is committed when this returns.

        Args:
            refs: what to look at. Versions are dropped: a notice may be late and name an old
                one; what counts is what the key holds now.
            tenant: whose objects they are.
            priority: of the jobs of those that are new.
            revives: whether bytes that the user deleted come back.
        """
        policy = _Policy(tenant, priority, revives)
        open_refs = {ObjectRef(bucket=ref.bucket, key=ref.key) for ref in refs}
        looks: dict[ObjectRef, Look] = {}
        for _ in range(_MAX_ROUNDS):
            if open_refs:
                looks |= self._look_once(open_refs, policy)
                open_refs -= looks.keys()
        return looks | {ref: _unanswered(_busy(ref)) for ref in open_refs}

    def _look_once(self, refs: set[ObjectRef], policy: _Policy) -> dict[ObjectRef, Look]:
        """Looks that were recorded; those that were overtaken by another look are missing."""
        with self._database.read_scope() as session:
            counts = Sightings(session).counts(policy.tenant, refs)
        answers = ask(self._objects, refs)
        looks = {ref: look for ref, answer in answers.items() if (look := _without_answer(answer))}
        answered = iter(sorted(refs - looks.keys(), key=lambda ref: (ref.bucket, ref.key)))
        while page := list(islice(answered, _PAGE)):
            with self._transaction() as rows:
                taken = rows.sightings.take(policy.tenant, {ref: counts[ref] for ref in page})
                looks |= self._record(rows, taken, answers, policy)
        return looks

    def _record(
        self,
        rows: _Rows,
        taken: Mapping[ObjectRef, Sighting],
        answers: Mapping[ObjectRef, Answer],
        policy: _Policy,
    ) -> dict[ObjectRef, Look]:
        looks: dict[ObjectRef, Look] = {}
        heads: list[ObjectHead] = []
        for ref, sighting in taken.items():
            answer = answers[ref]
            if not isinstance(answer, ObjectHead):
                _drop(rows, policy.tenant, ref)
                looks[ref] = Look(Found.GONE, error=answer)
            elif _was_deleted(sighting, answer) and not policy.revives:
                looks[ref] = Look(Found.DELETED)
            else:
                heads.append(answer)
        admitted = self._admit_heads(rows, heads, policy.tenant, policy.priority)
        for head, (asset_id, is_new) in zip(heads, admitted, strict=True):
            place = ObjectRef(bucket=head.ref.bucket, key=head.ref.key)
            looks[place] = Look(Found.NEW if is_new else Found.KNOWN, asset_id)
        return looks

    def admit_head(
        self, head: ObjectHead, tenant: str, priority: Priority = Priority.NORMAL
    ) -> Admitted:
        """`admit` for a source that has just asked the bucket itself."""
        return self.admit_heads([head], tenant, priority)[0]

    def admit_heads(
        self, heads: Sequence[ObjectHead], tenant: str, priority: Priority = Priority.NORMAL
    ) -> list[Admitted]:
        """`admit_head` for a page of a listing, in one transaction.

        Keys are taken in order, so that two intakes of one bucket wait for each other instead
        of for ever.
        """
        ordered = sorted(heads, key=lambda head: (head.ref.bucket, head.ref.key))
        with self._transaction() as rows:
            return self._admit_heads(rows, ordered, tenant, priority)

    @contextmanager
    def _transaction(self) -> Iterator[_Rows]:
        with self._database.session_scope() as session:
            yield _Rows(
                Admissions(session),
                Catalog(session),
                Backlog(session),
                Contents(session),
                Holders(session),
                Sightings(session),
            )

    def _admit_heads(
        self, rows: _Rows, heads: Sequence[ObjectHead], tenant: str, priority: Priority
    ) -> list[Admitted]:
        admissions = rows.admissions.admit(tenant, heads, priority, self._plan_version)
        if orphans := sorted({a.orphan for a in admissions if a.orphan}):
            rows.backlog.cancel(rows.catalog.tombstone(orphans))
        first = [plan_prepare(head.size_bytes, self._versions) for head in heads]
        rows.backlog.add_all(
            Planned(admission.asset_id, tenant, jobs, priority)
            for admission, jobs in zip(admissions, first, strict=True)
            if admission.is_new
        )
        for asset_id, jobs in _stale(admissions, first).items():
            self._replan(rows, asset_id, tenant, jobs, priority)
            self._replan_below(rows, asset_id, tenant, priority)
        return [Admitted(admission.asset_id, admission.is_new) for admission in admissions]

    def _replan_below(
        self, rows: _Rows, asset_id: AssetId, tenant: str, priority: Priority
    ) -> None:
        """What is inside is stale too; the bytes of members are where they were."""
        below = rows.holders.below(asset_id)
        for inner in sorted(rows.catalog.mark_planned(sorted(below), self._plan_version)):
            first = plan_prepare(below[inner], self._versions)
            self._replan(rows, inner, tenant, first, priority)

    def _replan(
        self,
        rows: _Rows,
        asset_id: AssetId,
        tenant: str,
        first: list[JobPlan],
        priority: Priority,
    ) -> None:
        """Known content under new versions: only what is stale runs."""
        jobs = first
        rows.backlog.supersede(asset_id, self._versions)
        if rows.backlog.is_done(asset_id, "prepare", self._versions["prepare"]):
            artifacts = rows.contents.artifacts(asset_id)
            jobs = plan(artifacts, rows.contents.text_parts(asset_id), self._versions)
        rows.backlog.plan(asset_id, tenant, jobs, priority)


def _was_deleted(before: Sighting, head: ObjectHead) -> bool:
    """Whether the user deleted what these very bytes became."""
    return not before.is_held and before.generation == head.generation


def _stale(
    admissions: Sequence[Admission], first: Sequence[list[JobPlan]]
) -> dict[AssetId, list[JobPlan]]:
    """Known assets to plan again, each once, with the job that reads them."""
    pairs = zip(admissions, first, strict=True)
    return {a.asset_id: jobs for a, jobs in pairs if a.is_stale and not a.is_new}


def _drop(rows: _Rows, tenant: str, ref: ObjectRef) -> None:
    """The bucket does not hold it: hide what we made of it, unless another object does."""
    orphan = rows.catalog.drop_object(tenant, ref)
    if orphan:
        rows.backlog.cancel(rows.catalog.tombstone([orphan]))


def _without_answer(answer: Answer) -> Look | None:
    """The look that a refusal makes; None for one that says what the bucket holds."""
    if isinstance(answer, ObjectForbidden):
        return Look(Found.FORBIDDEN, error=answer)
    return _unanswered(answer) if isinstance(answer, TransientError) else None


def _unanswered(error: IngestError) -> Look:
    return Look(Found.UNANSWERED, error=error)


def _busy(ref: ObjectRef) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"{ref.uri}: changed under each of {_MAX_ROUNDS} looks at it")
