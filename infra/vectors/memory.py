"""Vectors in a dict: exact, forgotten with the process, for tests of other modules."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from infra.vectors.payload import (
    AnyOf,
    Condition,
    absent_error,
    check_points,
    check_vector,
    dimension_error,
    matching,
    of_asset,
    of_scope,
    stored_payload,
)
from infra.vectors.store import (
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
from schemas.errors import VectorStoreUnavailable
from schemas.search import Filter


@dataclass(frozen=True)
class _Stored:
    point: Point
    payload: dict[str, str | int | float]


@dataclass
class _Collection:
    embedding_dim: int
    points: dict[UUID, _Stored] = field(default_factory=dict)


class InMemoryVectorStore(VectorStore):
    """Behaves like the engines, at the scale of a test."""

    def __init__(self) -> None:
        self._collections: dict[str, _Collection] = {}
        self._is_closed = False

    def ensure(self, space: Space) -> None:
        new = _Collection(space.embedding_dim)
        found = self._open().setdefault(space.collection, new).embedding_dim
        if found != space.embedding_dim:
            raise dimension_error(space, found)

    def replace(self, space: Space, tenant: str, scope: Scope, points: Sequence[Point]) -> None:
        check_points(space, points)
        collection = self._open().get(space.collection)
        if collection is None:
            raise absent_error(space)
        new = {p.id: _Stored(p, stored_payload(tenant, p.payload)) for p in points}
        collection.points.update(new)
        self._delete(space, of_scope(tenant, scope), without=new.keys())

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
        every = self._select(space, [])
        idf = _idf([s.point.sparse for s in every if s.point.sparse])
        hits = [
            ScoredPoint(id=stored.point.id, score=score, payload=dict(stored.payload))
            for stored in self._select(space, matching(tenant, filter))
            if (score := _score(vector, stored.point, idf)) is not None
        ]
        return sorted(hits, key=lambda hit: -hit.score)[:limit]

    def delete_asset(self, space: Space, tenant: str, asset_id: AssetId) -> None:
        self._delete(space, of_asset(tenant, asset_id))

    def count(self, space: Space, tenant: str, asset_id: AssetId | None = None) -> int:
        return len(self._select(space, of_asset(tenant, asset_id)))

    def ids(self, space: Space, tenant: str) -> Iterator[UUID]:
        yield from [s.point.id for s in self._select(space, of_asset(tenant, None))]

    def scan(self, space: Space, after: UUID | None = None) -> Iterator[list[OwnedPoint]]:
        stored = sorted(self._select(space, []), key=lambda s: s.point.id.int)
        rest = [s for s in stored if after is None or s.point.id.int > after.int]
        for start in range(0, len(rest), SCROLL_PAGE):
            yield [
                OwnedPoint(tenant=str(s.payload["tenant"]), point=s.point)
                for s in rest[start : start + SCROLL_PAGE]
            ]

    def put(self, space: Space, points: Sequence[OwnedPoint]) -> None:
        check_points(space, [owned.point for owned in points])
        collection = self._open().get(space.collection)
        if collection is None:
            raise absent_error(space)
        for owned in points:
            payload = stored_payload(owned.tenant, owned.point.payload)
            collection.points[owned.point.id] = _Stored(owned.point, payload)

    def collections(self) -> list[str]:
        return sorted(self._open())

    def drop(self, space: Space) -> None:
        self._open().pop(space.collection, None)

    def ping(self) -> str:
        return "in memory"

    def close(self) -> None:
        self._is_closed = True

    def _open(self) -> dict[str, _Collection]:
        if self._is_closed:
            raise VectorStoreUnavailable("the vector store in memory is closed")
        return self._collections

    def _select(self, space: Space, conditions: Sequence[Condition]) -> list[_Stored]:
        collection = self._open().get(space.collection)
        points = list(collection.points.values()) if collection else []
        return [s for s in points if all(_holds(c, s.payload) for c in conditions)]

    def _delete(
        self, space: Space, conditions: Sequence[Condition], without: Collection[UUID] = ()
    ) -> None:
        for stored in self._select(space, conditions):
            if stored.point.id not in without:
                self._collections[space.collection].points.pop(stored.point.id, None)


def _holds(condition: Condition, payload: dict[str, str | int | float]) -> bool:
    value = payload.get(condition.key)
    if isinstance(condition, AnyOf):
        return value in condition.values
    at_least = -math.inf if condition.at_least is None else condition.at_least
    below = math.inf if condition.below is None else condition.below
    return not isinstance(value, str | None) and at_least <= value < below


def _score(query: Dense | Sparse, point: Point, idf: dict[int, float]) -> float | None:
    """Cosine or BM25; None where the point has no such vector or no term of the query."""
    if not isinstance(query, Sparse):
        norms = np.linalg.norm(query) * np.linalg.norm(point.dense)
        return float(query @ point.dense / max(norms, np.finfo(np.float32).tiny))
    if point.sparse is None:
        return None
    held = dict(zip(point.sparse.indices, point.sparse.values, strict=True))
    asked = zip(query.indices, query.values, strict=True)
    terms = [value * idf[i] * held[i] for i, value in asked if i in held]
    return sum(terms) if terms else None


def _idf(corpus: Sequence[Sparse]) -> dict[int, float]:
    """Qdrant's weight of each term: ln(1 + (N - n + 0.5) / (n + 0.5))."""
    n_holding = Counter(index for vector in corpus for index in vector.indices)
    return {
        index: math.log(1 + (len(corpus) - n + 0.5) / (n + 0.5)) for index, n in n_holding.items()
    }
