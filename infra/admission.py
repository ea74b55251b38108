"""Admission: a page of what a bucket holds becomes rows, in a few statements."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from infra.catalog import Catalog, seen
from infra.database import db_now
from infra.sightings import by_bucket, insert_unseen
from infra.tables import AssetRow, ObjectRow
from schemas.asset import AssetId, AssetState, ObjectHead, ObjectRef
from schemas.job import Priority

_Found = Row[UUID, str, str, UUID | None]


class Admission(NamedTuple):
    """What admitting an object did."""

    asset_id: AssetId
    #: False if these bytes were known already.
    is_new: bool
    #: Whether its jobs must be planned: it is new, or a stage's version has changed.
    is_stale: bool
    #: The asset that the key held before and that no other object holds.
    orphan: AssetId | None


class Admissions:
    """Object rows of buckets and the assets that they hold, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._catalog = Catalog(session)

    def admit(
        self, tenant: str, heads: Sequence[ObjectHead], priority: Priority, plan_version: str
    ) -> list[Admission]:
        """Record what the bucket holds. The same generation again changes nothing.

        Args:
            tenant: whose objects they are.
            heads: what the store says of each key; no key comes twice.
            priority: of assets that are new.
            plan_version: under which they are planned.

        Returns:
            One for each head, in their order.
        """
        rows = self._locked(tenant, [head.ref for head in heads])
        pairs = [(head, rows[_place(head.ref)]) for head in heads]
        known = {
            head.ref: AssetId(row.asset_id)
            for head, row in pairs
            if row.asset_id and row.generation == head.generation
        }
        stale = self._catalog.mark_planned(list(known.values()), plan_version)
        changed = [(head, row) for head, row in pairs if head.ref not in known]
        new = self._hold_new(tenant, changed, priority, plan_version)
        previous = [AssetId(row.asset_id) for _, row in changed if row.asset_id]
        orphans = set(self._catalog.orphans(previous))
        return [
            Admission(asset_id, is_new=False, is_stale=asset_id in stale, orphan=None)
            if (asset_id := known.get(head.ref))
            else Admission(
                new[head.ref],
                is_new=True,
                is_stale=True,
                orphan=_if_among(orphans, row.asset_id),
            )
            for head, row in pairs
        ]

    def _locked(self, tenant: str, refs: Sequence[ObjectRef]) -> dict[tuple[str, str], _Found]:
        """The rows of these keys, made where they are absent, locked in one order."""
        found: dict[tuple[str, str], _Found] = {}
        for bucket, keys in by_bucket(refs):
            rows = self._rows(tenant, bucket, keys)
            if absent := [key for key in keys if key not in rows]:
                insert_unseen(self._session, tenant, bucket, absent)
                rows |= self._rows(tenant, bucket, absent)
            found |= {(bucket, key): row for key, row in rows.items()}
        return found

    def _rows(self, tenant: str, bucket: str, keys: Sequence[str]) -> dict[str, _Found]:
        columns = ObjectRow.id, ObjectRow.key, ObjectRow.generation, ObjectRow.asset_id
        rows = self._session.execute(
            select(*columns)
            .where(ObjectRow.tenant == tenant, ObjectRow.bucket == bucket, ObjectRow.key.in_(keys))
            .order_by(ObjectRow.key)
            .with_for_update()
        )
        return {row.key: row for row in rows}

    def _hold_new(
        self,
        tenant: str,
        changed: Sequence[tuple[ObjectHead, _Found]],
        priority: Priority,
        plan_version: str,
    ) -> dict[ObjectRef, AssetId]:
        """Give each of these objects an asset of its own."""
        new = {head.ref: AssetId(uuid4()) for head, _ in changed}
        if not new:
            return {}
        asset = insert(AssetRow.__table__).values(  # type: ignore[arg-type]
            tenant=tenant,
            state=AssetState.PENDING,
            visible=True,
            priority=int(priority),
            plan_version=plan_version,
            created_at=db_now(),
            updated_at=db_now(),
        )
        self._session.execute(asset, [{"id": asset_id} for asset_id in new.values()])
        held = [
            {"row_id": row.id, "asset_id": new[head.ref], **seen(head)} for head, row in changed
        ]
        self._session.execute(_HOLD, held)
        return new


#: An object's row holds another asset now.
_HOLD = (
    update(ObjectRow.__table__)  # type: ignore[arg-type]
    .where(ObjectRow.__table__.c.id == bindparam("row_id"))
    .values(seen_at=db_now(), n_looks=ObjectRow.__table__.c.n_looks + 1)
)


def _place(ref: ObjectRef) -> tuple[str, str]:
    return ref.bucket, ref.key


def _if_among(orphans: set[AssetId], asset_id: UUID | None) -> AssetId | None:
    return AssetId(asset_id) if asset_id in orphans else None
