"""Objects and assets: what the bucket holds and what we know of it, within one transaction."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from infra.database import db_now
from infra.members import Members
from infra.names import find_assets
from infra.tables import IS_UNPURGED, ArtifactRow, AssetRow, ObjectRow, OutboxRow, SegmentRow
from schemas.asset import (
    Asset,
    AssetId,
    AssetState,
    MediaFacts,
    ObjectHead,
    ObjectRef,
)
from schemas.events import EventType

#: Parameters of one IN list; SQLite bounds them.
_IN_LIST = 500


class Catalog:
    """Object and asset rows within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # -- objects ---------------------------------------------------------------------------

    def drop_object(self, tenant: str, ref: ObjectRef) -> AssetId | None:
        """The bucket no longer holds the object; returns its asset if no other object holds it."""
        row = self._object(tenant, ref)
        if row is None or row.asset_id is None:
            return None
        previous = row.asset_id
        gone = {"asset_id": None, "generation": "", "n_looks": ObjectRow.n_looks + 1}
        self._session.execute(update(ObjectRow).where(ObjectRow.id == row.id).values(gone))
        return next(iter(self.orphans([AssetId(previous)])), None)

    def refs(self, asset_id: AssetId) -> list[ObjectRef]:
        """Objects of buckets that hold the asset, oldest first."""
        rows = self._session.scalars(
            select(ObjectRow)
            .where(ObjectRow.asset_id == asset_id, ObjectRow.parent_id.is_(None))
            .order_by(ObjectRow.seen_at, ObjectRow.key)
        )
        return [ObjectRef(bucket=r.bucket, key=r.key, version_id=r.version_id) for r in rows]

    def record_head(self, asset_id: AssetId, head: ObjectHead) -> None:
        """Note the generation whose bytes are read, if it is not the one that was admitted.

        An object that holds another asset by now is left alone: it was admitted again.
        """
        self._session.execute(
            update(ObjectRow)
            .where(
                ObjectRow.asset_id == asset_id,
                ObjectRow.bucket == head.ref.bucket,
                ObjectRow.key == head.ref.key,
                ObjectRow.generation != head.generation,
            )
            .values(seen(head))
        )

    # -- assets ----------------------------------------------------------------------------

    def find_asset(self, tenant: str, asset_id: AssetId) -> Asset | None:
        """The asset, if it exists and was not deleted."""
        row = self._session.get(AssetRow, asset_id)
        if row is None or row.tenant != tenant or row.state is AssetState.DELETED:
            return None
        return asset_of(row)

    def find_assets(self, tenant: str, name: str) -> list[AssetId]:
        """Assets by id, the start of an id, URI, path, the end of a path, or `parent > path`."""
        return find_assets(self._session, tenant, name)

    def with_content(self, tenant: str, sha256s: Sequence[str]) -> dict[str, AssetId]:
        """Assets of the tenant by content, locked in one order."""
        found = self._session.execute(
            select(AssetRow.sha256, AssetRow.id)
            .where(AssetRow.tenant == tenant, AssetRow.sha256.in_(sha256s))
            .order_by(AssetRow.id)
            .with_for_update()
        )
        return {sha256: AssetId(asset_id) for sha256, asset_id in found if sha256}

    def merge(self, asset_id: AssetId, into: AssetId) -> None:
        """Let the objects of an asset hold another one with the same content.

        What is left is a tombstone nobody heard of; the next purge removes its artifacts.
        """
        self._session.execute(
            update(ObjectRow).where(ObjectRow.asset_id == asset_id).values(asset_id=into)
        )
        self._session.execute(
            update(AssetRow)
            .where(AssetRow.id == asset_id)
            .values(state=AssetState.DELETED, visible=False, updated_at=db_now())
        )

    def describe(self, facts: Mapping[AssetId, MediaFacts]) -> None:
        """Write what `prepare` measured."""
        rows = [
            {
                "row_id": asset_id,
                "sha256": found.sha256,
                "media_type": found.media_type,
                "mime_type": found.mime_type,
                "facts": found.model_dump(mode="json"),
            }
            for asset_id, found in sorted(facts.items())
        ]
        if rows:
            assets = AssetRow.__table__
            described = update(assets).where(assets.c.id == bindparam("row_id"))  # type: ignore[arg-type]
            self._session.execute(described.values(updated_at=db_now()), rows)

    def tombstone(self, asset_ids: Sequence[AssetId]) -> list[AssetId]:
        """Hide assets at once, before anything of them is removed. Safe to repeat.

        What only they hold is hidden with them. Returns all of them: their jobs must end in the
        same transaction. Content hashes are freed, so that the same bytes may come back as
        another asset.
        """
        hidden = level = list(dict.fromkeys(asset_ids))
        while level:
            for first in range(0, len(level), _IN_LIST):
                self._hide(level[first : first + _IN_LIST])
            level = self.orphans(Members(self._session).forget(level))
            hidden = hidden + level
        return hidden

    def _hide(self, asset_ids: Sequence[AssetId]) -> None:
        hidden = self._session.execute(
            update(AssetRow)
            .where(AssetRow.id.in_(asset_ids), AssetRow.state != AssetState.DELETED)
            .values(state=AssetState.DELETED, visible=False, sha256=None, updated_at=db_now())
            .returning(AssetRow.tenant, AssetRow.id)
        ).all()
        self._session.execute(
            update(ObjectRow).where(ObjectRow.asset_id.in_(asset_ids)).values(asset_id=None)
        )
        for tenant, asset_id in hidden:
            event = {"tenant": tenant, "topic": EventType.ASSET_DELETED, "asset_id": asset_id}
            self._session.execute(insert(OutboxRow).values(**event, created_at=db_now()))

    def unpurged(self, limit: int) -> list[tuple[str, AssetId]]:
        """Deleted assets, with their tenants, whose points and artifacts may still exist."""
        rows = self._session.execute(
            select(AssetRow.tenant, AssetRow.id).where(IS_UNPURGED).limit(limit)
        )
        return [(tenant, AssetId(asset_id)) for tenant, asset_id in rows]

    def purged(self, asset_id: AssetId) -> None:
        """Points and artifacts are gone: remove the rows, keep the tombstone."""
        for table in (SegmentRow, ArtifactRow):
            self._session.execute(delete(table).where(table.asset_id == asset_id))
        self._session.execute(
            update(AssetRow).where(AssetRow.id == asset_id).values(purged_at=db_now())
        )

    def _object(self, tenant: str, ref: ObjectRef) -> ObjectRow | None:
        return self._session.scalar(
            select(ObjectRow)
            .where(
                ObjectRow.tenant == tenant, ObjectRow.bucket == ref.bucket, ObjectRow.key == ref.key
            )
            .with_for_update()
        )

    def mark_planned(self, asset_ids: Sequence[AssetId], plan_version: str) -> set[AssetId]:
        """Mark assets as planned under this version; returns those that were not."""
        stale: set[AssetId] = set()
        for first in range(0, len(asset_ids), _IN_LIST):
            marked = self._session.scalars(
                update(AssetRow)
                .where(
                    AssetRow.id.in_(asset_ids[first : first + _IN_LIST]),
                    AssetRow.plan_version != plan_version,
                )
                .values(plan_version=plan_version)
                .returning(AssetRow.id)
            )
            stale |= {AssetId(asset_id) for asset_id in marked}
        return stale

    def orphans(self, asset_ids: Sequence[AssetId]) -> list[AssetId]:
        """Those of the assets that nothing holds any more.

        Locked before their holders are counted: two that let go of one at once would otherwise
        each see the other, and one that takes it up in between (`merge`) would lose it.
        """
        orphans: list[AssetId] = []
        for first in range(0, len(asset_ids), _IN_LIST):
            chunk = sorted(asset_ids[first : first + _IN_LIST])
            among = select(AssetRow.id).where(AssetRow.id.in_(chunk))
            self._session.execute(among.order_by(AssetRow.id).with_for_update())
            holders = select(ObjectRow.asset_id).where(ObjectRow.asset_id.in_(chunk)).distinct()
            held = set(self._session.scalars(holders))
            orphans += [asset_id for asset_id in chunk if asset_id not in held]
        return orphans


def seen(head: ObjectHead) -> dict[str, object]:
    """Columns of what the store said about an object."""
    return {
        "version_id": head.ref.version_id,
        "etag": head.etag,
        "size_bytes": head.size_bytes,
        "last_modified": head.last_modified.timestamp(),
        "generation": head.generation,
    }


def asset_of(row: AssetRow) -> Asset:
    """The row as the rest of the system sees it."""
    return Asset(
        asset_id=AssetId(row.id),
        tenant=row.tenant,
        sha256=row.sha256,
        state=row.state,
        facts=MediaFacts.model_validate(row.facts) if row.facts else None,
        created_at_s=row.created_at,
    )
