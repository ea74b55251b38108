"""Several orchestrators on one Postgres: each job is sent once, claimed once, done once."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from infra.database import Database
from infra.ledger import Ledger
from infra.tables import JobRow, OutboxRow
from orchestrator.dispatcher import Dispatcher, one_worker
from orchestrator.sweeper import Sweeper
from schemas.job import JobState
from tests.factories import make_plan, plant_asset
from tests.workers.stubs import Pipeline, StubStage

N_JOBS = 120
N_EACH = 3


@pytest.fixture
def server(request, any_database):
    """An empty Postgres."""
    if any_database.is_sqlite:
        pytest.skip("one process at a time has a SQLite file")
    return any_database


@pytest.fixture
def databases(server):
    """Connections of several processes."""
    url = server.url.render_as_string(hide_password=False)
    opened = [Database(url) for _ in range(N_EACH)]
    yield opened
    for database in opened:
        database.close()


def at_once(functions):
    """Run all on threads of their own, started together."""
    together = threading.Barrier(len(functions), timeout=60)

    def run(function):
        together.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


def test_dispatchers_side_by_side_send_each_job_once(server, databases, settings):
    settings = settings.model_copy(update={"batches_in_flight": 1000})
    with server.session_scope() as session:
        for n in range(4):
            plan = {"stage": "ocr", "version": settings.versions["ocr"]}
            parts = [make_plan(part=part, **plan) for part in range(N_JOBS // 4)]
            plant_asset(session, parts, tenant=f"t{n}")
    sent = []
    dispatchers = [Dispatcher(db, settings, sent.append, one_worker) for db in databases]

    at_once([dispatcher.dispatch for dispatcher in dispatchers])
    for _ in range(3):  # what was locked in the first round
        dispatchers[0].dispatch()

    times = Counter(job_id for message in sent for job_id in message.job_ids)
    assert len(times) == N_JOBS
    assert set(times.values()) == {1}
    with server.read_scope() as session:
        assert set(session.scalars(select(JobRow.state))) == {JobState.DISPATCHED}


def test_workers_side_by_side_claim_each_job_once(server, databases, settings):
    with server.session_scope() as session:
        plant_asset(session, [make_plan(part=part) for part in range(40)])
    with server.read_scope() as session:
        ids = session.scalars(select(JobRow.id).order_by(JobRow.id)).all()

    def claim(database):
        with database.session_scope() as session:
            return [job.job_id for job in Ledger(session).claim(ids, "w", 60)]

    claimed = at_once([lambda db=db: claim(db) for db in databases])

    assert sorted(job_id for each in claimed for job_id in each) == sorted(ids)


def test_sweepers_side_by_side_end_a_job_once(server, databases, settings):
    with server.session_scope() as session:
        asset_id = plant_asset(session, [make_plan(part=part) for part in range(20)])
        jobs = session.scalars(select(JobRow.id)).all()
        Ledger(session).claim(jobs, "w", 60)
        session.execute(text("UPDATE jobs SET lease_until = 0, attempts = 5"))

    swept = at_once([Sweeper(db, settings).sweep for db in databases])

    assert sum(swept) == 20
    with server.read_scope() as session:
        assert set(session.scalars(select(JobRow.state))) == {JobState.QUARANTINED}
        assert session.scalars(select(OutboxRow.asset_id)).all() == [asset_id]


def test_no_transaction_is_open_while_a_model_runs(server, settings, vectors, stub_stages):
    pipeline = Pipeline(server, settings, vectors)
    seen = []

    def look(_words):
        with server.engine.connect() as connection:
            open_ones = text(
                "SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                "AND datname = current_database() AND xact_start IS NOT NULL"
            )
            seen.append(connection.scalars(open_ones).all())

    StubStage.on_forward = staticmethod(look)
    pipeline.put("a", "red green")

    pipeline.work()
    pipeline.leases.close()

    assert seen
    assert all(queries == [] for queries in seen)
