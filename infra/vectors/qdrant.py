"""Vectors on a Qdrant server, over gRPC."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import grpc  # type: ignore[import-untyped]
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException

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
from infra.vectors.qdrant_records import (
    FIELD_SCHEMAS,
    dense_params,
    qdrant_filter,
    qdrant_owned,
    qdrant_point,
    qdrant_query,
    sparse_params,
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
from schemas.errors import ConfigurationError, VectorStoreUnavailable
from schemas.search import Filter

#: Address of the engine inside the client library: exact, in memory, for tests.
IN_MEMORY = ":memory:"

#: Longest wait for one request.
TIMEOUT_S = 30

#: The server's HTTP port; gRPC listens on the next one.
_HTTP_PORT = 6333

_REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)


class QdrantVectorStore(VectorStore):
    """The vector store of a cluster. Safe to use from many threads."""

    def __init__(self, url: str, api_key: str = "") -> None:
        """Connects with the first request.

        Args:
            url: of the HTTP port; gRPC is expected one port higher, as the server has it.
            api_key: empty where the server asks for none.
        """
        self._url = url
        self._client = _client(url, api_key)

    def ensure(self, space: Space) -> None:
        with self._translated(space):
            if not self._client.collection_exists(space.collection):
                self._create(space)
            stored = self._client.get_collection(space.collection)
            found = _dimension(stored)
            if found != space.embedding_dim:
                raise dimension_error(space, found)
            if self._url != IN_MEMORY:
                # One by one, because a crash may have cut the last run short.
                for key in INDEXES.keys() - stored.payload_schema.keys():
                    schema = FIELD_SCHEMAS[INDEXES[key]]
                    self._client.create_payload_index(space.collection, key, schema)

    def replace(self, space: Space, tenant: str, scope: Scope, points: Sequence[Point]) -> None:
        check_points(space, points)
        with self._translated(space):
            for batch in batches(points):
                records = [qdrant_point(tenant, point) for point in batch]
                confirm(self._client.upsert(space.collection, records, **_DURABLE))
            ids = (point.id for point in points)
            self._delete(space, qdrant_filter(of_scope(tenant, scope), without=ids))

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
        using, query = qdrant_query(vector)
        wanted = qdrant_filter(matching(tenant, filter))
        try:
            with self._translated(space):
                answer = self._client.query_points(
                    space.collection, query, using=using, query_filter=wanted, limit=limit
                )
        except _CollectionAbsent:
            return []
        return [
            ScoredPoint(id=UUID(str(hit.id)), score=hit.score, payload=hit.payload or {})
            for hit in answer.points
        ]

    def delete_asset(self, space: Space, tenant: str, asset_id: AssetId) -> None:
        try:
            with self._translated(space):
                self._delete(space, qdrant_filter(of_asset(tenant, asset_id)))
        except _CollectionAbsent:
            return

    def count(self, space: Space, tenant: str, asset_id: AssetId | None = None) -> int:
        wanted = qdrant_filter(of_asset(tenant, asset_id))
        try:
            with self._translated(space):
                return self._client.count(space.collection, wanted, exact=True).count
        except _CollectionAbsent:
            return 0

    def ids(self, space: Space, tenant: str) -> Iterator[UUID]:
        wanted = qdrant_filter(of_asset(tenant, None))
        for records in self._pages(space, scroll_filter=wanted, with_payload=False):
            yield from (UUID(str(record.id)) for record in records)

    def scan(self, space: Space, after: UUID | None = None) -> Iterator[list[OwnedPoint]]:
        first = None if after is None else str(after)
        for records in self._pages(space, offset=first, with_payload=True, with_vectors=True):
            # A page begins with its offset, which the caller has.
            yield [qdrant_owned(record) for record in records if record.id != first]

    def _pages(
        self, space: Space, *, offset: Any = None, **request: Any
    ) -> Iterator[list[models.Record]]:
        """Records in the order of their ids; none where no collection was made."""
        while True:
            try:
                with self._translated(space):
                    records, offset = self._client.scroll(
                        space.collection, limit=SCROLL_PAGE, offset=offset, **request
                    )
            except _CollectionAbsent:
                return
            yield records
            if offset is None:
                return

    def put(self, space: Space, points: Sequence[OwnedPoint]) -> None:
        check_points(space, [owned.point for owned in points])
        with self._translated(space):
            for batch in batches(points):
                records = [qdrant_point(owned.tenant, owned.point) for owned in batch]
                confirm(self._client.upsert(space.collection, records, **_DURABLE))

    def collections(self) -> list[str]:
        with self._translated():
            return sorted(c.name for c in self._client.get_collections().collections)

    def drop(self, space: Space) -> None:
        with self._translated(space):
            self._client.delete_collection(space.collection)

    def ping(self) -> str:
        with self._translated():
            return f"qdrant {self._client.info().version}"

    def close(self) -> None:
        self._client.close()

    def _create(self, space: Space) -> None:
        try:
            self._client.create_collection(
                space.collection, dense_params(space), sparse_params(space)
            )
        except (grpc.RpcError, ValueError):
            # Another worker may have been first.
            if not self._client.collection_exists(space.collection):
                raise

    def _delete(self, space: Space, doomed: models.Filter) -> None:
        selector = models.FilterSelector(filter=doomed)
        confirm(self._client.delete(space.collection, selector, **_DURABLE))

    @contextmanager
    def _translated(self, space: Space | None = None) -> Iterator[None]:
        """Turn the client's errors into ours; those that show a defect of ours fly."""
        try:
            yield
        except (grpc.RpcError, QdrantException, ValueError, RuntimeError) as exc:
            ours = _translation(exc, self._url, space)
            if ours is None:
                raise
            raise ours from exc


