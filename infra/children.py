"""What is inside assets, for people. Nothing here writes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from infra.tables import AssetRow, FailureRow, ObjectRow
from schemas.asset import AssetId, AssetState
from schemas.member import path_inside
from schemas.reports import ChildReport

#: Children told of one asset: what is in there twice is told twice, and so on below.
MOST_CHILDREN = 1_000
#: Parameters of one IN list; SQLite bounds them.
_IN_LIST = 500

#: Outermost asset and the path from there, by each parent on one level.
_Level = Mapping[UUID, Sequence[tuple[UUID, tuple[str, ...]]]]


class Children:
    """Reads of member rows within one transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of(self, asset_ids: Iterable[UUID]) -> dict[UUID, list[ChildReport]]:
        """What is inside each of the assets, level by level."""
        found: dict[UUID, list[ChildReport]] = {asset_id: [] for asset_id in asset_ids}
        level: _Level = {asset_id: [(asset_id, ())] for asset_id in found}
        while level:
            level = self._add_level(level, found)
        errors = self._errors({c.asset_id for children in found.values() for c in children})
        return {
            asset_id: [
                child.model_copy(update={"error": errors.get(child.asset_id)}) for child in children
            ]
            for asset_id, children in found.items()
        }

    def _add_level(self, level: _Level, found: Mapping[UUID, list[ChildReport]]) -> _Level:
        below: dict[UUID, list[tuple[UUID, tuple[str, ...]]]] = defaultdict(list)
        for row in self._members(level):
            for outermost, path in level[row.parent_id]:
                children, inside = found[outermost], (*path, path_inside(row.key))
                if len(children) < MOST_CHILDREN:
                    children.append(_report(row, inside))
                    if row.asset_id:
                        below[row.asset_id].append((outermost, inside))
        return below

    def _members(self, parents: Iterable[UUID]) -> Iterable[Any]:
        for chunk in _chunks(parents):
            yield from self._session.execute(
                select(
                    ObjectRow.parent_id,
                    ObjectRow.key,
                    ObjectRow.asset_id,
                    AssetRow.state,
                    AssetRow.media_type,
                )
                .outerjoin(AssetRow, AssetRow.id == ObjectRow.asset_id)
                .where(ObjectRow.parent_id.in_(chunk))
                .order_by(ObjectRow.key)
            ).all()

    def _errors(self, asset_ids: Iterable[UUID | None]) -> dict[UUID | None, str]:
        errors: dict[UUID | None, str] = {}
        for chunk in _chunks(asset_id for asset_id in asset_ids if asset_id):
            rows = self._session.scalars(
                select(FailureRow).where(FailureRow.asset_id.in_(chunk)).order_by(FailureRow.id)
            )
            for row in rows:
                errors.setdefault(row.asset_id, f"{row.category}: {row.message}")
        return errors


def _report(row: Any, inside: tuple[str, ...]) -> ChildReport:
    return ChildReport(
        inside=inside,
        asset_id=AssetId(row.asset_id) if row.asset_id else None,
        media_type=row.media_type,
        state=row.state or AssetState.DELETED,
    )


def _chunks(ids: Iterable[UUID]) -> Iterable[list[UUID]]:
    ordered = sorted(ids)
    return (ordered[first : first + _IN_LIST] for first in range(0, len(ordered), _IN_LIST))
