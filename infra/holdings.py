"""What a whole installation holds, over all tenants: for moving it."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Table, func, inspect, select
from sqlalchemy.orm import Session

from infra.tables import ArtifactRow, AssetRow, Base, ObjectRow, WorkerRow
from schemas.asset import FILE_BUCKET, AssetId

#: Tables of content, referenced ones first. Who works at the moment is no content.
CONTENT_TABLES: tuple[Table, ...] = tuple(
    table for table in Base.metadata.sorted_tables if table.name != WorkerRow.__tablename__
)

#: Rows that are fetched at once.
_PAGE = 1000


class AssetArtifacts(NamedTuple):
    """One asset with the keys that its rows name."""

    tenant: str
    asset_id: AssetId
    keys: frozenset[str]


class Holdings:
    """Reads of everything within one transaction; pages, so that memory does not grow."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def n_rows(self) -> dict[str, int]:
        """Number of rows by table of content."""
        return {
            table.name: self._session.scalar(select(func.count()).select_from(table)) or 0
            for table in CONTENT_TABLES
        }

    def filled_tables(self) -> list[str]:
        """Names of the tables of content that hold anything; a table need not exist."""
        there = inspect(self._session.connection()).get_table_names()
        return [
            table.name
            for table in CONTENT_TABLES
            if table.name in there
            and self._session.execute(select(*table.primary_key).limit(1)).first()
        ]

    def has_schema(self) -> bool:
        """Whether any release has made its tables here."""
        there = inspect(self._session.connection()).get_table_names()
        return WorkerRow.__tablename__ in there

    def tenants(self) -> list[str]:
        """Everybody who has an asset."""
        return list(self._session.scalars(select(AssetRow.tenant).distinct()))

    def n_local_objects(self) -> int:
        """Objects that are files of this machine, read in place."""
        where = (ObjectRow.bucket == FILE_BUCKET, ObjectRow.asset_id.is_not(None))
        return self._session.scalar(select(func.count()).where(*where)) or 0

    def assets(self) -> Iterator[list[AssetArtifacts]]:
        """Every asset with the keys of its artifacts, in pages and in the order of ids."""
        last: UUID | None = None
        while True:
            where = () if last is None else (AssetRow.id > last,)
            page = self._session.execute(
                select(AssetRow.tenant, AssetRow.id)
                .where(*where)
                .order_by(AssetRow.id)
                .limit(_PAGE)
            ).all()
            if not page:
                return
            last = page[-1].id
            keys = self._keys(page[0].id, page[-1].id)
            yield [
                AssetArtifacts(tenant, AssetId(asset_id), frozenset(keys[asset_id]))
                for tenant, asset_id in page
            ]

    def _keys(self, first: UUID, last: UUID) -> dict[UUID, list[str]]:
        """Keys of artifacts by asset, of all assets between two."""
        keys: dict[UUID, list[str]] = defaultdict(list)
        rows = self._session.execute(
            select(ArtifactRow.asset_id, ArtifactRow.key).where(
                ArtifactRow.asset_id.between(first, last)
            )
        )
        for asset_id, key in rows:
            keys[asset_id].append(key)
        return keys