class _CollectionAbsent(VectorStoreUnavailable):
    """The server knows no such collection."""


#: Strong ordering sends all writes of a point through one replica, so that an older run can't
#: overtake a newer one on some of them.
_DURABLE: dict[str, Any] = {"wait": True, "ordering": models.WriteOrdering.STRONG}


def confirm(result: models.UpdateResult) -> None:
    """Accept a write only when the server has applied it.

    Raises:
        VectorStoreUnavailable: it was merely acknowledged, or the wait was cut short.
    """
    if result.status != models.UpdateStatus.COMPLETED:
        raise VectorStoreUnavailable(
            f"write {result.operation_id} is {result.status.value}, expected completed"
        )


def _client(url: str, api_key: str) -> QdrantClient:
    if url == IN_MEMORY:
        return QdrantClient(location=IN_MEMORY)
    return QdrantClient(
        url=url,
        api_key=api_key or None,
        grpc_port=(urlsplit(url).port or _HTTP_PORT) + 1,
        prefer_grpc=True,
        timeout=TIMEOUT_S,
        # It asks over HTTP in a thread of its own, and only warns.
        check_compatibility=False,
    )


def _dimension(stored: models.CollectionInfo) -> int:
    """Size of the dense vector; 0 where the collection has none of that name."""
    vectors = stored.config.params.vectors
    return vectors[DENSE].size if isinstance(vectors, dict) and DENSE in vectors else 0


def _translation(exc: Exception, url: str, space: Space | None) -> Exception | None:
    """Our error for one of the client's; None for a request that we built wrong."""
    if isinstance(exc, grpc.RpcError):
        return _status_translation(exc.code(), f"{url}: {exc.details()}", space)
    if isinstance(exc, QdrantException):
        return VectorStoreUnavailable(f"{url}: {exc}")
    return _in_memory_translation(str(exc), space)


def _status_translation(
    code: grpc.StatusCode, message: str, space: Space | None
) -> Exception | None:
    if code == grpc.StatusCode.NOT_FOUND and space:
        return _CollectionAbsent(str(absent_error(space)))
    if code in _REFUSED:
        return ConfigurationError(f"{message} (check SLUICE_QDRANT_API_KEY)")
    if code == grpc.StatusCode.INVALID_ARGUMENT:
        return None
    return VectorStoreUnavailable(message)


def _in_memory_translation(message: str, space: Space | None) -> Exception | None:
    if space and message == f"Collection {space.collection} not found":
        return _CollectionAbsent(str(absent_error(space)))
    return VectorStoreUnavailable(message) if "is closed" in message else None
