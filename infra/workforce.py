"""Who works: a row per worker process, renewed by its heartbeat.

Counted in the database, not on the broker: one query answers for every broker alike, Redis
knows no consumers, and a process that hangs keeps its connection but not its heartbeat.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from infra.database import db_now
from infra.fan_in import insert_absent
from infra.tables import WorkerRow
from schemas.reports import WorkerReport

#: Heartbeats that may be missed before a worker counts as gone.
MISSED_BEATS = 3
#: Rows of workers that died without a word are kept this long, to be looked at.
_FORGOTTEN_AFTER_S = 3600.0


class Workforce:
    """Worker rows within one transaction."""

    def __init__(self, session: Session, heartbeat_s: float) -> None:
        self._session = session
        self._silence_s = MISSED_BEATS * heartbeat_s

    def join(self, name: str, queues: Sequence[str], device: str) -> None:
        """Say that a worker has started. A name used again replaces the earlier process."""
        self.leave(name)
        row = {"name": name, "queues": list(queues), "device": device}
        insert_absent(self._session, WorkerRow, [row], started_at=db_now(), seen_at=db_now())
        forgotten = WorkerRow.seen_at < db_now() - _FORGOTTEN_AFTER_S
        self._session.execute(delete(WorkerRow).where(forgotten))

    def beat(self, name: str) -> bool:
        """Say that a worker lives; False if its row is gone, and it must join again."""
        row = self._session.get(WorkerRow, name)
        if row is None:
            return False
        row.seen_at = db_now()
        return True

    def leave(self, name: str) -> None:
        """Say that a worker takes nothing more."""
        self._session.execute(delete(WorkerRow).where(WorkerRow.name == name))

    def workers(self) -> list[WorkerReport]:
        """All workers that were heard of lately; those that have gone silent say so."""
        age_s = (db_now() - WorkerRow.seen_at).label("age_s")
        rows = self._session.execute(select(WorkerRow, age_s).order_by(WorkerRow.name))
        return [
            WorkerReport(
                name=row.name,
                queues=tuple(row.queues),
                device=row.device,
                silent_s=round(max(0.0, silent_s), 1),
                is_alive=silent_s <= self._silence_s,
            )
            for row, silent_s in rows
        ]

    def consumers(self) -> Counter[str]:
        """Number of living workers by queue."""
        alive = [worker for worker in self.workers() if worker.is_alive]
        return Counter(queue for worker in alive for queue in worker.queues)
