"""Orchestration alone on real servers: RabbitMQ and Postgres, a worker in a process of its own.

Ours: intake, ledger, batches and store, with a stage that does nothing. Bare: tasks that do
nothing, one per object, on the same broker with the same settings and as many threads.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.orchestration import NullPrepare
from infra.broker import create_app, ensure_queues
from infra.queues import parse_queues
from infra.settings import Settings, load_settings
from orchestrator.deps import Deps
from schemas.asset import ObjectHead, ObjectRef
from schemas.job import Priority
from tests import services
from workers.app import BatchWorker
from workers.stage_cache import StageCache

N_OBJECTS = int(os.environ.get("N_OBJECTS", "10000"))
#: Ours against bare tasks; broker messages saved against one per object and stage.
TARGET_RATE, TARGET_MESSAGES = 0.5, 5.0
_QUEUES = ["prepare"]


def measure_cluster() -> list[Figure]:
    """Objects per second against bare tasks per second, and messages against objects.

    No figure where the servers are not installed.
    """
    if missing := [name for name in ("initdb", "rabbitmqctl") if not services.find_binary(name)]:
        print(f"not measured without {', '.join(missing)}: measure_cluster", file=sys.stderr)
        return []
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        settings = load_settings(
            home=folder,
            database_url=running.enter_context(services.run_postgres()),
            broker_url=running.enter_context(services.run_rabbitmq()).url,
            qdrant_url=":memory:",
        )
        rate, n_messages = _ours(settings)
        bare = _bare(settings)
    return [
        Figure("orchestration_on_rabbitmq", rate, bare, "objects/s", TARGET_RATE),
        Figure("broker_messages_saved", N_OBJECTS, n_messages, "messages", TARGET_MESSAGES),
    ]


@contextmanager
def _worker(settings: Settings, role: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that takes `prepare`."""
    env = {
        **os.environ,
        "SLUICE_HOME": str(settings.home),
        "SLUICE_DATABASE_URL": settings.database_url,
        "SLUICE_BROKER_URL": settings.broker_url,
        "SLUICE_QDRANT_URL": settings.qdrant_url,
        "SLUICE_DEVICE": "cpu",
        "N_OBJECTS": str(N_OBJECTS),
    }
    command = [sys.executable, "-m", "benchmarks.cluster", role]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
        process.terminate()


def _ours(settings: Settings) -> tuple[float, int]:
    with Deps(settings, "bench", owns_schema=True) as deps, _worker(settings, "ours"):
        threading.Thread(target=_pump, args=(deps,), daemon=True).start()
        while not deps._consumers():  # noqa: SLF001
            time.sleep(0.05)
        heads = [_head(n) for n in range(N_OBJECTS)]
        started_s = time.perf_counter()
        for first in range(0, N_OBJECTS, 64):
            deps.intake.admit_heads(heads[first : first + 64], "default", Priority.NORMAL)
        while _count(deps, "SELECT count(*) FROM assets WHERE state = 'ready'") < N_OBJECTS:
            time.sleep(0.02)
        rate = N_OBJECTS / (time.perf_counter() - started_s)
        n_messages = _count(deps, "SELECT count(DISTINCT batch_id) FROM jobs")
        deps.pump.stop()
        return rate, n_messages


def _pump(deps: Deps) -> None:
    from orchestrator.pump import Stopped

    try:
        deps.pump.run_until(lambda: False)
    except Stopped:
        return


def _count(deps: Deps, query: str) -> int:
    from sqlalchemy import text

    with deps.database.read_scope() as session:
        return int(session.execute(text(query)).scalar_one())


def _head(n: int) -> ObjectHead:
    now = datetime.now(UTC)
    ref = ObjectRef(bucket="bench", key=f"{n:08}")
    return ObjectHead(ref=ref, size_bytes=1, etag=str(n), last_modified=now)


def _bare(settings: Settings) -> float:
    app = create_app(settings)
    ensure_queues(app)
    queue = app.amqp.queues["prepare.normal"]
    with _worker(settings, "bare") as process:
        assert process.stdout
        started_s = time.perf_counter()
        for _ in range(N_OBJECTS):
            app.send_task("bench.noop", queue=queue)
        assert process.stdout.readline() == "done\n"
        return N_OBJECTS / (time.perf_counter() - started_s)


def _say(word: str) -> Callable[[], None]:
    return lambda: print(word, flush=True)


def _run_ours() -> None:
    from workers.fetch import Fetcher

    StageCache._load = lambda cache, spec: NullPrepare(None)  # type: ignore[method-assign,assignment,arg-type] # noqa: ARG005, SLF001
    # Nothing is read: what is measured is everything but reading media.
    Fetcher.fetch = _fetch_nothing  # type: ignore[method-assign]
    with Deps(load_settings(), "bench") as deps:
        service = deps.worker_service(parse_queues(_QUEUES))
        service.run(on_ready=_say("ready"), on_stopping=lambda: None)


def _fetch_nothing(_fetcher: Any, job: Any, scratch: Path) -> Any:
    from workers.stage import Source

    ref = ObjectRef(bucket="bench", key=str(job.job_id))
    return Source(job=job, ref=ref, scratch=scratch)


def _run_bare() -> None:
    app, lock, counts = create_app(load_settings()), threading.Lock(), [0]

    @app.task(name="bench.noop")  # type: ignore[untyped-decorator]
    def noop() -> None:
        with lock:
            counts[0] += 1
            if counts[0] == N_OBJECTS:
                print("done", flush=True)

    worker = BatchWorker(app, None, parse_queues(_QUEUES), "bare")  # type: ignore[arg-type]
    worker.run(on_ready=_say("ready"), on_stopping=lambda: None)


if __name__ == "__main__":
    {"ours": _run_ours, "bare": _run_bare}[sys.argv[1]]()
