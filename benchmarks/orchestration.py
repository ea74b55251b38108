"""Orchestration alone: objects through everything but real stages, against bare Celery.

Ours: intake, ledger, batches and store, with a stage that does nothing. Bare:
tasks that do nothing, one per object, on the same in-memory broker.
"""

import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from infra.broker import create_app
from infra.queues import queue_names
from infra.settings import load_settings
from orchestrator.deps import Deps
from orchestrator.embedded import run_embedded
from orchestrator.pump import Pump
from schemas.asset import FILE_BUCKET, MediaFacts, MediaType, ObjectHead, ObjectRef
from schemas.job import Priority
from workers.app import BatchWorker
from workers.device import Device
from workers.stage import Item, Prepared, Result, Source, Stage
from workers.stage_cache import StageCache

N_OBJECTS = 3000
TARGET = 0.5


class NullPrepare(Stage):
    """Describes every object without looking at it."""

    def load(self, device: Device) -> None:
        """Nothing to load."""

    def preprocess(self, source: Source) -> Iterator[Item]:
        """One item per object."""
        yield Item(source=source, payload=None)

    def forward(self, items: Sequence[Item]) -> Sequence[Any]:
        """Nothing to compute."""
        return items

    def postprocess(self, item: Item, output: Any) -> Iterator[Result]:  # noqa: ARG002
        """Facts that are different for every object, so that nothing merges."""
        name = str(item.source.job.job_id)
        yield Prepared(
            facts=MediaFacts(
                media_type=MediaType.IMAGE, mime_type="image/png", sha256=name, size_bytes=1
            )
        )


def measure_orchestration() -> Figure:
    """Objects per second, ours; tasks per second, bare Celery."""
    with tempfile.TemporaryDirectory() as folder:
        value = _ours(Path(folder))
        limit = _bare(Path(folder))
    return Figure("orchestration_null_stage", value, limit, "objects/s", TARGET)


def _ours(folder: Path) -> float:
    (folder / "one").write_bytes(b"x")
    heads = [_head(folder, n) for n in range(N_OBJECTS)]
    StageCache._load = lambda cache, spec: NullPrepare(None)  # type: ignore[method-assign,assignment,arg-type] # noqa: ARG005, SLF001
    with Deps(load_settings(home=folder / "home"), "bench") as deps:

        def work(pump: Pump) -> float:
            started_s = time.perf_counter()
            for first in range(0, N_OBJECTS, 64):
                deps.intake.admit_heads(heads[first : first + 64], "default", Priority.NORMAL)
            pump.run_until(lambda: _n_ready(deps) == N_OBJECTS)
            return N_OBJECTS / (time.perf_counter() - started_s)

        return run_embedded(deps, work)


def _head(folder: Path, n: int) -> ObjectHead:
    # Many names of one file: what is measured is everything but reading media.
    path = folder / f"{n}"
    path.symlink_to(folder / "one")
    return ObjectHead(
        ref=ObjectRef(bucket=FILE_BUCKET, key=str(path).lstrip("/")),
        size_bytes=1,
        etag=str(n),
        last_modified=datetime.now(UTC),
    )


def _n_ready(deps: Deps) -> int:
    from infra.reports import Reports
    from schemas.asset import AssetState

    with deps.database.read_scope() as session:
        return Reports(session, "default").assets_by_state().get(AssetState.READY, 0)


class _Counter:
    """A runner that only counts."""

    def __init__(self) -> None:
        self.n = 0
        self.full = threading.Event()

    def run_batch(self, _message: object) -> None:
        self.n += 1
        if self.n == N_OBJECTS:
            self.full.set()


def _bare(folder: Path) -> float:
    app = create_app(load_settings(home=folder / "bare"))
    counter = _Counter()

    @app.task(name="bench.noop")  # type: ignore[untyped-decorator]
    def noop() -> None:
        counter.run_batch(None)

    worker = BatchWorker(app, counter, queue_names(), "bare")  # type: ignore[arg-type]
    rates: list[float] = []
    ready = threading.Event()

    def send() -> None:
        ready.wait()
        started_s = time.perf_counter()
        for _ in range(N_OBJECTS):
            app.send_task("bench.noop", queue=queue_names()[0])
        counter.full.wait()
        rates.append(N_OBJECTS / (time.perf_counter() - started_s))
        worker.stop()

    thread = threading.Thread(target=send)
    thread.start()
    worker.run(on_ready=ready.set, on_stopping=ready.set)
    thread.join()
    return rates[0]
