"""A worker process of a cluster: takes batches of some queues until it is told to stop."""

import logging
import os
import threading
from collections.abc import Callable

from workers.app import BatchWorker
from workers.heartbeat import Heartbeat
from workers.leases import LeaseKeeper

logger = logging.getLogger(__name__)

#: Exit status of a worker that gave its batches back instead of finishing them; nothing is lost.
EXIT_GAVE_BACK = 0


class WorkerService:
    """Ties the life of a worker to its heartbeat, its leases and its signals."""

    def __init__(
        self, worker: BatchWorker, heartbeat: Heartbeat, leases: LeaseKeeper, grace_s: float
    ) -> None:
        self._worker = worker
        self._heartbeat = heartbeat
        self._leases = leases
        self._grace_s = grace_s

    def run(self, on_ready: Callable[[], None], on_stopping: Callable[[], None]) -> None:
        """Consume until SIGTERM, SIGINT or SIGHUP; call it on the main thread.

        The first signal takes nothing more and finishes the batches at hand. When the grace
        period is over they are given back instead, untouched, and the process ends: what is
        still computed then is refused by the fence.
        """

        def ready() -> None:
            self._heartbeat.join()
            on_ready()

        def stopping() -> None:
            on_stopping()
            # A signal handler must not wait for the database.
            threading.Thread(target=self._heartbeat.leave, name="leave", daemon=True).start()
            timer = threading.Timer(self._grace_s, self._give_back)
            timer.daemon = True
            timer.start()

        try:
            self._worker.run(on_ready=ready, on_stopping=stopping)
        finally:
            self._heartbeat.leave()

    def _give_back(self) -> None:
        n_jobs = self._leases.give_back()
        logger.warning("grace_over", extra={"n_jobs": n_jobs, "grace_s": self._grace_s})
        logging.shutdown()
        # The threads that compute cannot be stopped.
        os._exit(EXIT_GAVE_BACK)
