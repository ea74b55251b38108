"""Rows of members: what is found inside an asset, and what becomes of it when that changes."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from infra.database import db_now
from infra.fan_in import insert_absent
from infra.tables import AssetRow, ObjectRow
from schemas.asset import AssetId, AssetState
from schemas.job import Job
from schemas.member import MEMBER_BUCKET, Member, member_id, member_key

#: Parameters of one IN list; SQLite bounds them.
_IN_LIST = 500
_T = TypeVar("_T", UUID, AssetId, str)


class Planted(NamedTuple):
    """What recording the members of an asset did."""

    #: New assets, pending, with their sizes in bytes: their jobs must be planned.
    new: dict[AssetId, int]
    #: Assets that are no longer inside this one; perhaps nothing else holds them.
    let_go: list[AssetId]


class Members:
    """Member rows of one parent, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, job: Job, members: Sequence[Member], plan_version: str) -> Planted:
        """Make these the members of the asset that the job has opened. Safe to repeat.

        A member whose asset the user deleted stays deleted. The caller holds the parent's row
        locked, so that nobody deletes the parent in between.
        """
        wanted = {member_id(job.asset_id, member.path, member.sha256): member for member in members}
        rows = self._session.execute(
            select(ObjectRow.id, ObjectRow.asset_id).where(ObjectRow.parent_id == job.asset_id)
        ).all()
        gone = {row.id: row.asset_id for row in rows if row.id not in wanted}
        for ids in _chunks(gone):
            self._session.execute(delete(ObjectRow).where(ObjectRow.id.in_(ids)))
        known = {row.id for row in rows}
        found = {object_id: m for object_id, m in wanted.items() if object_id not in known}
        new = self._hold(job, found, plan_version)
        return Planted(new, sorted({AssetId(asset_id) for asset_id in gone.values() if asset_id}))

    def parents_among(self, asset_ids: Sequence[AssetId]) -> set[AssetId]:
        """Those of the assets that have members."""
        found = (
            self._session.scalars(
                select(ObjectRow.parent_id).where(ObjectRow.parent_id.in_(chunk)).distinct()
            )
            for chunk in _chunks(asset_ids)
        )
        return {AssetId(parent) for parents in found for parent in parents if parent}

    def _hold(self, job: Job, found: dict[UUID, Member], plan_version: str) -> dict[AssetId, int]:
        """Give each of these an asset: the one with the same content, or a new one."""
        held = self._assets_with({m.sha256 for m in found.values()}, job.tenant)
        taken = self._taken(found)
        new: dict[AssetId, int] = {}
        for object_id, member in found.items():
            if member.sha256 not in held:
                # A tombstone has the name when the member was here before and went.
                asset_id = AssetId(uuid4() if object_id in taken else object_id)
                held[member.sha256] = asset_id
                new[asset_id] = member.size_bytes
        self._add_assets(job, new, plan_version)
        rows = [
            _member_row(job, object_id, member, held[member.sha256])
            for object_id, member in found.items()
        ]
        insert_absent(self._session, ObjectRow, rows, seen_at=db_now())
        return new

    def _assets_with(self, sha256s: Iterable[str], tenant: str) -> dict[str, AssetId]:
        """Assets of the tenant by content, locked: whoever lets go of one sees the new holder."""
        found: dict[str, AssetId] = {}
        for chunk in _chunks(sha256s):
            rows = self._session.execute(
                select(AssetRow.sha256, AssetRow.id)
                .where(
                    AssetRow.tenant == tenant,
                    AssetRow.sha256.in_(chunk),
                    AssetRow.state != AssetState.DELETED,
                )
                .order_by(AssetRow.id)
                .with_for_update()
            )
            found |= {sha256: AssetId(asset_id) for sha256, asset_id in rows if sha256}
        return found

    def _taken(self, ids: Iterable[UUID]) -> set[UUID]:
        queries = (select(AssetRow.id).where(AssetRow.id.in_(chunk)) for chunk in _chunks(ids))
        return {asset_id for query in queries for asset_id in self._session.scalars(query)}

    def _add_assets(self, job: Job, new: Iterable[AssetId], plan_version: str) -> None:
        now = self._session.scalar(select(db_now()))
        rows = [
            {
                "id": asset_id,
                "tenant": job.tenant,
                "state": AssetState.PENDING,
                "visible": True,
                "priority": int(job.priority),
                "plan_version": plan_version,
                "created_at": now,
                "updated_at": now,
            }
            for asset_id in new
        ]
        if rows:
            self._session.execute(insert(AssetRow), rows)

    def forget(self, parents: Sequence[AssetId]) -> list[AssetId]:
        """Delete the member rows of these parents; returns the assets that they held."""
        held: set[AssetId] = set()
        for chunk in _chunks(parents):
            rows = self._session.scalars(
                delete(ObjectRow)
                .where(ObjectRow.parent_id.in_(chunk))
                .returning(ObjectRow.asset_id)
            )
            held |= {AssetId(asset_id) for asset_id in rows if asset_id}
        return sorted(held)


def _member_row(job: Job, object_id: UUID, member: Member, asset_id: AssetId) -> dict[str, object]:
    return {
        "id": object_id,
        "tenant": job.tenant,
        "bucket": MEMBER_BUCKET,
        "key": member_key(job.asset_id, member.path),
        "etag": member.sha256,
        "size_bytes": member.size_bytes,
        "last_modified": 0.0,
        "generation": member.sha256,
        "asset_id": asset_id,
        "parent_id": job.asset_id,
        "n_looks": 0,
    }


def _chunks(ids: Iterable[_T]) -> Iterable[list[_T]]:
    ordered = sorted(set(ids))
    return (ordered[first : first + _IN_LIST] for first in range(0, len(ordered), _IN_LIST))
