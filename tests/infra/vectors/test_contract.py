"""What every vector store must do, whatever the engine."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra.vectors.edge import EdgeVectorStore
from infra.vectors.memory import InMemoryVectorStore
from infra.vectors.qdrant import IN_MEMORY, QdrantVectorStore
from infra.vectors.store import OwnedPoint, Point, Scope, Space, Sparse, VectorStore
from schemas.asset import MediaType
from schemas.errors import ConfigurationError, VectorStoreUnavailable
from schemas.search import Filter
from tests.infra.vectors.factories import (
    ASSET,
    DIM,
    OTHER_ASSET,
    SPACE,
    TENANT,
    axis,
    make_point,
    make_points,
    make_scope,
)

ANY = Filter()


#: A Qdrant server to run the same tests on.
SERVER = os.environ.get("SLUICE_TEST_QDRANT_URL", "")
ENGINES = ["memory", "qdrant", "edge", *(["server"] if SERVER else [])]


def open_store(engine: str, folder: Path) -> VectorStore:
    match engine:
        case "edge":
            return EdgeVectorStore(folder / "vectors")
        case "qdrant":
            return QdrantVectorStore(IN_MEMORY)
        case "server":
            return QdrantVectorStore(SERVER)
        case _:
            return InMemoryVectorStore()


@pytest.fixture(params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    store = open_store(request.param, tmp_path)
    store.drop(SPACE)
    store.ensure(SPACE)
    yield store
    store.close()


def put(store: VectorStore, *points: Point) -> None:
    """Store points, each under the scope that its payload names."""
    scopes = {scope_of(p): [q for q in points if scope_of(q) == scope_of(p)] for p in points}
    for scope, same in scopes.items():
        store.replace(SPACE, TENANT, scope, same)


def scope_of(point: Point) -> Scope:
    payload = point.payload
    return Scope(asset_id=payload.asset_id, stage=payload.stage, part=payload.part)


def found(
    store: VectorStore, vector: Any = None, wanted: Filter = ANY, **overrides: Any
) -> list[Any]:
    query = {"filter": wanted, "limit": 100} | overrides
    tenant = query.pop("tenant", TENANT)
    return [
        hit.id
        for hit in store.search(SPACE, tenant, axis(0) if vector is None else vector, **query)
    ]


def test_search_orders_by_cosine(store: VectorStore) -> None:
    far, near, nearest = (
        make_point(i, dense=axis(0, lean=lean)) for i, lean in enumerate((2, 0.5, 0))
    )
    store.replace(SPACE, TENANT, make_scope(), [far, near, nearest])

    hits = store.search(SPACE, TENANT, axis(0), filter=ANY, limit=2)

    assert [hit.id for hit in hits] == [nearest.id, near.id]
    assert hits[0].score == pytest.approx(1.0, abs=1e-5)
    assert hits[1].score == pytest.approx(1 / np.sqrt(1.25), abs=1e-5)


def test_search_ignores_the_length_of_vectors(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), [make_point(dense=axis(0) * np.float32(3))])

    (hit,) = store.search(SPACE, TENANT, axis(0) * np.float32(2), filter=ANY, limit=1)

    assert hit.score == pytest.approx(1.0, abs=1e-5)


def test_search_weighs_rare_terms_more(store: VectorStore) -> None:
    common, rare = 7, 4_000_000_000
    points = [make_point(i, sparse=Sparse([common], [1.0])) for i in range(5)]
    points.append(make_point(5, sparse=Sparse([rare], [1.0])))
    store.replace(SPACE, TENANT, make_scope(), points)

    hits = found(store, Sparse([common, rare], [1.0, 1.0]))

    assert hits[0] == points[5].id
    assert len(hits) == 6


def test_search_by_terms_needs_a_shared_term(store: VectorStore) -> None:
    with_terms, without = make_point(0, sparse=Sparse([1, 2], [0.5, 1.0])), make_point(1)
    store.replace(SPACE, TENANT, make_scope(), [with_terms, without])

    assert found(store, Sparse([2, 9], [1.0, 1.0])) == [with_terms.id]
    assert found(store, Sparse([9], [1.0])) == []
    assert found(store, Sparse([], [])) == []


def test_search_returns_the_payload(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), [make_point(page=3, language="de")])

    (hit,) = store.search(SPACE, TENANT, axis(0), filter=ANY, limit=1)

    assert hit.payload["asset_id"] == str(ASSET)
    assert hit.payload["kind"] == "image"
    assert (hit.payload["page"], hit.payload["language"]) == (3, "de")
    assert "start_s" not in hit.payload


def test_search_of_a_missing_collection_finds_nothing(store: VectorStore) -> None:
    other = Space(name="audio", fingerprint="never", embedding_dim=DIM)

    assert store.search(other, TENANT, axis(0), filter=ANY, limit=5) == []
    assert store.count(other, TENANT) == 0
    assert list(store.ids(other, TENANT)) == []
    store.delete_asset(other, TENANT, ASSET)
    store.drop(other)


def test_replace_in_a_missing_collection_is_refused(store: VectorStore) -> None:
    store.drop(SPACE)

    with pytest.raises(VectorStoreUnavailable, match="text__0123456789ab does not exist"):
        store.replace(SPACE, TENANT, make_scope(), make_points(1))


def test_replace_twice_changes_nothing(store: VectorStore) -> None:
    for _ in range(2):
        store.replace(SPACE, TENANT, make_scope(), make_points(3))

    assert store.count(SPACE, TENANT) == 3


def test_replace_takes_more_than_one_request(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), make_points(600))

    assert store.count(SPACE, TENANT) == 600


def test_replace_deletes_higher_ordinals(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), make_points(5))
    kept = make_points(2)
    store.replace(SPACE, TENANT, make_scope(), kept)

    assert set(store.ids(SPACE, TENANT)) == {p.id for p in kept}


def test_replace_deletes_other_versions(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), make_points(3, version="v1"))
    newer = make_points(2, version="v2")
    store.replace(SPACE, TENANT, make_scope(), newer)

    assert set(store.ids(SPACE, TENANT)) == {p.id for p in newer}


def test_replace_by_nothing_empties_the_scope(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), make_points(3))
    store.replace(SPACE, TENANT, make_scope(), [])

    assert store.count(SPACE, TENANT) == 0


@pytest.mark.parametrize(
    "other", [{"part": 1}, {"stage": "ocr"}, {"asset_id": OTHER_ASSET}], ids=str
)
def test_replace_leaves_other_scopes_alone(store: VectorStore, other: dict[str, Any]) -> None:
    neighbour = make_point(7, **other)
    store.replace(SPACE, TENANT, make_scope(**other), [neighbour])
    store.replace(SPACE, TENANT, make_scope(), make_points(2))
    store.replace(SPACE, TENANT, make_scope(), [])

    assert list(store.ids(SPACE, TENANT)) == [neighbour.id]


def test_replace_updates_the_vector_and_the_payload(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), [make_point(dense=axis(0), page=1)])
    store.replace(SPACE, TENANT, make_scope(), [make_point(dense=axis(3), language="en")])

    (hit,) = store.search(SPACE, TENANT, axis(3), filter=ANY, limit=1)

    assert hit.score == pytest.approx(1.0, abs=1e-5)
    assert hit.payload["language"] == "en"
    assert "page" not in hit.payload


def test_tenants_do_not_see_each_other(store: VectorStore) -> None:
    mine, theirs = make_point(0), make_point(0, tenant="rival")
    store.replace(SPACE, TENANT, make_scope(), [mine])
    store.replace(SPACE, "rival", make_scope(), [theirs])

    assert found(store) == [mine.id]
    assert found(store, tenant="rival") == [theirs.id]
    assert found(store, tenant="nobody") == []
    assert list(store.ids(SPACE, "rival")) == [theirs.id]
    assert store.count(SPACE, TENANT) == 1


def test_tenants_cannot_delete_for_each_other(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), make_points(2))

    store.delete_asset(SPACE, "rival", ASSET)
    store.replace(SPACE, "rival", make_scope(), [])

    assert store.count(SPACE, TENANT) == 2


FIELDS: list[tuple[dict[str, Any], Filter]] = [
    ({"kind": MediaType.VIDEO}, Filter(kinds=(MediaType.VIDEO, MediaType.AUDIO))),
    ({"asset_id": OTHER_ASSET}, Filter(asset_id=OTHER_ASSET)),
    ({"mime_type": "application/pdf"}, Filter(mime_type="application/pdf")),
    ({"bucket": "archive"}, Filter(bucket="archive")),
    ({"language": "de-CH"}, Filter(language="de-CH")),
    ({"stage": "ocr"}, Filter(stage="ocr")),
    ({"page": 7}, Filter(page=7)),
    ({"created_at": 1_800_000_000.0}, Filter(created_after=datetime(2026, 1, 1, tzinfo=UTC))),
    ({"created_at": 1_600_000_000.0}, Filter(created_before=datetime(2021, 1, 1, tzinfo=UTC))),
]


@pytest.mark.parametrize(("payload", "wanted"), FIELDS, ids=lambda value: str(value)[:40])
def test_filter_keeps_only_matching_points(
    store: VectorStore, payload: dict[str, Any], wanted: Filter
) -> None:
    plain, special = make_point(0), make_point(1, **payload)
    put(store, plain, special)

    assert found(store, wanted=wanted) == [special.id]
    assert set(found(store)) == {plain.id, special.id}


def test_filter_fields_must_all_match(store: VectorStore) -> None:
    both, one = make_point(0, page=2, language="en"), make_point(1, page=2, language="fr")
    store.replace(SPACE, TENANT, make_scope(), [both, one])

    assert found(store, wanted=Filter(page=2, language="en")) == [both.id]
    assert found(store, wanted=Filter(page=3, language="en")) == []


def test_filter_on_time_includes_its_start_and_not_its_end(store: VectorStore) -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    point = make_point(created_at=moment.timestamp())
    store.replace(SPACE, TENANT, make_scope(), [point])

    assert found(store, wanted=Filter(created_after=moment)) == [point.id]
    assert found(store, wanted=Filter(created_before=moment)) == []


def test_filter_applies_to_terms_too(store: VectorStore) -> None:
    english, german = (
        make_point(i, language=code, sparse=Sparse([3], [1.0]))
        for i, code in enumerate(("en", "de"))
    )
    store.replace(SPACE, TENANT, make_scope(), [english, german])

    assert found(store, Sparse([3], [1.0]), Filter(language="de")) == [german.id]


def test_delete_asset_leaves_other_assets(store: VectorStore) -> None:
    doomed = [make_point(0), make_point(1, part=1), make_point(2, stage="ocr")]
    kept = make_point(3, asset_id=OTHER_ASSET)
    put(store, *doomed, kept)

    for _ in range(2):
        store.delete_asset(SPACE, TENANT, ASSET)

    assert list(store.ids(SPACE, TENANT)) == [kept.id]


def test_count_is_exact_per_asset(store: VectorStore) -> None:
    put(store, *make_points(3), make_point(0, asset_id=OTHER_ASSET))

    assert store.count(SPACE, TENANT) == 4
    assert store.count(SPACE, TENANT, ASSET) == 3
    assert store.count(SPACE, TENANT, OTHER_ASSET) == 1


def test_ids_read_all_pages(store: VectorStore) -> None:
    points = make_points(2300)
    store.replace(SPACE, TENANT, make_scope(), points)

    ids = list(store.ids(SPACE, TENANT))

    assert len(ids) == len(set(ids))
    assert set(ids) == {p.id for p in points}


def scanned(store: VectorStore, **how: Any) -> list[OwnedPoint]:
    return [owned for page in store.scan(SPACE, **how) for owned in page]


def test_scan_gives_every_tenants_points_as_they_were_stored(store: VectorStore) -> None:
    mine = make_point(0, sparse=Sparse([3, 9], [1.5, 0.25]), page=2, language="en", start_s=0.5)
    theirs = make_point(1, tenant="rival", dense=axis(2))
    store.replace(SPACE, TENANT, make_scope(), [mine])
    store.replace(SPACE, "rival", make_scope(), [theirs])

    by_tenant = {owned.tenant: owned.point for owned in scanned(store)}

    assert set(by_tenant) == {TENANT, "rival"}
    assert by_tenant[TENANT].payload == mine.payload
    assert by_tenant[TENANT].id == mine.id
    assert by_tenant[TENANT].dense.dtype == np.float32
    np.testing.assert_array_equal(by_tenant[TENANT].dense, mine.dense)
    np.testing.assert_array_equal(by_tenant["rival"].dense, axis(2))
    sparse = by_tenant[TENANT].sparse
    assert sparse is not None
    assert (list(sparse.indices), list(sparse.values)) == ([3, 9], [1.5, 0.25])
    assert by_tenant["rival"].sparse is None


def test_scan_goes_on_behind_an_id(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), make_points(2300))

    ids = [owned.point.id for owned in scanned(store)]

    assert ids == sorted(ids)
    assert len(set(ids)) == 2300
    assert [owned.point.id for owned in scanned(store, after=ids[999])] == ids[1000:]
    assert scanned(store, after=ids[-1]) == []


def test_put_writes_what_was_scanned_and_deletes_nothing(store: VectorStore) -> None:
    stale = make_point(0, version="v0")
    store.replace(SPACE, TENANT, make_scope(), [stale])
    moved = [OwnedPoint(tenant=t, point=make_point(1, tenant=t)) for t in (TENANT, "rival")]

    for _ in range(2):
        store.put(SPACE, moved)

    assert set(found(store)) == {stale.id, moved[0].point.id}
    assert found(store, tenant="rival") == [moved[1].point.id]


def test_put_refuses_what_replace_would(store: VectorStore) -> None:
    short = OwnedPoint(tenant=TENANT, point=make_point(dense=np.ones(4, np.float32)))

    with pytest.raises(ConfigurationError, match=r"shape \(4,\)"):
        store.put(SPACE, [short])


def test_space_that_does_not_exist_has_nothing_to_scan(store: VectorStore) -> None:
    store.drop(SPACE)

    assert scanned(store) == []


def test_ensure_twice_keeps_the_points(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), make_points(2))

    store.ensure(SPACE)

    assert store.count(SPACE, TENANT) == 2


def test_ensure_refuses_another_dimension(store: VectorStore) -> None:
    other = Space(name="text", fingerprint="0123456789ab", embedding_dim=4, has_sparse=True)

    with pytest.raises(ConfigurationError, match="8 dimensions, the model gives 4"):
        store.ensure(other)


def test_vectors_of_another_dimension_are_refused(store: VectorStore) -> None:
    short = np.ones(4, np.float32)

    with pytest.raises(ConfigurationError, match=r"shape \(4,\)"):
        store.replace(SPACE, TENANT, make_scope(), [make_point(dense=short)])
    with pytest.raises(ConfigurationError, match="query"):
        store.search(SPACE, TENANT, short, filter=ANY, limit=1)


def test_vectors_with_nan_are_refused(store: VectorStore) -> None:
    broken = axis(0) * np.float32("nan")

    with pytest.raises(ValueError, match="NaN"):
        store.replace(SPACE, TENANT, make_scope(), [make_point(dense=broken)])


def test_spaces_without_terms_refuse_them(store: VectorStore) -> None:
    dense_only = Space(name="visual", fingerprint="f", embedding_dim=DIM)
    store.drop(dense_only)
    store.ensure(dense_only)
    store.replace(dense_only, TENANT, make_scope(), make_points(1))

    with pytest.raises(ValueError, match="sparse"):
        store.search(dense_only, TENANT, Sparse([1], [1.0]), filter=ANY, limit=1)
    assert store.count(dense_only, TENANT) == 1
    store.drop(dense_only)


def test_collections_are_listed_until_dropped(store: VectorStore) -> None:
    assert SPACE.collection in store.collections()

    for _ in range(2):
        store.drop(SPACE)

    assert SPACE.collection not in store.collections()


def test_a_dropped_collection_comes_back_empty(store: VectorStore) -> None:
    store.replace(SPACE, TENANT, make_scope(), make_points(2))
    store.drop(SPACE)
    store.ensure(SPACE)

    assert store.count(SPACE, TENANT) == 0


def test_ping_names_the_engine(store: VectorStore) -> None:
    assert store.ping()


def test_a_closed_store_is_unavailable(store: VectorStore) -> None:
    store.close()

    with pytest.raises(VectorStoreUnavailable, match="closed"):
        store.count(SPACE, TENANT)
