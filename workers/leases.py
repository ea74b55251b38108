"""Keeps the leases of running batches, and ends the process when one passes its deadline."""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from infra.database import Database
from infra.ledger import Ledger
from schemas.errors import TransientError
from schemas.job import Job

logger = logging.getLogger(__name__)

#: Exit status of a process that the watchdog ended; a supervisor starts a new one.
EXIT_DEADLINE = 75


@dataclass(eq=False)
class Held:
    """The jobs of one running batch."""

    jobs: Sequence[Job]
    #: On the monotonic clock.
    deadline_s: float


class LeaseKeeper:
    """A thread that extends leases three times per lease, with the fence."""

    def __init__(self, database: Database, lease_s: float) -> None:
        self._database = database
        self._lease_s = lease_s
        self._held: list[Held] = []
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="leases", daemon=True)
        self._thread.start()

    @contextmanager
    def hold(self, jobs: Sequence[Job], deadline_s: float) -> Iterator[None]:
        """Keep these jobs' leases while the block runs.

        Args:
            jobs: just claimed.
            deadline_s: seconds after which the block is taken to hang.
        """
        held = Held(jobs, time.monotonic() + deadline_s)
        with self._lock:
            self._held.append(held)
        try:
            yield
        finally:
            with self._lock:
                self._held.remove(held)

    def give_back(self) -> int:
        """Release all jobs that are held, at once and without an attempt; returns their number.

        For a process that is about to end: what it still computes is refused by the fence.
        """
        with self._lock:
            jobs = [job for held in self._held for job in held.jobs]
        if not jobs:
            return 0
        try:
            with self._database.session_scope() as session:
                Ledger(session).release(jobs)
        except TransientError:
            # The leases run out on their own.
            logger.warning("leases_not_given_back")
        return len(jobs)

    def close(self) -> None:
        """End the thread; leases run out on their own."""
        self._closed.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._closed.wait(self._lease_s / 3):
            with self._lock:
                batches = list(self._held)
            for held in batches:
                self._end_if_hung(held)
            self._extend(batches)

    def _extend(self, batches: list[Held]) -> None:
        jobs = [job for held in batches for job in held.jobs]
        if not jobs:
            return
        try:
            with self._database.session_scope() as session:
                Ledger(session).extend(jobs, self._lease_s)
        except TransientError:
            # The lease outlives two missed beats; after that the fence decides.
            logger.warning("lease_not_extended")

    def _end_if_hung(self, held: Held) -> None:
        """A hung model call cannot be stopped from inside: end the process, keep the promise.

        The leases run out, and the jobs are dispatched again in smaller batches.
        """
        if time.monotonic() > held.deadline_s:
            logger.critical(
                "batch_deadline_passed",
                extra={"stage": held.jobs[0].stage, "job_ids": [str(j.job_id) for j in held.jobs]},
            )
            os._exit(EXIT_DEADLINE)
