"""Our points and conditions in the words of Qdrant Edge: pure functions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import qdrant_edge as qe

from infra.vectors.payload import AnyOf, Condition, Index, owned_point, stored_payload
from infra.vectors.store import DENSE, SPARSE, Dense, OwnedPoint, Point, Space, Sparse

#: Never reached, in KiB: see the top of `edge.py`.
_NO_HNSW = 1 << 40

FIELD_SCHEMAS: dict[Index, qe.PayloadSchemaType | qe.KeywordIndexParams] = {
    Index.TENANT: qe.KeywordIndexParams(is_tenant=True),
    Index.KEYWORD: qe.PayloadSchemaType.Keyword,
    Index.UUID: qe.PayloadSchemaType.Uuid,
    Index.INTEGER: qe.PayloadSchemaType.Integer,
    Index.FLOAT: qe.PayloadSchemaType.Float,
}


def edge_filter(conditions: Sequence[Condition], without: set[UUID] | None = None) -> qe.Filter:
    """Say neutral conditions in the engine's words.

    Args:
        conditions: all must hold.
        without: ids of points that must not match.
    """
    return qe.Filter(
        must=[_condition(condition) for condition in conditions],
        must_not=[qe.HasIdCondition(set(without))] if without else None,
    )


def _condition(condition: Condition) -> qe.FieldCondition:
    if isinstance(condition, AnyOf):
        values: Any = list(condition.values)
        return qe.FieldCondition(condition.key, match=qe.MatchAny(values))
    return qe.FieldCondition(
        condition.key, range=qe.RangeFloat(gte=condition.at_least, lt=condition.below)
    )


def edge_config(space: Space) -> qe.EdgeConfig:
    """The shape of a shard; equal for every opening of one space."""
    dense = qe.EdgeVectorParams(size=space.embedding_dim, distance=qe.Distance.Cosine)
    sparse = {SPARSE: qe.EdgeSparseVectorParams(modifier=qe.Modifier.Idf)}
    return qe.EdgeConfig(
        vectors={DENSE: dense},
        sparse_vectors=sparse if space.has_sparse else None,
        optimizers=qe.EdgeOptimizersConfig(indexing_threshold=_NO_HNSW),
    )


def edge_point(tenant: str, point: Point) -> qe.Point:
    """A point as the engine takes it, its tenant in the payload."""
    vectors: dict[str, qe.NamedVector] = {DENSE: point.dense.tolist()}
    if point.sparse is not None:
        vectors[SPARSE] = _sparse(point.sparse)
    return qe.Point(point.id, vectors, stored_payload(tenant, point.payload))


def edge_owned(record: qe.Record) -> OwnedPoint:
    """A record that was read with its payload and vectors."""
    vectors: dict[str, Any] = record.vector if isinstance(record.vector, dict) else {}
    sparse = vectors.get(SPARSE)
    terms = None if sparse is None else Sparse(sparse.indices, sparse.values)
    return owned_point(UUID(str(record.id)), record.payload or {}, vectors[DENSE], terms)


def edge_query(vector: Dense | Sparse) -> qe.Query:
    """Nearest neighbours of a dense or sparse vector."""
    if isinstance(vector, Sparse):
        return qe.Query.Nearest(_sparse(vector), using=SPARSE)
    return qe.Query.Nearest(vector.tolist(), using=DENSE)


def _sparse(vector: Sparse) -> qe.SparseVector:
    return qe.SparseVector(list(vector.indices), list(vector.values))
