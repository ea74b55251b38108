"""Vectors in this process: Qdrant Edge, one shard a collection.

The engine holds Python's global lock during each call. So calls are atomic and threads need no
lock around a shard, but a long call stops the whole process. That is why the HNSW graph is never
built here (33 s for 50,000 points of 512 dimensions on 2 cores). Search is exact instead: 4 ms in
50,000 such points, 16 ms in 200,000, 80 ms in a million; beyond that use a server.
"""

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID

import qdrant_edge as qe

from infra.vectors.edge_records import (
    FIELD_SCHEMAS,
    edge_config,
    edge_filter,
    edge_owned,
    edge_point,
    edge_query,
)
from infra.vectors.payload import (
    INDEXES,
    absent_error,
    batches,
    check_points,
    check_vector,
    dimension_error,
    matching,
    of_asset,
    of_scope,
)
from infra.vectors.store import (
    DENSE,
    SCROLL_PAGE,
    Dense,
    OwnedPoint,
    Point,
    Scope,
    ScoredPoint,
    Space,
    Sparse,
    VectorStore,
)
from schemas.asset import AssetId
from schemas.errors import ConfigurationError, StorageFull, VectorStoreUnavailable
from schemas.search import Filter

#: Writes reach the log before they return, so they survive a crash of the process. After this
#: long they are also forced to disk, so that no more is lost when the power fails.
FLUSH_S = 5.0

#: Writes stop below this much free disk: the engine maps its files, and a full disk would end
#: the process with SIGBUS instead of an error.
MIN_FREE_BYTES = 256 << 20


