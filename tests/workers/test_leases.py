"""Leases are kept while work goes on, and not a moment longer."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select, text

from infra.ledger import Ledger
from infra.tables import JobRow
from schemas.errors import StorageFull
from tests.factories import claim_all, make_plan, plant_asset
from workers.leases import EXIT_DEADLINE, LeaseKeeper

ROOT = Path(__file__).parents[2]


@pytest.fixture
def keeper(database):
    keeper = LeaseKeeper(database, lease_s=0.15)
    yield keeper
    keeper.close()


@pytest.fixture
def job(database):
    with database.session_scope() as session:
        plant_asset(session, [make_plan()])
        return claim_all(session, "prepare")[0]


def shorten(database, job, lease_s=0.3):
    with database.session_scope() as session:
        Ledger(session).extend([job], lease_s)


def sweep(database):
    with database.session_scope() as session:
        return Ledger(session).sweep()


def lease_until(database):
    with database.read_scope() as session:
        return session.scalars(select(JobRow.lease_until)).one()


def wait_for(condition, timeout_s=5.0):
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.01)


def test_lease_is_extended_while_the_block_runs(keeper, database, job):
    with keeper.hold([job], deadline_s=60):
        first = lease_until(database)
        wait_for(lambda: lease_until(database) != first)
        second = lease_until(database)
        wait_for(lambda: lease_until(database) > second)


def test_lease_runs_out_once_the_block_has_ended(keeper, database, job):
    with keeper.hold([job], deadline_s=60):
        pass
    shorten(database, job, lease_s=0.0)

    wait_for(lambda: sweep(database) == 1)


def test_lease_of_a_job_that_was_taken_over_is_left_alone(keeper, database, job):
    shorten(database, job, lease_s=-1)
    sweep(database)

    with keeper.hold([job], deadline_s=60):
        time.sleep(0.2)

    assert lease_until(database) is None


def test_keeper_outlives_a_database_that_is_in_trouble(database, job, caplog):
    class Flaky:
        """Out of space for a while."""

        n_refusals = 2

        def session_scope(self):
            if self.n_refusals:
                self.n_refusals -= 1
                raise StorageFull("no space left for the database")
            return database.session_scope()

    keeper = LeaseKeeper(Flaky(), lease_s=0.15)
    with keeper.hold([job], deadline_s=60):
        first = lease_until(database)
        wait_for(lambda: lease_until(database) != first)
    keeper.close()

    assert caplog.messages.count("lease_not_extended") == 2


def test_keeper_without_batches_leaves_the_database_alone(database):
    with database.session_scope() as session:
        session.execute(text("DROP TABLE jobs"))

    keeper = LeaseKeeper(database, lease_s=0.03)
    time.sleep(0.1)
    keeper.close()


def test_batches_that_overlap_are_kept_and_given_up_one_by_one(keeper, database):
    with database.session_scope() as session:
        plant_asset(session, [make_plan(part=0), make_plan(part=1)])
        first, second = claim_all(session, "prepare")
    with keeper.hold([first], 60), keeper.hold([second], 60):
        until = lease_until_of(database, first), lease_until_of(database, second)
        wait_for(lambda: lease_until_of(database, first) != until[0])
        wait_for(lambda: lease_until_of(database, second) != until[1])


def lease_until_of(database, job):
    with database.read_scope() as session:
        return session.get_one(JobRow, job.job_id).lease_until


def test_process_ends_when_a_batch_hangs(tmp_path):
    """The watchdog ends the process from outside the hung call; so the test needs a process."""
    script = f"""
import time
from infra.database import Database, migrate
from tests.factories import make_job
from workers.leases import LeaseKeeper

database = Database("sqlite:///{tmp_path / "sluice.db"}")
migrate(database)
with LeaseKeeper(database, lease_s=0.15).hold([make_job()], deadline_s=0.1):
    time.sleep(60)
"""
    started_s = time.monotonic()

    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True, text=True
    )

    assert ended.returncode == EXIT_DEADLINE, ended.stderr
    assert time.monotonic() - started_s < 30
    assert "batch_deadline_passed" in ended.stderr
