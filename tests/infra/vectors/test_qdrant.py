"""How the server adapter answers to what a server says, over real gRPC."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from qdrant_client import grpc as pb
from qdrant_client import models
from qdrant_client.grpc.collections_service_pb2_grpc import (
    CollectionsServicer,
    add_CollectionsServicer_to_server,
)
from qdrant_client.grpc.points_service_pb2_grpc import PointsServicer, add_PointsServicer_to_server

from infra.vectors.payload import INDEXES
from infra.vectors.qdrant import QdrantVectorStore, confirm
from schemas.errors import ConfigurationError, VectorStoreUnavailable
from schemas.search import Filter
from tests.infra.vectors.factories import (
    ASSET,
    DIM,
    SPACE,
    TENANT,
    axis,
    make_points,
    make_scope,
)

Code = grpc.StatusCode


class FakeServer(CollectionsServicer, PointsServicer):
    """A server that says what a test tells it to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.code: Code | None = None
        self.exists = False
        self.was_created_meanwhile = False
        self.status = pb.UpdateStatus.Completed
        self.requests: list[Any] = []

    def _asked(self, request: Any, context: grpc.ServicerContext) -> None:
        self.requests.append(request)
        if self.code is not None:
            context.abort(self.code, "the server's own words")

    def CollectionExists(self, request: Any, context: Any) -> Any:  # noqa: N802  gRPC's name
        answer = pb.CollectionExistsResponse()
        answer.result.exists = self.exists
        return answer

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802  gRPC's name
        self.exists = True
        self._asked(request, context)
        if self.was_created_meanwhile:
            context.abort(Code.INVALID_ARGUMENT, "already exists")
        return pb.CollectionOperationResponse(result=True)

    def Get(self, request: Any, context: Any) -> Any:  # noqa: N802  gRPC's name
        answer = pb.GetCollectionInfoResponse()
        answer.result.status = pb.CollectionStatus.Green
        answer.result.optimizer_status.ok = True
        dense = answer.result.config.params.vectors_config.params_map.map["dense"]
        dense.size, dense.distance = DIM, pb.Distance.Cosine
        hnsw = answer.result.config.hnsw_config
        hnsw.m, hnsw.ef_construct, hnsw.full_scan_threshold = 16, 100, 10_000
        optimizers = answer.result.config.optimizer_config
        optimizers.deleted_threshold, optimizers.vacuum_min_vector_number = 0.2, 1000
        optimizers.default_segment_number, optimizers.flush_interval_sec = 0, 5
        wal = answer.result.config.wal_config
        wal.wal_capacity_mb, wal.wal_segments_ahead = 32, 0
        answer.result.payload_schema["part"].data_type = pb.PayloadSchemaType.Integer
        return answer

    def _updated(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._asked(request, context)
        return pb.PointsOperationResponse(
            result=pb.UpdateResult(operation_id=1, status=self.status)
        )

    CreateFieldIndex = Upsert = Delete = _updated

    def Query(self, request: Any, context: Any) -> Any:  # noqa: N802  gRPC's name
        self._asked(request, context)
        return pb.QueryResponse()

    def Count(self, request: Any, context: Any) -> Any:  # noqa: N802  gRPC's name
        self._asked(request, context)
        return pb.CountResponse()

    def Scroll(self, request: Any, context: Any) -> Any:  # noqa: N802  gRPC's name
        self._asked(request, context)
        return pb.ScrollResponse()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def store(server: FakeServer) -> Iterator[QdrantVectorStore]:
    listener = grpc.server(ThreadPoolExecutor(2))
    add_CollectionsServicer_to_server(server, listener)
    add_PointsServicer_to_server(server, listener)
    port = listener.add_insecure_port("127.0.0.1:0")
    listener.start()
    store = QdrantVectorStore(f"http://127.0.0.1:{port - 1}")
    yield store
    store.close()
    listener.stop(None).wait()


def test_writes_wait_and_go_through_one_replica(
    server: FakeServer, store: QdrantVectorStore
) -> None:
    store.replace(SPACE, TENANT, make_scope(), make_points(300))

    assert [type(request).__name__ for request in server.requests] == [
        "UpsertPoints",
        "UpsertPoints",
        "DeletePoints",
    ]
    assert all(request.wait for request in server.requests)
    assert all(r.ordering.type == pb.WriteOrderingType.Strong for r in server.requests)


def test_ensure_creates_what_is_missing(server: FakeServer, store: QdrantVectorStore) -> None:
    store.ensure(SPACE)

    created, *indexes = server.requests
    assert created.sparse_vectors_config.map["bm25"].modifier == pb.Modifier.Idf
    assert {request.field_name for request in indexes} == INDEXES.keys() - {"part"}
    (tenant,) = (r for r in indexes if r.field_name == "tenant")
    assert tenant.field_index_params.keyword_index_params.is_tenant


def test_ensure_accepts_that_another_worker_was_first(
    server: FakeServer, store: QdrantVectorStore
) -> None:
    server.was_created_meanwhile = True

    store.ensure(SPACE)

    created, *indexes = server.requests
    assert created.collection_name == SPACE.collection
    assert len(indexes) == len(INDEXES) - 1


@pytest.mark.parametrize("status", [pb.UpdateStatus.Acknowledged, pb.UpdateStatus.WaitTimeout])
def test_a_write_that_is_not_completed_is_not_believed(
    server: FakeServer, store: QdrantVectorStore, status: Any
) -> None:
    server.status = status

    with pytest.raises(VectorStoreUnavailable, match="expected completed"):
        store.replace(SPACE, TENANT, make_scope(), make_points(1))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (Code.UNAVAILABLE, VectorStoreUnavailable),
        (Code.DEADLINE_EXCEEDED, VectorStoreUnavailable),
        (Code.RESOURCE_EXHAUSTED, VectorStoreUnavailable),
        (Code.INTERNAL, VectorStoreUnavailable),
        (Code.NOT_FOUND, VectorStoreUnavailable),
        (Code.UNAUTHENTICATED, ConfigurationError),
        (Code.PERMISSION_DENIED, ConfigurationError),
        (Code.INVALID_ARGUMENT, grpc.RpcError),
    ],
)
def test_writes_translate_what_the_server_says(
    server: FakeServer, store: QdrantVectorStore, code: Code, expected: type[Exception]
) -> None:
    server.code = code

    with pytest.raises(expected):
        store.replace(SPACE, TENANT, make_scope(), make_points(1))


