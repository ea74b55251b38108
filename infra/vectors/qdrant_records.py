"""Our points and conditions in the words of the Qdrant server: pure functions."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from qdrant_client import models

from infra.vectors.payload import AnyOf, Condition, Index, owned_point, stored_payload
from infra.vectors.store import DENSE, SPARSE, Dense, OwnedPoint, Point, Space, Sparse

FIELD_SCHEMAS: dict[Index, models.PayloadSchemaType | models.KeywordIndexParams] = {
    Index.TENANT: models.KeywordIndexParams(
        type=models.KeywordIndexType.KEYWORD,
        is_tenant=True,
    ),
    Index.KEYWORD: models.PayloadSchemaType.KEYWORD,
    Index.UUID: models.PayloadSchemaType.UUID,
    Index.INTEGER: models.PayloadSchemaType.INTEGER,
    Index.FLOAT: models.PayloadSchemaType.FLOAT,
}


def qdrant_filter(conditions: Sequence[Condition], without: Iterable[UUID] = ()) -> models.Filter:
    """Say neutral conditions in the server's words.

    Args:
        conditions: all must hold.
        without: ids of points that must not match.
    """
    excluded: list[Any] = [str(point_id) for point_id in without]
    return models.Filter(
        must=[_condition(condition) for condition in conditions],
        must_not=[models.HasIdCondition(has_id=excluded)] if excluded else None,
    )


def _condition(condition: Condition) -> models.FieldCondition:
    if isinstance(condition, AnyOf):
        values: Any = list(condition.values)
        return models.FieldCondition(key=condition.key, match=models.MatchAny(any=values))
    between = models.Range(gte=condition.at_least, lt=condition.below)
    return models.FieldCondition(key=condition.key, range=between)


def dense_params(space: Space) -> dict[str, models.VectorParams]:
    """The dense vectors of a collection."""
    return {DENSE: models.VectorParams(size=space.embedding_dim, distance=models.Distance.COSINE)}


def sparse_params(space: Space) -> dict[str, models.SparseVectorParams] | None:
    """The sparse vectors of a collection; the server weighs their terms by IDF."""
    idf = models.SparseVectorParams(modifier=models.Modifier.IDF)
    return {SPARSE: idf} if space.has_sparse else None


def qdrant_point(tenant: str, point: Point) -> models.PointStruct:
    """A point as the server takes it, its tenant in the payload."""
    vectors: dict[str, Any] = {DENSE: point.dense.tolist()}
    if point.sparse is not None:
        vectors[SPARSE] = _sparse(point.sparse)
    payload = stored_payload(tenant, point.payload)
    return models.PointStruct(id=str(point.id), vector=vectors, payload=payload)


def qdrant_owned(record: models.Record) -> OwnedPoint:
    """A record that was read with its payload and vectors."""
    vectors: dict[str, Any] = record.vector if isinstance(record.vector, dict) else {}
    sparse = vectors.get(SPARSE)
    terms = None if sparse is None else Sparse(sparse.indices, sparse.values)
    return owned_point(UUID(str(record.id)), record.payload or {}, vectors[DENSE], terms)


def qdrant_query(vector: Dense | Sparse) -> tuple[str, list[float] | models.SparseVector]:
    """Which vector of the points to compare, and with what."""
    if isinstance(vector, Sparse):
        return SPARSE, _sparse(vector)
    return DENSE, vector.tolist()


def _sparse(vector: Sparse) -> models.SparseVector:
    return models.SparseVector(indices=list(vector.indices), values=list(vector.values))
