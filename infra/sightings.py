"""What each key was last seen to hold, and which look at the bucket may say otherwise.

Two looks at one key may overlap: the first asks the bucket, the second asks it after a change and
records that, and then the first would record what is no longer so, with no notice left to mend
it. So every look counts: whoever records must have read the count *before* asking the bucket,
and is refused if it has grown since.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from infra.database import db_now
from infra.fan_in import insert_absent
from infra.tables import ObjectRow
from schemas.asset import ObjectRef

#: Parameters of one IN list; SQLite bounds them.
_IN_LIST = 500
#: No key goes on with a later character.
_LAST = "\U0010ffff"


class Sighting(NamedTuple):
    """A row of `objects`, as far as a listing is compared with it."""

    key: str
    #: Empty if the bucket did not hold it.
    generation: str
    #: False if the bucket did not hold it, or the user deleted what it held.
    is_held: bool


class Sightings:
    """Object rows within one transaction. References have no version: a key is looked at."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def counts(self, tenant: str, refs: Iterable[ObjectRef]) -> dict[ObjectRef, int]:
        """How often each key was looked at; read it before asking the bucket."""
        counts = dict.fromkeys(refs, 0)
        for bucket, keys in by_bucket(counts):
            rows = self._session.execute(
                select(ObjectRow.key, ObjectRow.n_looks).where(
                    ObjectRow.tenant == tenant,
                    ObjectRow.bucket == bucket,
                    ObjectRow.key.in_(keys),
                )
            )
            counts |= {ObjectRef(bucket=bucket, key=key): n for key, n in rows}
        return counts

    def take(self, tenant: str, counts: Mapping[ObjectRef, int]) -> dict[ObjectRef, Sighting]:
        """Lock the rows of these keys until the transaction ends, made where they are absent.

        Args:
            tenant: whose rows.
            counts: of each key, read before the bucket was asked.

        Returns:
            What was recorded before, of the keys that nobody else has recorded since; these now
            count one look more.
        """
        taken: dict[ObjectRef, Sighting] = {}
        for bucket, keys in by_bucket(counts):
            absent = [key for key in keys if not counts[ObjectRef(bucket=bucket, key=key)]]
            insert_unseen(self._session, tenant, bucket, absent)
            rows = self._session.scalars(
                select(ObjectRow)
                .where(
                    ObjectRow.tenant == tenant,
                    ObjectRow.bucket == bucket,
                    ObjectRow.key.in_(keys),
                )
                .order_by(ObjectRow.key)
                .with_for_update()
                .execution_options(populate_existing=True)
            ).all()
            found = {ObjectRef(bucket=bucket, key=row.key): row for row in rows}
            ours = {ref: row for ref, row in found.items() if row.n_looks == counts[ref]}
            self._session.execute(
                update(ObjectRow)
                .where(ObjectRow.id.in_([row.id for row in ours.values()]))
                .values(n_looks=ObjectRow.n_looks + 1)
            )
            taken |= {ref: _sighting(row) for ref, row in ours.items()}
        return taken

    def page(
        self, tenant: str, bucket: str, prefix: str, *, after: str, limit: int
    ) -> list[Sighting]:
        """The next rows of a prefix, in the order in which buckets list their keys."""
        columns = ObjectRow.key, ObjectRow.generation, ObjectRow.asset_id
        rows = self._session.execute(
            select(*columns)
            .where(
                ObjectRow.tenant == tenant,
                ObjectRow.bucket == bucket,
                ObjectRow.key > after if after >= prefix else ObjectRow.key >= prefix,
                ObjectRow.key <= prefix + _LAST,
            )
            .order_by(ObjectRow.key)
            .limit(limit)
        )
        return [
            Sighting(key, generation, asset_id is not None) for key, generation, asset_id in rows
        ]

    def count_held(self, tenant: str, bucket: str, prefix: str) -> int:
        """How many keys of a prefix hold something."""
        found = self._session.scalar(
            select(func.count()).where(
                ObjectRow.tenant == tenant,
                ObjectRow.bucket == bucket,
                ObjectRow.key >= prefix,
                ObjectRow.key <= prefix + _LAST,
                ObjectRow.asset_id.is_not(None),
            )
        )
        return found or 0


def by_bucket(refs: Iterable[ObjectRef]) -> Iterable[tuple[str, Sequence[str]]]:
    """Keys in order, as many at a time as one statement takes."""
    keys: dict[str, list[str]] = defaultdict(list)
    for ref in refs:
        keys[ref.bucket].append(ref.key)
    for bucket in sorted(keys):
        ordered = sorted(keys[bucket])
        for first in range(0, len(ordered), _IN_LIST):
            yield bucket, ordered[first : first + _IN_LIST]


def insert_unseen(session: Session, tenant: str, bucket: str, keys: Iterable[str]) -> None:
    """Rows of keys of which nothing is known; they keep the places of those that are absent.

    Of two transactions that insert the same key, one waits here for the other.
    """
    facts = {"etag": "", "size_bytes": 0, "last_modified": 0.0, "generation": "", "n_looks": 0}
    rows = [{"id": uuid4(), "tenant": tenant, "bucket": bucket, "key": k, **facts} for k in keys]
    insert_absent(session, ObjectRow, rows, seen_at=db_now())


def _sighting(row: ObjectRow) -> Sighting:
    return Sighting(row.key, row.generation, row.asset_id is not None)
