"""A worker of a cluster that is told to stop: it finishes its batches, or gives them back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from infra.backlog import Backlog
from infra.broker import create_app, ensure_queues, publish
from infra.settings import load_settings
from infra.tables import JobRow, WorkerRow
from tests.factories import make_message, make_plan, plant_asset
from tests.workers.test_leases import wait_for

ROOT = Path(__file__).parents[2]

#: A worker whose batches take until it is told to go on.
SCRIPT = """
import sys
from infra.broker import create_app
from infra.database import Database
from infra.queues import queue_names
from infra.ledger import Ledger
from infra.settings import load_settings
from workers.app import BatchWorker
from workers.heartbeat import Heartbeat
from workers.leases import LeaseKeeper
from workers.service import WorkerService

settings = load_settings()

def say(words):
    # In one piece: several threads speak.
    print(words + "\\n", end="", flush=True)

database = Database(settings.sqlalchemy_url)
leases = LeaseKeeper(database, settings.lease_s)

class SlowRunner:
    def run_batch(self, message):
        with database.session_scope() as session:
            jobs = Ledger(session).claim(message.job_ids, "w1", settings.lease_s)
        with leases.hold(jobs, 600):
            say(f"claimed {len(jobs)}")
            if jobs:
                sys.stdin.readline()
        with database.session_scope() as session:
            ended = [Ledger(session).complete(job, seconds=1) for job in jobs]
        say(f"completed {ended}")

heartbeat = Heartbeat(database, "w1", queue_names(), device="cpu", heartbeat_s=settings.heartbeat_s)
worker = BatchWorker(create_app(settings), SlowRunner(), queue_names(), "w1")
WorkerService(worker, heartbeat, leases, settings.grace_s).run(
    on_ready=lambda: say("ready"), on_stopping=lambda: say("stopping")
)
say("ended")
"""


@pytest.fixture
def settings(tmp_path, profile, clean_environment, database, amqp_url):
    return load_settings(
        home=tmp_path, models=str(profile), broker_url=amqp_url, database_url=str(database.url)
    )


@pytest.fixture
def app(settings):
    app = create_app(settings)
    ensure_queues(app)
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge(queue="prepare.normal")
    yield app
    app.close()


@pytest.fixture
def start(settings):
    started = []

    def start(grace_s):
        environment = {
            **os.environ,
            "SLUICE_BROKER_URL": settings.broker_url,
            "SLUICE_DATABASE_URL": settings.database_url,
            "SLUICE_MODELS": settings.models,
            "SLUICE_GRACE_S": str(grace_s),
            "SLUICE_HEARTBEAT_S": "0.2",
        }
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", SCRIPT],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        return started[0]

    yield start
    for worker in started:
        worker.kill()
        worker.wait()
        worker.stdin.close()
        worker.stdout.close()


def send(app, database):
    """A batch of one job, sent as the dispatcher does."""
    with database.session_scope() as session:
        plant_asset(session, [make_plan()])
        (job,) = Backlog(session).take_ready("prepare", "v1", 10)
        message = make_message([job], stage="prepare")
        Backlog(session).dispatch([job.job_id], message.batch_id)
    publish(app, message)
    return job.job_id


def await_line(worker, wanted):
    """Read until the worker says it; messages that earlier tests left claim nothing."""
    assert wanted in (line.strip() for line in worker.stdout)


def row(database, job_id):
    with database.read_scope() as session:
        return session.get_one(JobRow, job_id)


def workers(database):
    with database.read_scope() as session:
        return session.scalars(select(WorkerRow.name)).all()


def test_batch_at_hand_is_finished_within_the_grace_period(app, database, start):
    job_id = send(app, database)
    worker = start(grace_s=60)
    await_line(worker, "claimed 1")
    wait_for(lambda: workers(database) == ["w1"])

    worker.send_signal(signal.SIGTERM)
    await_line(worker, "stopping")
    worker.stdin.write("go on\n")
    worker.stdin.flush()

    said = worker.stdout.read().splitlines()
    assert [line for line in said if line != "ready" and not line.endswith((" 0", "[]"))] == [
        "completed [True]",
        "ended",
    ]
    assert worker.wait(20) == 0
    assert row(database, job_id).state == "done"
    assert workers(database) == []


def test_batch_that_takes_longer_is_given_back_untouched(app, database, start):
    job_id = send(app, database)
    worker = start(grace_s=0.3)
    await_line(worker, "claimed 1")
    started_s = time.monotonic()

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(20) == 0
    assert time.monotonic() - started_s < 15
    assert (row(database, job_id).state, row(database, job_id).attempts) == ("ready", 0)
    said = worker.stdout.read().splitlines()
    assert "stopping" in said
    assert "completed [True]" not in said


def test_worker_declares_no_queues_of_delayed_tasks(app, database, start):
    worker = start(grace_s=1)
    await_line(worker, "ready")

    with app.connection_for_read() as connection, pytest.raises(connection.channel_errors):
        connection.channel().queue_declare("celery_delayed_0", passive=True)
    assert worker.poll() is None


def test_killed_worker_leaves_its_message_to_another(app, database, start):
    job_id = send(app, database)
    worker = start(grace_s=1)
    await_line(worker, "claimed 1")

    worker.kill()
    worker.wait()

    # The lease still stands: whoever gets the message again finds nothing to claim.
    assert row(database, job_id).state == "running"