class EdgeVectorStore(VectorStore):
    """The vector store of one machine, in a folder; opened by one process at a time."""

    def __init__(self, folder: Path) -> None:
        """Touches nothing: collections are opened when first used."""
        self._folder = folder
        self._shards: dict[str, qe.EdgeShard] = {}
        self._flushed_at: dict[str, float] = {}
        self._is_closed = False
        # Guards the opening and closing of shards, not their use.
        self._lock = Lock()

    def ensure(self, space: Space) -> None:
        path = self._folder / space.collection
        found = _stored_dimension(path)
        if found not in (None, space.embedding_dim):
            raise dimension_error(space, found)
        with self._lock, _translated(path):
            path.mkdir(parents=True, exist_ok=True)
            # The engine maps its files: without room for them the process would get SIGBUS.
            self._check_free_space()
            shard = self._opened(path, edge_config(space))
            # One by one, because a crash may have cut the last run short.
            for key in INDEXES.keys() - shard.info().payload_schema.keys():
                schema = FIELD_SCHEMAS[INDEXES[key]]
                shard.update(qe.UpdateOperation.create_field_index(key, schema))

    def replace(self, space: Space, tenant: str, scope: Scope, points: Sequence[Point]) -> None:
        check_points(space, points)
        self._check_free_space()
        with self._writing(space) as shard:
            for batch in batches(points):
                records = [edge_point(tenant, point) for point in batch]
                shard.update(qe.UpdateOperation.upsert_points(records))
            left_over = edge_filter(of_scope(tenant, scope), without={p.id for p in points})
            shard.update(qe.UpdateOperation.delete_points_by_filter(left_over))

    def search(
        self,
        space: Space,
        tenant: str,
        vector: Dense | Sparse,
        *,
        filter: Filter,  # noqa: A002  the field's word
        limit: int,
    ) -> list[ScoredPoint]:
        check_vector(space, vector)
        shard = self._find(space)
        if shard is None:
            return []
        request = qe.QueryRequest(
            query=edge_query(vector),
            filter=edge_filter(matching(tenant, filter)),
            limit=limit,
            with_payload=True,
        )
        with _translated(self._folder / space.collection):
            hits = shard.query(request)
        return [
            ScoredPoint(id=UUID(str(hit.id)), score=hit.score, payload=hit.payload or {})
            for hit in hits
        ]

    def delete_asset(self, space: Space, tenant: str, asset_id: AssetId) -> None:
        if self._find(space) is None:
            return
        with self._writing(space) as shard:
            all_of_it = edge_filter(of_asset(tenant, asset_id))
            shard.update(qe.UpdateOperation.delete_points_by_filter(all_of_it))

    def count(self, space: Space, tenant: str, asset_id: AssetId | None = None) -> int:
        shard = self._find(space)
        if shard is None:
            return 0
        with _translated(self._folder / space.collection):
            wanted = edge_filter(of_asset(tenant, asset_id))
            return shard.count(qe.CountRequest(exact=True, filter=wanted))

    def ids(self, space: Space, tenant: str) -> Iterator[UUID]:
        wanted = edge_filter(of_asset(tenant, None))
        for records in self._pages(space, filter=wanted, with_payload=False):
            yield from (UUID(str(record.id)) for record in records)

    def scan(self, space: Space, after: UUID | None = None) -> Iterator[list[OwnedPoint]]:
        for records in self._pages(space, offset=after, with_payload=True, with_vector=True):
            # A page begins with its offset, which the caller has.
            yield [edge_owned(record) for record in records if record.id != after]

    def _pages(
        self, space: Space, *, offset: Any = None, **request: Any
    ) -> Iterator[list[qe.Record]]:
        """Records in the order of their ids; none where no collection was made."""
        shard = self._find(space)
        while shard is not None:
            with _translated(self._folder / space.collection):
                asked = qe.ScrollRequest(offset=offset, limit=SCROLL_PAGE, **request)
                records, offset = shard.scroll(asked)
            yield records
            if offset is None:
                return

    def put(self, space: Space, points: Sequence[OwnedPoint]) -> None:
        check_points(space, [owned.point for owned in points])
        self._check_free_space()
        with self._writing(space) as shard:
            for batch in batches(points):
                records = [edge_point(owned.tenant, owned.point) for owned in batch]
                shard.update(qe.UpdateOperation.upsert_points(records))

    def collections(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(p.name for p in self._folder.iterdir() if p.is_dir() and "__" in p.name)

    def drop(self, space: Space) -> None:
        # Opening it first proves that no other process has it open.
        if self._find(space) is None:
            return
        path, doomed = self._folder / space.collection, self._folder / "dropped"
        with self._lock, _translated(path):
            shard = self._shards.pop(space.collection, None)
            if shard is None:
                return
            shard.close()
            # Renamed first: a crash while deleting must not leave half a collection.
            shutil.rmtree(doomed, ignore_errors=True)
            path.rename(doomed)
            shutil.rmtree(doomed)

    def ping(self) -> str:
        return f"qdrant-edge {version('qdrant-edge-py')}"

    def close(self) -> None:
        """Flush all collections and reclaim what deleted points held (0.8 s for 50,000)."""
        with self._lock:
            self._is_closed = True
            while self._shards:
                name, shard = self._shards.popitem()
                with _translated(self._folder / name):
                    shard.optimize()
                    shard.close()

    def _find(self, space: Space) -> qe.EdgeShard | None:
        """The open shard of a collection; None where no collection was made."""
        path = self._folder / space.collection
        with self._lock, _translated(path):
            return self._opened(path, edge_config(space)) if path.is_dir() else None

    def _opened(self, path: Path, config: qe.EdgeConfig) -> qe.EdgeShard:
        """Open a shard once; the engine mends one whose creation was cut short."""
        if self._is_closed:
            raise VectorStoreUnavailable(f"the vector store in {self._folder} is closed")
        if path.name not in self._shards:
            self._shards[path.name] = qe.EdgeShard.load(str(path), config)
            self._flushed_at[path.name] = time.monotonic()
        return self._shards[path.name]

    @contextmanager
    def _writing(self, space: Space) -> Iterator[qe.EdgeShard]:
        """The shard to write to; flushed afterwards when that is due."""
        name = space.collection
        shard = self._find(space)
        if shard is None:
            raise absent_error(space)
        with _translated(self._folder / name):
            yield shard
            if time.monotonic() - self._flushed_at[name] > FLUSH_S:
                self._flushed_at[name] = time.monotonic()
                shard.flush()

    def _check_free_space(self) -> None:
        free_bytes = shutil.disk_usage(self._folder).free if self._folder.is_dir() else None
        if free_bytes is not None and free_bytes < MIN_FREE_BYTES:
            raise StorageFull(
                f"{self._folder}: {free_bytes >> 20} MiB free, {MIN_FREE_BYTES >> 20} MiB needed"
            )


def _stored_dimension(path: Path) -> int | None:
    """Dimension of the collection in a folder; None where the engine must say what is there."""
    try:
        config = json.loads((path / "edge_config.json").read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return int(config["vectors"][DENSE]["size"])


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn the engine's errors into ours. It raises bare `Exception`: only its words differ."""
    try:
        yield
    except Exception as exc:
        if type(exc) is not Exception:
            raise
        raise translation(str(exc), path) from exc


def translation(message: str, path: Path) -> Exception:
    """Our error for a message of the engine about the collection in a folder."""
    if "Can't init WAL: Kind(WouldBlock)" in message:
        return ConfigurationError(f"the vector store in {path} is in use by another process")
    if "No space left on device" in message:
        return StorageFull(f"{path}: {message}")
    if "incompatible" in message or message.startswith("Vector dimension error"):
        return ConfigurationError(f"{path}: {message}")
    return VectorStoreUnavailable(f"{path}: {message}")
