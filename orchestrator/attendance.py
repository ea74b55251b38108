"""Work that waits for a worker which is not there."""

from infra.backlog import Backlog
from infra.database import Database
from infra.queues import queue_names, queue_of
from infra.workforce import Workforce
from schemas.reports import Attendance
from schemas.stages import STAGES


def find_attendance(database: Database, heartbeat_s: float) -> Attendance:
    """Workers, and the queues that none of them takes.

    Work for such a queue waits in the database: it is not sent to the broker, so it needs no
    rescue there, only a worker.
    """
    with database.read_scope() as session:
        workforce = Workforce(session, heartbeat_s)
        workers, consumers = workforce.workers(), workforce.consumers()
        ready = {queue_of(stage, p) for stage, p in Backlog(session).ready_classes(STAGES)}
    unattended = [name for name in queue_names() if not consumers[name]]
    return Attendance(
        workers=tuple(workers),
        unattended=tuple(unattended),
        waiting=tuple(name for name in unattended if name in ready),
    )
