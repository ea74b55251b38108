"""Makers of spaces and points."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np

from infra.vectors.store import Dense, Payload, Point, Scope, Space, Sparse
from schemas.asset import AssetId, MediaType
from schemas.segment import segment_id

TENANT = "acme"
DIM = 8
SPACE = Space(name="text", fingerprint="0123456789ab", embedding_dim=DIM, has_sparse=True)
ASSET, OTHER_ASSET = AssetId(UUID(int=1)), AssetId(UUID(int=2))


def axis(i: int, *, lean: float = 0.0) -> Dense:
    """Unit vector along axis i, leaning a little to the next one."""
    vector = np.zeros(DIM, np.float32)
    vector[i], vector[(i + 1) % DIM] = 1.0, lean
    return vector / np.linalg.norm(vector)


def make_scope(**overrides: Any) -> Scope:
    return Scope(**{"asset_id": ASSET, "stage": "embed_text", "part": 0} | overrides)


def make_point(
    ordinal: int = 0,
    *,
    tenant: str = TENANT,
    dense: Dense | None = None,
    sparse: Sparse | None = None,
    **payload: Any,
) -> Point:
    fields = {
        "asset_id": ASSET,
        "stage": "embed_text",
        "version": "v1",
        "part": 0,
        "ordinal": ordinal,
        "kind": MediaType.IMAGE,
        "mime_type": "image/png",
        "bucket": "media",
        "fence": 1,
        "created_at": 1_700_000_000.0,
    } | payload
    body = Payload(**fields)
    return Point(
        id=segment_id(tenant, body.asset_id, body.stage, body.version, body.part, ordinal),
        dense=axis(ordinal % DIM) if dense is None else dense,
        payload=body,
        sparse=sparse,
    )


def make_points(n_points: int, **overrides: Any) -> Sequence[Point]:
    return [make_point(i, **overrides) for i in range(n_points)]
