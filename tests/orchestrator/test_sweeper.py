import logging
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from infra.backlog import Backlog
from infra.tables import JobRow
from orchestrator.sweeper import Sweeper
from schemas.errors import BrokerUnavailable
from schemas.job import JobState
from tests.factories import VERSION, claim_all, make_plan, plant_asset


@pytest.fixture
def sweeper(database, settings):
    return Sweeper(database, settings)


@pytest.fixture
def job(database):
    """A job that a worker holds."""
    with database.session_scope() as session:
        plant_asset(session, [make_plan()])
        return claim_all(session, "prepare")[0]


def state(database):
    with database.read_scope() as session:
        return session.scalars(select(JobRow.state)).one()


def test_sweep_with_nothing_lost_is_silent(sweeper, job, database, caplog):
    assert sweeper.sweep() == 0
    assert state(database) is JobState.RUNNING
    assert caplog.records == []


def test_sweep_gives_back_what_is_lost_and_says_so(sweeper, job, database, caplog):
    with database.session_scope() as session:
        session.execute(update(JobRow).values(lease_until=0.0))

    with caplog.at_level(logging.WARNING):
        assert sweeper.sweep() == 1

    assert state(database) is JobState.READY
    assert [record.message for record in caplog.records] == ["jobs_swept"]


def test_sweep_quarantines_by_the_limit_of_the_settings(sweeper, job, database, settings):
    with database.session_scope() as session:
        session.execute(update(JobRow).values(lease_until=0.0, attempts=settings.max_attempts))

    sweeper.sweep()

    assert state(database) is JobState.QUARANTINED


@pytest.fixture
def sent(database, settings):
    """A job whose message nobody has answered."""
    with database.session_scope() as session:
        plant_asset(session, [make_plan()])
        (ready,) = Backlog(session).take_ready("prepare", VERSION, 10)
        Backlog(session).dispatch([ready.job_id], uuid4())
        session.execute(update(JobRow).values(dispatched_at=0.0))


def test_sweep_sends_lost_messages_again(sweeper, sent, database):
    assert sweeper.sweep() == 1
    assert state(database) is JobState.READY


def test_sweep_leaves_messages_alone_that_wait_on_the_broker(database, settings, sent):
    sweeper = Sweeper(database, settings, lambda: {"prepare.normal": 1})

    assert sweeper.sweep() == 0
    assert state(database) is JobState.DISPATCHED


def test_sweep_without_an_answer_of_the_broker_takes_leases_only(database, settings, sent, caplog):
    def refuse():
        raise BrokerUnavailable("connection refused")

    with database.session_scope() as session:
        plant_asset(session, [make_plan()])
        claim_all(session, "prepare")
        session.execute(update(JobRow).where(JobRow.lease_until > 0).values(lease_until=0.0))

    assert Sweeper(database, settings, refuse).sweep() == 1
    assert [record.message for record in caplog.records] == ["broker_not_asked", "jobs_swept"]


def test_recover_takes_everything_from_a_dead_process(sweeper, job, database):
    assert sweeper.recover() == 1
    assert state(database) is JobState.READY
    assert sweeper.recover() == 0
