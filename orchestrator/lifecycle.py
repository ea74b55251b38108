"""The end of an asset: hidden at once, then its points, artifacts and rows are removed."""

import logging
from collections.abc import Sequence

from infra.backlog import Backlog
from infra.catalog import Catalog
from infra.contents import Contents
from infra.database import Database
from infra.object_store import ObjectStore
from infra.settings import Settings
from infra.vectors.store import VectorStore
from schemas.asset import AssetId

logger = logging.getLogger(__name__)

_PURGE_BATCH = 100


class Lifecycle:
    """Deletes assets. The tombstone is written first, so a crash leaves work, not orphans."""

    def __init__(
        self, database: Database, vectors: VectorStore, artifacts: ObjectStore, settings: Settings
    ) -> None:
        self._database = database
        self._vectors = vectors
        self._artifacts = artifacts
        self._settings = settings

    def delete(self, asset_ids: Sequence[AssetId]) -> None:
        """Hide assets, and what only they hold, and stop their jobs; `purge` removes the rest."""
        with self._database.session_scope() as session:
            hidden = Catalog(session).tombstone(asset_ids)
            Backlog(session).cancel(hidden)

    def purge(self) -> int:
        """Remove points, artifacts and rows of deleted assets; returns the number of assets.

        Safe to repeat and to be killed: the tombstone stays until all of it has succeeded.
        """
        with self._database.read_scope() as session:
            deleted = Catalog(session).unpurged(_PURGE_BATCH)
            spaces = Contents(session).spaces()
        for tenant, asset_id in deleted:
            for space in spaces:
                self._vectors.delete_asset(space, tenant, asset_id)
            prefix = self._settings.artifact_prefix(tenant, asset_id)
            self._artifacts.delete_prefix(self._settings.artifact_bucket, prefix)
            with self._database.session_scope() as session:
                Catalog(session).purged(asset_id)
            logger.info("asset_purged", extra={"asset_id": str(asset_id)})
        return len(deleted)
