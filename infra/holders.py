"""Who holds an asset: objects of buckets, and other assets that it is inside of."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CTE, func, select
from sqlalchemy.orm import Session

from infra.tables import AssetRow, ObjectRow
from schemas.asset import AssetId, ObjectRef
from schemas.member import Located, Surroundings, path_inside

#: Parameters of one IN list; SQLite bounds them.
_IN_LIST = 500
#: Objects of buckets before members, the oldest first.
_BEST_FIRST = (ObjectRow.parent_id.is_not(None), ObjectRow.seen_at, ObjectRow.key)


class HeldObject(NamedTuple):
    """An object and the bytes it was last seen with."""

    object_id: UUID
    ref: ObjectRef
    generation: str
    located: Located
    #: None for an object of a bucket; a member's bytes lie with its parent.
    parent_id: AssetId | None = None


class Holders:
    """Object rows as an asset's ways to a bucket, within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def held(self, asset_id: AssetId) -> list[HeldObject]:
        """All that holds the asset: objects of buckets first, then members, oldest first."""
        rows = self._session.scalars(
            select(ObjectRow).where(ObjectRow.asset_id == asset_id).order_by(*_BEST_FIRST)
        ).all()
        parents = self.locate({row.parent_id for row in rows if row.parent_id})
        return [
            HeldObject(
                object_id=row.id,
                ref=_ref(row),
                generation=row.generation,
                located=_step(parents[row.parent_id], row) if row.parent_id else Located(_ref(row)),
                parent_id=AssetId(row.parent_id) if row.parent_id else None,
            )
            for row in rows
            if row.parent_id is None or row.parent_id in parents
        ]

    def locate(self, asset_ids: Iterable[UUID]) -> dict[UUID, Located]:
        """One way to each asset: by an object of a bucket if one holds it, else by a parent's.

        Assets that nothing holds are absent.
        """
        wanted = set(asset_ids)
        holders = self._first_holders(wanted)
        found = {asset_id: _located(holders, asset_id) for asset_id in wanted}
        return {asset_id: located for asset_id, located in found.items() if located}

    def surroundings(self, asset_id: AssetId) -> Surroundings:
        """What must be known before an asset is opened."""
        holders = self._first_holders({asset_id})
        located = _located(holders, asset_id)
        in_all = self._total_inside(_outermost(holders, asset_id))
        in_own = self._total_inside(asset_id)
        return Surroundings(
            depth=len(located.inside) if located else 0,
            sha256s=self._sha256s(self.around(asset_id)),
            n_members=in_all[0] - in_own[0],
            n_bytes=in_all[1] - in_own[1],
        )

    def around(self, asset_id: AssetId) -> set[UUID]:
        """The asset and all that it is inside of, by whatever way."""
        found: set[UUID] = set()
        wanted: set[UUID] = {asset_id}
        while wanted:
            found |= wanted
            parents = {
                parent
                for chunk in _chunks(wanted)
                for parent in self._session.scalars(
                    select(ObjectRow.parent_id)
                    .where(ObjectRow.asset_id.in_(chunk), ObjectRow.parent_id.is_not(None))
                    .distinct()
                )
                if parent
            }
            wanted = parents - found
        return found

    def _sha256s(self, asset_ids: Collection[UUID]) -> frozenset[str]:
        hashes = (
            select(AssetRow.sha256).where(AssetRow.id.in_(chunk)) for chunk in _chunks(asset_ids)
        )
        return frozenset(sha for query in hashes for sha in self._session.scalars(query) if sha)

    def _total_inside(self, asset_id: UUID) -> tuple[int, int]:
        """Number and bytes of all members below an asset."""
        members = _below(asset_id)
        total = select(func.count(), func.coalesce(func.sum(members.c.size_bytes), 0))
        n_members, n_bytes = self._session.execute(total.select_from(members)).one()
        return n_members, int(n_bytes)

    def below(self, asset_id: AssetId) -> dict[AssetId, int]:
        """All assets inside an asset, at any depth, with their sizes in bytes."""
        members = _below(asset_id)
        rows = self._session.execute(
            select(members.c.asset_id, members.c.size_bytes)
            .where(members.c.asset_id.is_not(None))
            .order_by(members.c.asset_id)
        )
        return {AssetId(inner): n_bytes for inner, n_bytes in rows}

    def _first_holders(self, asset_ids: Collection[UUID]) -> dict[UUID, ObjectRow]:
        """The best holder of each asset, and of each on the way from there to a bucket."""
        found: dict[UUID, ObjectRow] = {}
        wanted = set(asset_ids)
        while wanted:
            rows = [row for chunk in _chunks(wanted) for row in self._best(chunk)]
            found |= {row.asset_id: row for row in rows if row.asset_id}
            wanted = {row.parent_id for row in rows if row.parent_id} - found.keys()
        return found

    def _best(self, asset_ids: Collection[UUID]) -> Iterable[ObjectRow]:
        rank = func.row_number().over(partition_by=ObjectRow.asset_id, order_by=_BEST_FIRST)
        ranked = select(ObjectRow.id, rank.label("rank")).where(ObjectRow.asset_id.in_(asset_ids))
        first = ranked.subquery()
        return self._session.scalars(
            select(ObjectRow).join(first, first.c.id == ObjectRow.id).where(first.c.rank == 1)
        ).all()


def _below(asset_id: UUID) -> CTE:
    """Rows of all members below an asset; one that is reached twice is there once."""
    columns = ObjectRow.id, ObjectRow.asset_id, ObjectRow.size_bytes
    members = select(*columns).where(ObjectRow.parent_id == asset_id).cte(recursive=True)
    return members.union(select(*columns).join(members, ObjectRow.parent_id == members.c.asset_id))


def _located(holders: Mapping[UUID, ObjectRow], asset_id: UUID) -> Located | None:
    inside: list[str] = []
    for _ in holders:
        row = holders.get(asset_id)
        if row is None:
            break
        if row.parent_id is None:
            return Located(_ref(row), tuple(reversed(inside)))
        inside.append(path_inside(row.key))
        asset_id = row.parent_id
    return None


def _outermost(holders: Mapping[UUID, ObjectRow], asset_id: UUID) -> UUID:
    for _ in holders:
        row = holders.get(asset_id)
        if row is None or row.parent_id is None:
            break
        asset_id = row.parent_id
    return asset_id


def _step(parent: Located, row: ObjectRow) -> Located:
    return Located(parent.ref, (*parent.inside, path_inside(row.key)))


def _ref(row: ObjectRow) -> ObjectRef:
    return ObjectRef(bucket=row.bucket, key=row.key, version_id=row.version_id)


def _chunks(ids: Collection[UUID]) -> Iterable[list[UUID]]:
    ordered = sorted(ids)
    return (ordered[first : first + _IN_LIST] for first in range(0, len(ordered), _IN_LIST))
