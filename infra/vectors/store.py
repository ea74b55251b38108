"""The vector port: spaces of points, one tenant at a time.

Every call takes the tenant and the adapters add it to payloads and filters, so that no caller
can forget it; `scan` and `put` move whole spaces, and carry the tenant with each point. Writes
return only once they are durable and visible.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from schemas.asset import AssetId, MediaType
from schemas.search import Filter

#: float32, shape (embedding_dim,), unit length.
Dense = NDArray[np.float32]

#: Name of the dense and the sparse vector of a point.
DENSE, SPARSE = "dense", "bm25"

#: Points of one upsert request.
UPSERT_BATCH = 256
#: Points of one page, with their vectors or without.
SCROLL_PAGE = 1000


@dataclass(frozen=True)
class Sparse:
    """A sparse vector: parallel, indices unique and ascending."""

    indices: Sequence[int]
    values: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Space:
    """One collection: a space's name, its model fingerprint and its shape."""

    #: `visual`, `text`, `audio`.
    name: str
    fingerprint: str
    embedding_dim: int
    has_sparse: bool = False

    @property
    def collection(self) -> str:
        """Name of the collection that holds it."""
        return f"{self.name}__{self.fingerprint}"


@dataclass(frozen=True, kw_only=True)
class Payload:
    """What filters need of a point, and nothing else."""

    asset_id: AssetId
    stage: str
    version: str
    part: int
    ordinal: int
    kind: MediaType
    mime_type: str
    bucket: str
    fence: int
    #: Unix seconds.
    created_at: float
    page: int | None = None
    start_s: float | None = None
    end_s: float | None = None
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class Point:
    """A record of a space; its id is the segment's id."""

    id: UUID
    dense: Dense
    payload: Payload
    sparse: Sparse | None = None


@dataclass(frozen=True, kw_only=True)
class OwnedPoint:
    """A point and whose it is: what moves from one store to another."""

    tenant: str
    point: Point


@dataclass(frozen=True, kw_only=True)
class ScoredPoint:
    """A point that matched."""

    id: UUID
    score: float
    payload: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """All points that one job owns: one stage on one part of one asset, whatever the version."""

    asset_id: AssetId
    stage: str
    part: int


class VectorStore(ABC):
    """Port to the vector engine. Every method is safe to repeat.

    All methods raise `VectorStoreUnavailable` when the engine does not answer or does not
    confirm a write as completed.
    """

    @abstractmethod
    def ensure(self, space: Space) -> None:
        """Create the collection and its payload indexes where absent.

        Raises:
            ConfigurationError: the collection exists with another dimension.
        """

    @abstractmethod
    def replace(self, space: Space, tenant: str, scope: Scope, points: Sequence[Point]) -> None:
        """Make `points` the only points of the scope.

        Upserts first and deletes what is left over afterwards (another version, or ordinals
        beyond the new ones), so a searcher never sees the scope empty. If the process dies in
        between, the same call again ends in the same state.
        """

    @abstractmethod
    def search(
        self,
        space: Space,
        tenant: str,
        vector: Dense | Sparse,
        *,
        filter: Filter,  # noqa: A002  the field's word
        limit: int,
    ) -> list[ScoredPoint]:
        """Nearest points, best first: cosine for dense, BM25 with IDF for sparse.

        A collection that does not exist has no points.
        """

    @abstractmethod
    def delete_asset(self, space: Space, tenant: str, asset_id: AssetId) -> None:
        """Delete all points of an asset."""

    @abstractmethod
    def count(self, space: Space, tenant: str, asset_id: AssetId | None = None) -> int:
        """Exact number of points."""

    @abstractmethod
    def ids(self, space: Space, tenant: str) -> Iterator[UUID]:
        """Ids of all points, in no particular order, read in pages."""

    @abstractmethod
    def scan(self, space: Space, after: UUID | None = None) -> Iterator[list[OwnedPoint]]:
        """All points of all tenants with their vectors, in pages and in the order of their ids.

        Args:
            space: none of its points where the collection does not exist.
            after: begin behind this id.
        """

    @abstractmethod
    def put(self, space: Space, points: Sequence[OwnedPoint]) -> None:
        """Write points as `scan` gave them, over those of the same ids; deletes nothing.

        For whole spaces that are moved: the results of a job go through `replace`.
        """

    @abstractmethod
    def collections(self) -> list[str]:
        """Names of all collections."""

    @abstractmethod
    def drop(self, space: Space) -> None:
        """Delete the collection; absent is fine."""

    @abstractmethod
    def ping(self) -> str:
        """Version of the engine, for `sluice doctor`."""

    @abstractmethod
    def close(self) -> None:
        """Flush and release; the store cannot be used afterwards."""
