"""What `sluice doctor` asks in a cluster: each server on a line of its own, none hides another."""

import socket
import time
from collections.abc import Callable, Iterator

from infra.broker import DEAD_QUEUE, create_app, inspect_broker, queue_depths
from infra.database import Database, check_revision
from infra.settings import Settings
from infra.workforce import Workforce
from orchestrator.attendance import find_attendance
from orchestrator.deps import open_objects, open_vectors
from schemas.errors import ConfigurationError, IngestError
from schemas.reports import Attendance, Check

_MS = 1000.0


def cluster_checks(settings: Settings) -> Iterator[Check]:
    """What `server_checks` asks, and who works."""
    yield from server_checks(settings)
    yield from _workers(settings)


def server_checks(settings: Settings) -> Iterator[Check]:
    """One check per dependency, with its version, its latency and what is wrong."""
    yield from _database(settings)
    yield from _broker(settings)
    yield _timed("vectors", lambda: _vectors(settings))
    yield _timed("object store", lambda: open_objects(settings).ping())


def worker_check(settings: Settings) -> Check:
    """Whether a worker of this host, or container, takes batches: it says so in the database."""
    host = socket.gethostname()
    database = Database(settings.sqlalchemy_url)
    try:
        check_revision(database)
        with database.read_scope() as session:
            alive = [w for w in Workforce(session, settings.heartbeat_s).workers() if w.is_alive]
    except (ConfigurationError, IngestError) as exc:
        return Check(name="worker", status="error", found=str(exc))
    finally:
        database.close()
    ours = [worker for worker in alive if worker.name.rpartition("-")[0] == host]
    if not ours:
        return Check(name="worker", status="error", found=f"no worker of {host} takes batches")
    return Check(name="worker", status="ok", found=", ".join(worker.name for worker in ours))


def _timed(name: str, ask: Callable[[], str], advice: str | None = None) -> Check:
    """Ask once to connect, and once more for the latency."""
    try:
        ask()
        started_s = time.perf_counter()
        found = ask()
        latency_ms = round((time.perf_counter() - started_s) * _MS, 1)
    except (ConfigurationError, IngestError) as exc:
        return Check(name=name, status="error", found=str(exc))
    status = "warning" if advice else "ok"
    return Check(name=name, status=status, found=found, latency_ms=latency_ms, advice=advice)


def _vectors(settings: Settings) -> str:
    store = open_vectors(settings)
    try:
        return store.ping()
    finally:
        store.close()


def _database(settings: Settings) -> Iterator[Check]:
    database = Database(settings.sqlalchemy_url)
    try:
        yield _timed("database", database.ping)
        check_revision(database)
    except (ConfigurationError, IngestError) as exc:
        yield Check(name="schema", status="error", found=str(exc))
    finally:
        database.close()


def _workers(settings: Settings) -> Iterator[Check]:
    """Nothing where there is no schema: `_database` has said so."""
    database = Database(settings.sqlalchemy_url)
    try:
        check_revision(database)
        yield from _attendance(find_attendance(database, settings.heartbeat_s))
    except (ConfigurationError, IngestError):
        return
    finally:
        database.close()


def _attendance(attendance: Attendance) -> Iterator[Check]:
    alive = [worker for worker in attendance.workers if worker.is_alive]
    silent = [worker.name for worker in attendance.workers if not worker.is_alive]
    yield Check(
        name="workers",
        status="warning" if silent or not alive else "ok",
        found=f"{len(alive)} alive" + (f"; silent: {', '.join(silent)}" if silent else ""),
        advice="their jobs are given to others when the leases run out" if silent else None,
    )
    if attendance.unattended:
        waiting = ", ".join(attendance.waiting)
        yield Check(
            name="queues",
            status="error" if waiting else "warning",
            found=f"no worker takes {', '.join(attendance.unattended)}"
            + (f"; work waits for {waiting}" if waiting else ""),
            advice="start `sluice worker --queues` with them; work waits in the database",
        )


def _broker(settings: Settings) -> Iterator[Check]:
    app = create_app(settings)
    try:
        facts = inspect_broker(app)
        dead = queue_depths(app, [DEAD_QUEUE])[DEAD_QUEUE].n_messages
    except (ConfigurationError, IngestError) as exc:
        yield Check(name="broker", status="error", found=str(exc))
        return
    finally:
        app.close()
    found = f"{facts.product} {facts.version}".strip()
    advice = "; ".join(facts.remarks) or None
    yield _timed("broker", lambda: (inspect_broker(app), found)[1], advice)
    if dead:
        yield Check(
            name="dead letters",
            status="warning",
            found=f"{dead} messages in {DEAD_QUEUE}",
            advice="workers died while they held them; `sluice failures` names the jobs",
        )
