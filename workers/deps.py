"""Composition root of a worker process."""

import os
import socket
from collections.abc import Collection
from contextlib import ExitStack
from typing import Self

from infra.database import Database
from infra.object_store import ObjectStore
from infra.queues import queue_of
from infra.sandbox import Sandbox
from infra.settings import Settings
from infra.snapshots import Snapshots
from infra.vectors.store import VectorStore
from schemas.job import Priority
from schemas.stages import STAGES
from workers.device import pick_device, use_threads
from workers.fetch import Fetcher
from workers.leases import LeaseKeeper
from workers.models.loading import use_snapshots
from workers.results import ResultStore
from workers.runner import N_OVERLAPPED, Runner, clear_scratch
from workers.stage_cache import StageCache


class WorkerDeps:
    """What a worker needs, built around stores that the caller opened and will close."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        objects: ObjectStore,
        artifacts: ObjectStore,
        vectors: VectorStore,
    ) -> None:
        self._scratch_dir = settings.scratch_dir
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        n_cores = settings.n_threads or os.cpu_count() or 1
        self.device = pick_device(settings.device, n_cores, N_OVERLAPPED)
        use_threads(self.device.n_threads)
        use_snapshots(Snapshots(settings.models_dir))
        with ExitStack() as opened:  # a failing constructor closes what it opened
            self.sandbox = Sandbox(
                settings.sandbox_limits, settings.sandbox_dir, mode=settings.sandbox
            )
            opened.callback(self.sandbox.close)
            if settings.sandbox == "required":
                self.sandbox.check()  # before any job is claimed
            stages = StageCache(settings, self.device, self.sandbox)
            opened.callback(stages.close)
            self._stages = stages
            self.leases = LeaseKeeper(database, settings.lease_s)
            opened.callback(self.leases.close)
            self.runner = Runner(
                database,
                settings,
                fetcher=Fetcher(database, objects, artifacts, settings),
                results=ResultStore(database, artifacts, vectors, settings),
                stages=stages,
                leases=self.leases,
                name=self.name,
            )
            self._resources = opened.pop_all()

    def warm(self, queues: Collection[str]) -> None:
        """Load the models of these queues, so that no batch waits for them.

        Raises:
            ConfigurationError: a checkpoint is missing or refused.
        """
        for spec in STAGES.values():
            if any(queue_of(spec.name, priority) in queues for priority in Priority):
                with self._stages.borrow(spec):
                    """Loaded, and kept while there is room."""

    def clear_scratch(self) -> None:
        """Remove what a killed process left; only while no other process uses the folder."""
        clear_scratch(self._scratch_dir)
        self.sandbox.clear_leftovers()

    def __enter__(self) -> Self:
        """Already open."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close in reverse order of opening."""
        self._resources.close()