@pytest.mark.parametrize(
    "read",
    [
        lambda store: store.search(SPACE, TENANT, axis(0), filter=Filter(), limit=1),
        lambda store: list(store.ids(SPACE, TENANT)),
        lambda store: store.count(SPACE, TENANT),
        lambda store: store.delete_asset(SPACE, TENANT, ASSET),
    ],
)
def test_a_missing_collection_has_no_points(
    server: FakeServer, store: QdrantVectorStore, read: Callable[[QdrantVectorStore], object]
) -> None:
    server.code = Code.NOT_FOUND

    assert not read(store)


def test_every_request_names_the_tenant(server: FakeServer, store: QdrantVectorStore) -> None:
    store.search(SPACE, TENANT, axis(0), filter=Filter(), limit=1)
    store.count(SPACE, TENANT)
    list(store.ids(SPACE, TENANT))
    store.delete_asset(SPACE, TENANT, ASSET)

    assert len(server.requests) == 4
    assert all("keywords" in str(r) and TENANT in str(r) for r in server.requests)


def test_nobody_listening_is_unavailable() -> None:
    store = QdrantVectorStore("http://127.0.0.1:1")

    with pytest.raises(VectorStoreUnavailable, match=r"127\.0\.0\.1:1"):
        store.ping()
    with pytest.raises(VectorStoreUnavailable):
        store.collections()

    store.close()


def test_confirm_accepts_completed_only() -> None:
    confirm(models.UpdateResult(operation_id=1, status=models.UpdateStatus.COMPLETED))

    with pytest.raises(VectorStoreUnavailable, match="write 2 is acknowledged"):
        confirm(models.UpdateResult(operation_id=2, status=models.UpdateStatus.ACKNOWLEDGED))
