# ruff: noqa: N802  the names of the protocol
"""A double of a Qdrant server: its gRPC interface over the client library's in-memory mode.

No Qdrant server can be installed from the package indexes that the tests may use. This one speaks
the real protocol to several processes, but the engine behind it is the client's exact search in
Python: it shows that processes work together, and nothing about Qdrant's speed or durability.
`SLUICE_TEST_QDRANT_URL` runs the contract tests against a real one.

    python -m tests.qdrant_double GRPC_PORT
"""

import sys
import threading
import time
from collections.abc import Callable
from concurrent import futures
from typing import Any

import grpc
from qdrant_client import QdrantClient, models
from qdrant_client import grpc as api
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

ENGINE = QdrantClient(":memory:")
LOCK = threading.RLock()


def guarded(answer: Callable[[Any, Any], Any]) -> Callable[[Any, Any, grpc.ServicerContext], Any]:
    """One request at a time, for the engine is no server; absence is told by its status."""

    def method(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        with LOCK:
            try:
                return answer(self, request)
            except ValueError as exc:
                absent = "not found" in str(exc)
                status = grpc.StatusCode.NOT_FOUND if absent else grpc.StatusCode.INVALID_ARGUMENT
                context.abort(status, str(exc))

    return method


def filter_of(request: Any) -> models.Filter | None:
    has_filter = request.HasField("filter")
    return GrpcToRest.convert_filter(request.filter) if has_filter else None


class Root(api.QdrantServicer):
    @guarded
    def HealthCheck(self, request):
        return api.HealthCheckReply(title="qdrant double", version="0.0.0-double")


class Collections(api.CollectionsServicer):
    @guarded
    def CollectionExists(self, request):
        exists = ENGINE.collection_exists(request.collection_name)
        return api.CollectionExistsResponse(result=api.CollectionExists(exists=exists))

    @guarded
    def Get(self, request):
        info = ENGINE.get_collection(request.collection_name)
        return api.GetCollectionInfoResponse(result=RestToGrpc.convert_collection_info(info))

    @guarded
    def List(self, request):
        names = [each.name for each in ENGINE.get_collections().collections]
        found = [api.CollectionDescription(name=name) for name in names]
        return api.ListCollectionsResponse(collections=found)

    @guarded
    def Create(self, request):
        sparse = request.sparse_vectors_config
        result = ENGINE.create_collection(
            request.collection_name,
            GrpcToRest.convert_vectors_config(request.vectors_config),
            GrpcToRest.convert_sparse_vector_config(sparse) if sparse.map else None,
        )
        return api.CollectionOperationResponse(result=result)

    @guarded
    def Delete(self, request):
        result = ENGINE.delete_collection(request.collection_name)
        return api.CollectionOperationResponse(result=result)


def done() -> api.PointsOperationResponse:
    result = api.UpdateResult(operation_id=0, status=api.UpdateStatus.Completed)
    return api.PointsOperationResponse(result=result)


class Points(api.PointsServicer):
    @guarded
    def CreateFieldIndex(self, request):
        ENGINE.get_collection(request.collection_name)
        return done()

    @guarded
    def Upsert(self, request):
        points = [GrpcToRest.convert_point_struct(point) for point in request.points]
        ENGINE.upsert(request.collection_name, points)
        return done()

    @guarded
    def Delete(self, request):
        selector = GrpcToRest.convert_points_selector(request.points)
        ENGINE.delete(request.collection_name, selector)
        return done()

    @guarded
    def Count(self, request):
        n = ENGINE.count(request.collection_name, filter_of(request)).count
        return api.CountResponse(result=api.CountResult(count=n))

    @guarded
    def Scroll(self, request):
        offset = GrpcToRest.convert_point_id(request.offset) if request.HasField("offset") else None
        records, following = ENGINE.scroll(
            request.collection_name,
            filter_of(request),
            limit=request.limit,
            offset=offset,
            with_vectors=request.with_vectors.enable,
        )
        told = RestToGrpc.convert_extended_point_id(following) if following is not None else None
        found = [RestToGrpc.convert_record(record) for record in records]
        return api.ScrollResponse(result=found, next_page_offset=told)

    @guarded
    def Query(self, request):
        answer = ENGINE.query_points(
            request.collection_name,
            GrpcToRest.convert_query(request.query) if request.HasField("query") else None,
            using=request.using or None,
            query_filter=filter_of(request),
            limit=request.limit,
        )
        found = [RestToGrpc.convert_scored_point(point) for point in answer.points]
        return api.QueryResponse(result=found)


def main() -> None:
    """Serve until killed."""
    server = grpc.server(futures.ThreadPoolExecutor(16))
    api.add_QdrantServicer_to_server(Root(), server)
    api.add_CollectionsServicer_to_server(Collections(), server)
    api.add_PointsServicer_to_server(Points(), server)
    server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}")
    server.start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
