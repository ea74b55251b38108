"""Composition root: the only place that builds adapters, and where the two profiles differ."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from infra.database import Database, check_revision, migrate
from infra.home_lock import HomeLock
from infra.object_store import ObjectStore
from infra.routed_store import RoutedStore
from infra.settings import LOCAL_ARTIFACTS, Settings
from infra.vectors.store import VectorStore
from infra.workforce import Workforce
from orchestrator.intake.events import Intake
from orchestrator.lifecycle import Lifecycle
from orchestrator.sweeper import Sweeper
from schemas.asset import FILE_BUCKET

if TYPE_CHECKING:
    from celery import Celery

    from orchestrator.api.app import Routers
    from orchestrator.dispatcher import Dispatcher
    from orchestrator.intake.receiver import Receiver
    from orchestrator.intake.scan import Scan
    from orchestrator.intake.source import Source
    from orchestrator.pump import Pump
    from orchestrator.search.query import Searcher
    from workers.app import BatchWorker
    from workers.deps import WorkerDeps
    from workers.service import WorkerService


class Deps:
    """Open adapters and the services on them; each is built when first asked for."""

    def __init__(self, settings: Settings, command: str, *, owns_schema: bool = False) -> None:
        """Open the stores.

        Args:
            settings: of this process.
            command: shown to other processes that want the same embedded store.
            owns_schema: this process may migrate a database that others share; an embedded
                store is always migrated.

        Raises:
            ConfigurationError: a store is in use, missing or refuses us.
        """
        self.settings = settings
        self._resources = ExitStack()
        with self._resources:  # a failing constructor closes what it opened
            self._open(command, owns_schema=owns_schema or settings.is_embedded)
            self._resources = self._resources.pop_all()

    def _open(self, command: str, *, owns_schema: bool) -> None:
        settings = self.settings
        if settings.is_embedded:
            self.lock = self._resources.enter_context(HomeLock(settings.home, command))
        self.database = Database(
            settings.sqlalchemy_url,
            n_connections=settings.database_connections,
            timeout_s=settings.database_timeout_s,
        )
        self._resources.callback(self.database.close)
        if owns_schema:
            migrate(self.database)
        else:
            check_revision(self.database)
        self.objects: ObjectStore = RoutedStore(_files(Path("/"), FILE_BUCKET), self._s3)

    def _s3(self) -> ObjectStore:
        return open_objects(self.settings)

    @cached_property
    def artifacts(self) -> ObjectStore:
        """Store of artifacts."""
        if self.settings.store_url:
            return self._s3()
        return _files(self.settings.artifacts_dir, LOCAL_ARTIFACTS)

    @cached_property
    def vectors(self) -> VectorStore:
        """Store of points."""
        store = open_vectors(self.settings)
        self._resources.callback(store.close)
        return store

    @cached_property
    def intake(self) -> Intake:
        """Admits objects."""
        return Intake(self.database, self.objects, self.settings)

    @cached_property
    def lifecycle(self) -> Lifecycle:
        """Deletes assets."""
        return Lifecycle(self.database, self.vectors, self.artifacts, self.settings)

    @cached_property
    def sweeper(self) -> Sweeper:
        """Gives back what nobody works on."""
        return Sweeper(self.database, self.settings, self._queue_depths)

    def _queue_depths(self) -> dict[str, int]:
        from infra.broker import ensure_queues, queue_depths
        from infra.queues import queue_names

        ensure_queues(self.celery)
        found = queue_depths(self.celery, queue_names())
        return {name: depth.n_messages for name, depth in found.items()}

    @cached_property
    def pump(self) -> "Pump":
        """Keeps the work of a cluster moving; one of several orchestrators sweeps."""
        from infra.leadership import Leadership
        from orchestrator.pump import Pump

        leadership = Leadership(self.database, "sweeping")
        self._resources.callback(leadership.close)
        return Pump(self.dispatcher, self.sweeper, self.lifecycle, leads=leadership.hold)

    @cached_property
    def receiver(self) -> "Receiver":
        """Takes the messages of every source of events."""
        from orchestrator.intake.receiver import Receiver
        from orchestrator.intake.sources import split_names

        buckets = split_names(self.settings.events_buckets)
        return Receiver(self.intake, self.settings.tenant, buckets=buckets)

    def open_scan(self, source: str) -> "Scan":
        """The comparison of one bucket or prefix with the index."""
        from orchestrator.intake.scan import Scan

        return Scan(self.database, self.objects, self.intake, self.settings.tenant, source)

    @cached_property
    def sources(self) -> "list[Source]":
        """Where this installation hears of objects, by the settings."""
        from orchestrator.intake.sources import open_sources

        return open_sources(self.settings, self.receiver, self.open_scan)

    @cached_property
    def routers(self) -> "Routers":
        """Places of the API where objects are told of or brought, by the settings."""
        from orchestrator.intake import upload, webhook

        settings = self.settings
        routers = []
        if settings.webhook_token:
            routers.append(webhook.create_router(self.receiver, settings.webhook_token))
        if settings.upload_url:
            from infra.s3_store import open_s3

            place, uploads = upload.place_of(settings), open_s3(settings).uploads
            routers.append(upload.create_router(self.intake, self.objects, uploads, place))
        return routers

    @cached_property
    def celery(self) -> "Celery":
        """The broker's app."""
        from infra.broker import create_app

        return create_app(self.settings)

    @cached_property
    def dispatcher(self) -> "Dispatcher":
        """Sends batches."""
        from infra.broker import publish
        from orchestrator.dispatcher import Dispatcher, one_worker

        return Dispatcher(
            self.database,
            self.settings,
            lambda message: publish(self.celery, message),
            one_worker if self.settings.is_embedded else self._consumers,
        )

    def _consumers(self) -> Mapping[str, int]:
        with self.database.read_scope() as session:
            return Workforce(session, self.settings.heartbeat_s).consumers()

    @cached_property
    def worker(self) -> "WorkerDeps":
        """The embedded worker: the same code as in a worker process of its own."""
        from workers.deps import WorkerDeps

        return self._resources.enter_context(
            WorkerDeps(
                self.settings,
                self.database,
                objects=self.objects,
                artifacts=self.artifacts,
                vectors=self.vectors,
            )
        )

    @cached_property
    def searcher(self) -> "Searcher":
        """Answers queries, with the same models that filled the spaces."""
        from orchestrator.search.query import Searcher
        from workers.encoders import Encoders

        encoder = Encoders(
            self.settings.model_refs,
            self.worker.device,
            self.worker.sandbox,
            self.settings.media_limits,
        )
        return Searcher(self.database, self.vectors, encoder, self.settings.model_refs)

    def ping(self) -> dict[str, str]:
        """What answers, by name.

        Raises:
            TransientError: one of them does not.
        """
        return {
            "database": self.database.ping(),
            "vectors": self.vectors.ping(),
            "artifacts": self.artifacts.ping(),
        }

    @cached_property
    def batch_worker(self) -> "BatchWorker":
        """Takes batches of every queue, on this process's main thread."""
        from infra.queues import queue_names
        from workers.app import BatchWorker

        return BatchWorker(self.celery, self.worker.runner, queue_names(), self.worker.name)

    def worker_service(self, queues: Sequence[str]) -> "WorkerService":
        """This process as a worker of a cluster."""
        from workers.app import BatchWorker
        from workers.heartbeat import Heartbeat
        from workers.service import WorkerService

        worker, settings = self.worker, self.settings
        heartbeat = Heartbeat(
            self.database,
            worker.name,
            queues,
            device=worker.device.name,
            heartbeat_s=settings.heartbeat_s,
        )
        batches = BatchWorker(self.celery, worker.runner, queues, worker.name)
        return WorkerService(batches, heartbeat, worker.leases, settings.grace_s)

    def close(self) -> None:
        """Close everything in reverse order of opening."""
        self._resources.close()

    def __enter__(self) -> Self:
        """Already open."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close everything."""
        self.close()


def _files(root: Path, bucket: str) -> ObjectStore:
    from infra.folder_store import FolderStore

    return FolderStore(root, bucket)


def open_objects(settings: Settings) -> ObjectStore:
    """The buckets of a server."""
    from infra.s3_store import open_s3

    return open_s3(settings)


def open_vectors(settings: Settings) -> VectorStore:
    """The store of points that the settings name."""
    if settings.qdrant_url:
        from infra.vectors.qdrant import QdrantVectorStore

        return QdrantVectorStore(settings.qdrant_url, api_key=settings.qdrant_api_key)
    from infra.vectors.edge import EdgeVectorStore

    return EdgeVectorStore(settings.vectors_dir)
