"""kill -9 in the middle of an ingest, again and again: nothing lost, nothing doubled."""

import signal
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import psutil

from infra.contents import Contents
from infra.database import Database
from infra.vectors.edge import EdgeVectorStore
from tests.acceptance.conftest import Store

#: Jobs that must have ended before each kill; later runs get further.
KILL_AFTER_JOBS = (2, 12, 25, 45)
TENANT = "default"


def n_done(store: Store) -> int:
    """Jobs that have ended, as another process sees it."""
    try:
        with sqlite3.connect(f"file:{store.home}/sluice.db?mode=ro", uri=True) as db:
            (n,) = db.execute("SELECT count(*) FROM jobs WHERE state = 'done'").fetchone()
            return int(n)
    except sqlite3.OperationalError:  # not created yet
        return 0


def kill_after(store: Store, n_jobs: int, samples: list[str]) -> None:
    """Start an ingest and kill it without warning once so many jobs are done."""
    process = store.start("ingest", *samples)
    children: list[psutil.Process] = []
    deadline = time.monotonic() + 120
    while n_done(store) < n_jobs and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == [], "children outlived their parent"


def contents(report: Any) -> dict[str, Any]:
    """What an ingest made of each object, ids and times left out."""
    return {
        asset["uri"]: (
            asset["state"],
            {name: stage["n_segments"] for name, stage in asset["stages"].items()},
        )
        for asset in report["assets"]
    }


def points_and_rows(store: Store) -> tuple[set[Any], set[Any]]:
    """Ids of all points, and of all segments that should have one."""
    database = Database(f"sqlite:///{store.home}/sluice.db")
    vectors = EdgeVectorStore(store.home / "vectors")
    with database.read_scope() as session:
        spaces = Contents(session).spaces()
    points = [point for space in spaces for point in vectors.ids(space, TENANT)]
    assert len(points) == len(set(points))
    vectors.close()
    database.close()
    with sqlite3.connect(store.home / "sluice.db") as db:
        rows = db.execute("SELECT id FROM segments WHERE stage LIKE 'embed%'").fetchall()
    return {point.hex for point in points}, {row for (row,) in rows}


def test_killed_ingest_ends_as_if_nothing_had_happened(
    make_store: Callable[[], Store], samples: list[str], ingested: tuple[Store, Any]
) -> None:
    store, (_, undisturbed) = make_store(), ingested

    for n_jobs in KILL_AFTER_JOBS:
        kill_after(store, n_jobs, samples)
    report = store.json("ingest", *samples)

    assert contents(report) == contents(undisturbed)
    points, rows = points_and_rows(store)
    assert points == rows
    assert list((store.home / "scratch").iterdir()) == []


def test_stopped_ingest_goes_on_where_it_ended(
    make_store: Callable[[], Store], samples: list[str]
) -> None:
    store = make_store()
    process = store.start("ingest", *samples)
    while n_done(store) < 3 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)

    assert process.returncode == 130, stderr
    assert "Nothing is lost" in stderr
    assert "Traceback" not in stderr
    report = store.json("ingest", *samples)
    assert set(report["counts"]) == {"ready"}
