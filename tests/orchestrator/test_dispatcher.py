"""Back-pressure, lingering, and a broker that does not take what it is given."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from infra.backlog import Backlog
from infra.settings import load_settings
from infra.tables import JobRow
from orchestrator.dispatcher import Dispatcher, may_send
from orchestrator.sweeper import Sweeper
from schemas.errors import BrokerUnavailable
from schemas.job import JobState, Priority
from schemas.stages import STAGES
from tests.factories import claim, make_plan, plant_asset


class Broker:
    """Keeps what is published; refuses it while it is down."""

    def __init__(self):
        self.messages = []
        self.is_down = False

    def publish(self, message):
        if self.is_down:
            raise BrokerUnavailable("connection refused")
        self.messages.append(message)


@pytest.fixture
def broker():
    return Broker()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    """A batch of `ocr` is full with two jobs of cost 1."""
    monkeypatch.setitem(STAGES, "ocr", replace(STAGES["ocr"], batch_cost=2.0))


@pytest.fixture
def dispatcher(database, settings, broker):
    return Dispatcher(database, settings, broker.publish)


def plant(database, settings, n, stage="ocr", priority=Priority.NORMAL, **plan):
    version = plan.pop("version", settings.versions[stage])
    with database.session_scope() as session:
        for _ in range(n):
            job = make_plan(stage=stage, version=version, **plan)
            plant_asset(session, [job], priority=priority)


def n_jobs(database, state):
    with database.read_scope() as session:
        return session.scalar(select(func.count()).where(JobRow.state == state))


def test_dispatch_of_nothing_sends_nothing(dispatcher, broker):
    assert dispatcher.dispatch() == 0
    assert broker.messages == []


def test_dispatch_marks_what_it_sends(dispatcher, broker, database, settings):
    plant(database, settings, 2)

    assert dispatcher.dispatch() == 1

    (message,) = broker.messages
    assert (message.stage, message.version) == ("ocr", settings.versions["ocr"])
    with database.read_scope() as session:
        rows = session.scalars(select(JobRow)).all()
    assert {row.id for row in rows} == set(message.job_ids)
    assert {row.batch_id for row in rows} == {message.batch_id}
    assert {row.state for row in rows} == {JobState.DISPATCHED}


def test_dispatch_sends_batches_of_each_stage(dispatcher, broker, database, settings):
    for stage in ("ocr", "caption"):
        plant(database, settings, 2, stage)

    dispatcher.dispatch()

    assert sorted(message.stage for message in broker.messages) == ["caption", "ocr"]


def test_dispatch_leaves_the_backlog_in_the_database(dispatcher, broker, database, settings):
    plant(database, settings, 20)

    assert dispatcher.dispatch() == settings.batches_in_flight
    assert dispatcher.dispatch() == 0
    assert n_jobs(database, JobState.READY) == 20 - 2 * settings.batches_in_flight


def test_dispatch_goes_on_when_a_batch_has_ended(dispatcher, broker, database, settings):
    plant(database, settings, 20)
    dispatcher.dispatch()
    with database.session_scope() as session:
        claim(session, broker.messages[0].job_ids)
        session.execute(
            update(JobRow)
            .where(JobRow.id.in_(broker.messages[0].job_ids))
            .values(state=JobState.DONE)
        )

    assert dispatcher.dispatch() == 1


def test_dispatch_does_not_send_jobs_of_another_version(dispatcher, broker, database, settings):
    plant(database, settings, 2, version="older")

    assert dispatcher.dispatch() == 0
    assert n_jobs(database, JobState.READY) == 2


def test_two_dispatchers_send_each_job_once(database, settings, broker):
    plant(database, settings, 5)
    for _ in range(3):
        for dispatcher in (Dispatcher(database, settings, broker.publish) for _ in range(2)):
            dispatcher.dispatch()

    sent = [job_id for message in broker.messages for job_id in message.job_ids]
    assert len(sent) == len(set(sent)) == 5


# -- consumers and priorities -----------------------------------------------------------------


def test_work_without_a_consumer_waits_in_the_database(database, settings, broker):
    plant(database, settings, 4)
    plant(database, settings, 4, "caption")

    Dispatcher(database, settings, broker.publish, lambda: {"caption.normal": 1}).dispatch()

    assert {message.stage for message in broker.messages} == {"caption"}
    assert n_jobs(database, JobState.DISPATCHED) == 4


def test_more_consumers_get_more_batches(database, settings, broker):
    plant(database, settings, 40)

    Dispatcher(database, settings, broker.publish, lambda: {"ocr.normal": 4}).dispatch()

    assert len(broker.messages) == 4 * settings.batches_in_flight


def test_batch_holds_one_priority(dispatcher, broker, database, settings):
    for priority in Priority:
        plant(database, settings, 2, priority=priority)

    dispatcher.dispatch()

    sent = [(message.priority, len(message.job_ids)) for message in broker.messages]
    assert sent == [(priority, 2) for priority in Priority]


def test_urgent_work_does_not_wait_for_what_is_under_way(dispatcher, broker, database, settings):
    plant(database, settings, 20, priority=Priority.BULK)
    dispatcher.dispatch()
    plant(database, settings, 2, priority=Priority.INTERACTIVE)

    dispatcher.dispatch()

    assert broker.messages[-1].priority is Priority.INTERACTIVE


@pytest.mark.parametrize(
    ("in_flight", "may"),
    [
        ({}, True),
        ({Priority.NORMAL: 2}, True),
        ({Priority.NORMAL: 3}, False),
        ({Priority.INTERACTIVE: 3}, True),  # its first: none starves
        ({Priority.INTERACTIVE: 2, Priority.NORMAL: 1}, False),
        ({Priority.BULK: 3}, True),
    ],
)
def test_normal_work_counts_what_is_at_least_as_urgent(in_flight, may):
    assert may_send(Priority.NORMAL, in_flight, limit=3) is may


# -- lingering -------------------------------------------------------------------------------


@pytest.fixture
def patient(database, tmp_path, profile, clean_environment, broker):
    settings = load_settings(home=tmp_path, models=str(profile), linger_s=0.05)
    return Dispatcher(database, settings, broker.publish), settings


def test_batch_that_is_not_full_waits_for_more(patient, database, broker):
    dispatcher, settings = patient
    plant(database, settings, 1)
    assert dispatcher.dispatch() == 0

    plant(database, settings, 1)

    assert dispatcher.dispatch() == 1
    assert len(broker.messages[0].job_ids) == 2


def test_batch_that_is_not_full_does_not_wait_for_ever(patient, database, broker, monkeypatch):
    dispatcher, settings = patient
    plant(database, settings, 1)
    now_s = 1000.0
    monkeypatch.setattr("orchestrator.dispatcher.time.monotonic", lambda: now_s)
    assert dispatcher.dispatch() == 0

    now_s += 0.06

    assert dispatcher.dispatch() == 1


def test_next_batch_waits_anew(patient, database, broker, monkeypatch):
    dispatcher, settings = patient
    now_s = 1000.0
    monkeypatch.setattr("orchestrator.dispatcher.time.monotonic", lambda: now_s)
    plant(database, settings, 3)

    assert dispatcher.dispatch() == 1
    now_s += 10.0
    assert dispatcher.dispatch() == 1
    plant(database, settings, 1)
    assert dispatcher.dispatch() == 0


# -- trouble ---------------------------------------------------------------------------------


def test_batch_that_was_not_published_is_found_by_the_sweeper(
    dispatcher, broker, database, settings
):
    plant(database, settings, 4)
    broker.is_down = True

    dispatcher.dispatch()

    assert broker.messages == []
    assert n_jobs(database, JobState.DISPATCHED) == 2
    broker.is_down = False
    with database.session_scope() as session:
        aged = JobRow.dispatched_at - settings.redispatch_s - 1
        session.execute(update(JobRow).values(dispatched_at=aged))
    assert Sweeper(database, settings).sweep() == 2
    dispatcher.dispatch()
    assert sorted(len(message.job_ids) for message in broker.messages) == [2, 2]


def test_defect_while_publishing_is_not_swallowed(database, settings):
    def publish(_message):
        raise TypeError("not a message")

    plant(database, settings, 2)

    with pytest.raises(TypeError):
        Dispatcher(database, settings, publish).dispatch()


def test_job_that_crashed_twice_is_sent_alone(dispatcher, broker, database, settings):
    plant(database, settings, 4)
    with database.session_scope() as session:
        session.execute(update(JobRow).values(attempts=2))
        assert len(Backlog(session).take_ready("ocr", settings.versions["ocr"], 10)) == 4

    dispatcher.dispatch()

    assert [len(message.job_ids) for message in broker.messages] == [1, 1, 1]
