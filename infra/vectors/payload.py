"""What the adapters share: payloads as stored, filters as neutral conditions, checks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import numpy as np

from infra.vectors.store import (
    UPSERT_BATCH,
    Dense,
    OwnedPoint,
    Payload,
    Point,
    Scope,
    Space,
    Sparse,
)
from schemas.asset import AssetId, MediaType
from schemas.errors import ConfigurationError, VectorStoreUnavailable
from schemas.search import Filter

_T = TypeVar("_T", Point, OwnedPoint)


class Index(StrEnum):
    """Payload indexes; an engine needs one for each field that a condition names."""

    #: A keyword that also decides which points lie together on disk.
    TENANT = "tenant"
    KEYWORD = "keyword"
    UUID = "uuid"
    INTEGER = "integer"
    FLOAT = "float"


#: Indexed payload fields: those that conditions name, and no other.
INDEXES: dict[str, Index] = {
    "tenant": Index.TENANT,
    "asset_id": Index.UUID,
    "stage": Index.KEYWORD,
    "part": Index.INTEGER,
    "kind": Index.KEYWORD,
    "mime_type": Index.KEYWORD,
    "bucket": Index.KEYWORD,
    "language": Index.KEYWORD,
    "page": Index.INTEGER,
    "created_at": Index.FLOAT,
}


@dataclass(frozen=True)
class AnyOf:
    """The field has one of the values."""

    key: str
    values: tuple[str, ...] | tuple[int, ...]


@dataclass(frozen=True)
class Between:
    """The field is a number with `at_least <= number < below`."""

    key: str
    at_least: float | None
    below: float | None


#: What a point must satisfy; several conditions must all hold.
Condition = AnyOf | Between


def stored_payload(tenant: str, payload: Payload) -> dict[str, str | int | float]:
    """What an engine stores: JSON values, ids as text, unknown fields left out."""
    known = {key: value for key, value in vars(payload).items() if value is not None}
    asset_id, kind = str(payload.asset_id), payload.kind.value
    return known | {"tenant": tenant, "asset_id": asset_id, "kind": kind}


def owned_point(
    point_id: UUID, stored: Mapping[str, Any], dense: Sequence[float], sparse: Sparse | None
) -> OwnedPoint:
    """The reverse of `stored_payload`: a record of an engine as it was given to it.

    Args:
        point_id: of the record.
        stored: payload of the record.
        dense: shape (embedding_dim,); unit length, for engines normalise what they store.
        sparse: None where the record has none.
    """
    fields = {key: value for key, value in stored.items() if key != "tenant"}
    fields |= {"asset_id": AssetId(UUID(stored["asset_id"])), "kind": MediaType(stored["kind"])}
    point = Point(
        id=point_id,
        dense=np.asarray(dense, np.float32),
        payload=Payload(**fields),
        sparse=sparse,
    )
    return OwnedPoint(tenant=stored["tenant"], point=point)


def matching(tenant: str, wanted: Filter) -> list[Condition]:
    """Conditions of a search; `created_after` is included, `created_before` is not."""
    texts = {
        "asset_id": str(wanted.asset_id) if wanted.asset_id else None,
        "mime_type": wanted.mime_type,
        "bucket": wanted.bucket,
        "language": wanted.language,
        "stage": wanted.stage,
    }
    conditions: list[Condition] = [AnyOf("tenant", (tenant,))]
    conditions += [AnyOf(key, (text,)) for key, text in texts.items() if text is not None]
    if wanted.kinds:
        conditions.append(AnyOf("kind", tuple(kind.value for kind in wanted.kinds)))
    if wanted.page is not None:
        conditions.append(AnyOf("page", (wanted.page,)))
    after, before = _unix_s(wanted.created_after), _unix_s(wanted.created_before)
    if after is not None or before is not None:
        conditions.append(Between("created_at", at_least=after, below=before))
    return conditions


def of_asset(tenant: str, asset_id: AssetId | None) -> list[Condition]:
    """Conditions of all points of an asset; of the tenant when it is None."""
    own = [] if asset_id is None else [AnyOf("asset_id", (str(asset_id),))]
    return [AnyOf("tenant", (tenant,)), *own]


def of_scope(tenant: str, scope: Scope) -> list[Condition]:
    """Conditions of all points that one job owns, of any version."""
    return [
        *of_asset(tenant, scope.asset_id),
        AnyOf("stage", (scope.stage,)),
        AnyOf("part", (scope.part,)),
    ]


def check_points(space: Space, points: Sequence[Point]) -> None:
    """Refuse points that an engine would store but never find.

    Raises:
        ConfigurationError: an embedding has another dimension than the space.
        ValueError: an embedding holds NaN or infinity, or a sparse vector has no place here.
    """
    for point in points:
        check_vector(space, point.dense, f"point {point.id}")
        if point.sparse is not None:
            check_vector(space, point.sparse, f"point {point.id}")


def check_vector(space: Space, vector: Dense | Sparse, owner: str = "query") -> None:
    """Check one vector against its space; see `check_points`."""
    if isinstance(vector, Sparse):
        if not space.has_sparse:
            raise ValueError(f"{owner}: sparse vector, but {space.collection} has none")
        return
    if vector.shape != (space.embedding_dim,):
        raise ConfigurationError(
            f"{owner}: embedding of shape {vector.shape}, but {space.collection} "
            f"has {space.embedding_dim} dimensions"
        )
    if not np.isfinite(vector).all():
        raise ValueError(f"{owner}: embedding with NaN or infinity for {space.collection}")


def dimension_error(space: Space, found: int) -> ConfigurationError:
    """The error of `ensure` on a collection of another dimension."""
    return ConfigurationError(
        f"collection {space.collection} holds vectors of {found} dimensions, the model gives "
        f"{space.embedding_dim}; drop the collection or mend the model profile"
    )


def absent_error(space: Space) -> VectorStoreUnavailable:
    """The error of a write to a collection that `ensure` has not made, or that somebody dropped."""
    return VectorStoreUnavailable(f"collection {space.collection} does not exist")


def batches(points: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Cut points into upsert requests."""
    for start in range(0, len(points), UPSERT_BATCH):
        yield points[start : start + UPSERT_BATCH]


def _unix_s(moment: datetime | None) -> float | None:
    """Unix seconds; a time without a zone is UTC, whatever the machine's own zone is."""
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
