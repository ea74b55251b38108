"""Gives back what dead workers and lost messages hold."""

import logging
from collections.abc import Callable, Mapping

from infra.backlog import Backlog
from infra.database import Database
from infra.ledger import Ledger
from infra.queues import queue_of
from infra.settings import Settings
from schemas.errors import BrokerUnavailable
from schemas.job import Priority
from schemas.stages import STAGES

logger = logging.getLogger(__name__)

#: Messages that wait, by queue.
FindDepths = Callable[[], Mapping[str, int]]


class Sweeper:
    """Repairs the ledger; safe to run at any time, any number of times."""

    def __init__(
        self, database: Database, settings: Settings, find_depths: FindDepths = dict
    ) -> None:
        self._database = database
        self._settings = settings
        self._find_depths = find_depths

    def sweep(self) -> int:
        """One pass; returns the number of jobs given back."""
        with self._database.session_scope() as session:
            n_jobs = Ledger(session, max_attempts=self._settings.max_attempts).sweep()
        n_jobs += self._sweep_undelivered()
        if n_jobs:
            logger.warning("jobs_swept", extra={"n_jobs": n_jobs})
        return n_jobs

    def recover(self) -> int:
        """After the death of the only process: everything in flight is nobody's."""
        with self._database.session_scope() as session:
            n_jobs = Ledger(session, max_attempts=self._settings.max_attempts).sweep_all()
            return n_jobs + Backlog(session).give_back_undelivered(-1.0, {})

    def _sweep_undelivered(self) -> int:
        """While the broker does not answer, its messages are neither lost nor delivered."""
        try:
            depths = self._find_depths()
        except BrokerUnavailable as exc:
            logger.warning("broker_not_asked", extra={"reason": str(exc)})
            return 0
        n_queued = {
            (stage, priority): depths.get(queue_of(stage, priority), 0)
            for stage in STAGES
            for priority in Priority
        }
        with self._database.session_scope() as session:
            return Backlog(session).give_back_undelivered(self._settings.redispatch_s, n_queued)
