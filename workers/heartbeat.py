"""Tells the database that this worker lives, so that work is sent to its queues."""

import logging
import threading
from collections.abc import Sequence

from infra.database import Database
from infra.workforce import Workforce
from schemas.errors import TransientError

logger = logging.getLogger(__name__)


class Heartbeat:
    """A thread that renews the worker's row; `join` and `leave` are safe from any thread."""

    def __init__(
        self,
        database: Database,
        name: str,
        queues: Sequence[str],
        *,
        device: str,
        heartbeat_s: float,
    ) -> None:
        self._database = database
        self._name = name
        self._queues = list(queues)
        self._device = device
        self._heartbeat_s = heartbeat_s
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="heartbeat", daemon=True)

    def join(self) -> None:
        """Take part: consumers of these queues are counted with the next dispatch."""
        if not self._thread.is_alive():
            self._thread.start()

    def leave(self) -> None:
        """Take nothing more. A worker that dies instead is missed after three beats."""
        self._left.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _keep(self) -> None:
        is_known = False
        while not self._left.is_set():
            is_known = self._tell(is_known=is_known)
            self._left.wait(self._heartbeat_s)
        try:
            with self._database.session_scope() as session:
                Workforce(session, self._heartbeat_s).leave(self._name)
        except TransientError:
            logger.warning("heartbeat_not_ended", extra={"worker": self._name})

    def _tell(self, *, is_known: bool) -> bool:
        """Renew the row, or write it where it is not; returns whether it is there."""
        try:
            with self._database.session_scope() as session:
                workforce = Workforce(session, self._heartbeat_s)
                if not (is_known and workforce.beat(self._name)):
                    workforce.join(self._name, self._queues, self._device)
        except TransientError as exc:
            logger.warning("heartbeat_missed", extra={"reason": str(exc)})
            return False
        return True
