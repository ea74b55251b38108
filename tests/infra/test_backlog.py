"""What is planned, what may be dispatched, what is called off; on both databases."""

import sqlite3
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from infra.backlog import Backlog
from infra.catalog import Catalog
from infra.database import db_now
from infra.ledger import Ledger
from infra.tables import AssetRow, FailureRow, JobEdgeRow, JobRow
from schemas.asset import AssetState
from schemas.job import JobState, Priority
from tests.factories import VERSION, claim, claim_all, make_failure, make_plan, plant_asset

CAPTION = make_plan(stage="caption", source="view")
OCR = make_plan(stage="ocr", source="view")
TEXT_OF_OCR = make_plan(stage="embed_text", source="ocr", after=(("ocr", 0),))
TEXT_OF_BOTH = make_plan(stage="embed_text", source="ocr", after=(("ocr", 0), ("caption", 0)))


@pytest.fixture
def database(any_database):
    return any_database


@pytest.fixture
def session(database):
    with database.session_scope() as session:
        yield session


def states(session):
    rows = session.execute(select(JobRow.stage, JobRow.state))
    return {stage: state.value for stage, state in rows}


def ready(session, stage="prepare", version="v1", limit=100):
    return Backlog(session).take_ready(stage, version, limit)


# -- plan ------------------------------------------------------------------------------------


def test_plan_makes_the_asset_processing(session):
    asset_id = plant_asset(session, [make_plan()])

    assert session.get_one(AssetRow, asset_id).state is AssetState.PROCESSING


def test_plan_twice_adds_nothing(session):
    asset_id = plant_asset(session, [OCR, TEXT_OF_OCR])

    Backlog(session).plan(asset_id, "t", [OCR, TEXT_OF_OCR], Priority.NORMAL)

    assert session.scalar(select(func.count()).select_from(JobRow)) == 2
    assert session.scalar(select(func.count()).select_from(JobEdgeRow)) == 1


def test_plan_again_does_not_disturb_jobs_on_their_way(session):
    asset_id = plant_asset(session, [OCR])
    claim_all(session, "ocr")

    Backlog(session).plan(asset_id, "t", [OCR], Priority.NORMAL)

    assert states(session) == {"ocr": "running"}


def test_plan_lets_children_wait(session):
    plant_asset(session, [OCR, TEXT_OF_OCR])

    assert states(session) == {"ocr": "ready", "embed_text": "waiting"}


def test_plan_wakes_a_child_whose_parent_has_ended_already(session):
    asset_id = plant_asset(session, [OCR])
    (job,) = claim_all(session, "ocr")
    Ledger(session).complete(job, seconds=1)

    Backlog(session).plan(asset_id, "t", [OCR, TEXT_OF_OCR], Priority.NORMAL)

    assert states(session) == {"ocr": "done", "embed_text": "ready"}


def test_plan_of_nothing_leaves_the_asset_alone(session):
    asset_id = plant_asset(session)

    assert session.get_one(AssetRow, asset_id).state is AssetState.PENDING


def test_plan_of_a_very_long_media_fits_into_statements(session):
    plant_asset(session, [make_plan(part=part) for part in range(1203)])

    assert session.scalar(select(func.count()).select_from(JobRow)) == 1203


# -- take_ready ------------------------------------------------------------------------------


def test_take_ready_serves_urgent_work_first(session):
    urgency = [Priority.BULK, Priority.INTERACTIVE, Priority.NORMAL]
    for priority in urgency:
        plant_asset(session, [make_plan()], priority=priority)

    assert [job.priority for job in ready(session)] == sorted(urgency)


def test_take_ready_serves_the_oldest_first(session):
    ids = [plant_asset(session, [make_plan()]) for _ in range(3)]
    for age, asset_id in enumerate(ids):
        where = JobRow.asset_id == asset_id
        session.execute(update(JobRow).where(where).values(created_at=1000.0 - age))

    assert [job.asset_id for job in ready(session)] == ids[::-1]


def test_take_ready_serves_tenants_in_turn_however_much_one_has(session):
    for _ in range(20):
        plant_asset(session, [make_plan()], tenant="big")
    for tenant in ("small", "tiny"):
        plant_asset(session, [make_plan()], tenant=tenant)

    first = [job.tenant for job in ready(session, limit=4)]

    assert sorted(first[:3]) == ["big", "small", "tiny"]
    assert first[3] == "big"


def test_take_ready_puts_urgent_work_of_one_tenant_before_the_rest_of_all(session):
    for tenant in ("a", "b"):
        plant_asset(session, [make_plan()], tenant=tenant)
    for _ in range(3):
        plant_asset(session, [make_plan()], tenant="b", priority=Priority.INTERACTIVE)

    assert [job.tenant for job in ready(session)][:3] == ["b", "b", "b"]


def test_take_ready_leaves_jobs_that_rest(session):
    plant_asset(session, [make_plan()])
    session.execute(update(JobRow).values(not_before=db_now() + 60))

    assert ready(session) == []


def test_take_ready_takes_jobs_that_have_rested(session):
    plant_asset(session, [make_plan()])
    session.execute(update(JobRow).values(not_before=db_now() - 1))

    assert len(ready(session)) == 1


@pytest.mark.parametrize("other", [{"stage": "ocr"}, {"version": "v0"}])
def test_take_ready_looks_at_one_stage_and_version_only(session, other):
    plant_asset(session, [make_plan(**other)])

    assert ready(session) == []


def test_take_ready_takes_no_more_than_asked(session):
    plant_asset(session, [make_plan(part=part) for part in range(5)])

    assert len(ready(session, limit=3)) == 3


def test_take_ready_of_one_priority_leaves_the_others(session):
    for priority in Priority:
        plant_asset(session, [make_plan()], priority=priority)

    (job,) = Backlog(session).take_ready("prepare", VERSION, 10, priorities=[Priority.BULK])

    assert job.priority is Priority.BULK


def test_ready_classes_names_only_what_may_go_now(session):
    plant_asset(session, [OCR, CAPTION, TEXT_OF_OCR])
    later = update(JobRow).where(JobRow.stage == "caption")
    session.execute(later.values(not_before=db_now() + 60))

    found = Backlog(session).ready_classes(["prepare", "ocr", "caption", "embed_text"])

    assert found == {("ocr", Priority.NORMAL)}


# -- dispatch --------------------------------------------------------------------------------


def test_dispatch_takes_jobs_out_of_the_backlog(session):
    plant_asset(session, [make_plan()])
    batch = uuid4()

    Backlog(session).dispatch([job.job_id for job in ready(session)], batch)

    row = session.scalars(select(JobRow)).one()
    assert (row.state, row.batch_id) == (JobState.DISPATCHED, batch)
    assert ready(session) == []


def test_dispatch_does_not_take_back_a_job_that_runs(session):
    plant_asset(session, [make_plan()])
    (job,) = claim_all(session, "prepare")

    Backlog(session).dispatch([job.job_id], uuid4())

    assert states(session) == {"prepare": "running"}


def test_batches_in_flight_counts_batches_not_jobs(session):
    plant_asset(session, [make_plan(part=part) for part in range(5)])
    backlog, jobs = Backlog(session), ready(session)
    backlog.dispatch([job.job_id for job in jobs[:3]], uuid4())
    backlog.dispatch([job.job_id for job in jobs[3:]], uuid4())
    claim(session, [jobs[0].job_id])

    assert backlog.batches_in_flight("prepare") == {Priority.NORMAL: 2}
    assert backlog.batches_in_flight("ocr") == {}


def test_batches_in_flight_forgets_batches_that_ended(session):
    plant_asset(session, [make_plan()])
    backlog, jobs = Backlog(session), ready(session)
    backlog.dispatch([jobs[0].job_id], uuid4())
    (job,) = claim(session, [jobs[0].job_id])

    Ledger(session).release([job])

    assert backlog.batches_in_flight("prepare") == {}


# -- lost messages ---------------------------------------------------------------------------

PREPARE = ("prepare", Priority.NORMAL)


def send(session, age_s):
    """A batch of one job that was sent so long ago."""
    plant_asset(session, [make_plan()])
    job_id, batch_id = ready(session)[0].job_id, uuid4()
    Backlog(session).dispatch([job_id], batch_id)
    aged = update(JobRow).where(JobRow.batch_id == batch_id)
    session.execute(aged.values(dispatched_at=db_now() - age_s))
    return job_id


def state_of(session, job_id):
    return session.get_one(JobRow, job_id, populate_existing=True).state


def test_batch_that_nobody_claimed_is_given_back_without_an_attempt(session):
    job_id = send(session, age_s=61)

    assert Backlog(session).give_back_undelivered(60, {}) == 1

    row = session.get_one(JobRow, job_id, populate_existing=True)
    assert (row.state, row.attempts) == (JobState.READY, 0)


def test_batch_that_was_just_sent_is_not_lost(session):
    job_id = send(session, age_s=1)

    assert Backlog(session).give_back_undelivered(60, {}) == 0
    assert state_of(session, job_id) is JobState.DISPATCHED


def test_batch_that_waits_on_the_broker_is_not_lost_however_old(session):
    job_id = send(session, age_s=6000)

    assert Backlog(session).give_back_undelivered(60, {PREPARE: 1}) == 0
    assert state_of(session, job_id) is JobState.DISPATCHED


def test_messages_that_wait_are_those_of_the_newest_batches(session):
    old, middle, new = (send(session, age_s) for age_s in (300, 200, 100))

    assert Backlog(session).give_back_undelivered(60, {PREPARE: 2}) == 1

    assert state_of(session, old) is JobState.READY
    assert {state_of(session, job) for job in (middle, new)} == {JobState.DISPATCHED}


def test_messages_of_another_queue_save_no_batch(session):
    send(session, age_s=61)

    assert Backlog(session).give_back_undelivered(60, {("ocr", Priority.NORMAL): 5}) == 1


# -- cancel, supersede -----------------------------------------------------------------------


def test_cancel_stops_what_has_not_ended(session):
    asset_id = plant_asset(session, [OCR, CAPTION, TEXT_OF_OCR])
    (done,) = claim_all(session, "ocr")
    claim_all(session, "caption")
    Ledger(session).complete(done, seconds=1)

    Backlog(session).cancel([asset_id])

    assert states(session) == {"ocr": "done", "caption": "cancelled", "embed_text": "cancelled"}


def test_cancel_leaves_other_assets_alone(session):
    plant_asset(session, [OCR])

    Backlog(session).cancel([plant_asset(session)])

    assert states(session) == {"ocr": "ready"}


def test_supersede_forgets_stale_jobs_that_are_not_done(session):
    asset_id = plant_asset(session, [OCR, TEXT_OF_OCR])
    (job,) = claim_all(session, "ocr")
    Ledger(session).fail(job, make_failure())

    Backlog(session).supersede(asset_id, {"ocr": "v2", "embed_text": "v2"})

    for table in (JobRow, JobEdgeRow, FailureRow):
        assert session.scalars(select(table)).all() == []


def test_supersede_keeps_current_and_finished_jobs(session):
    asset_id = plant_asset(session, [OCR, CAPTION])
    (done,) = claim_all(session, "ocr")
    Ledger(session).complete(done, seconds=1)

    Backlog(session).supersede(asset_id, {"ocr": "v2", "caption": "v1"})

    assert states(session) == {"ocr": "done", "caption": "ready"}


def test_supersede_forgets_the_failures_of_a_stale_job_that_is_done(session):
    asset_id = plant_asset(session, [OCR])
    (job,) = claim_all(session, "ocr")
    Ledger(session).complete(job, seconds=1, failures=[make_failure()])

    Backlog(session).supersede(asset_id, {"ocr": "v2"})

    assert session.scalars(select(FailureRow)).all() == []


def test_worker_that_holds_a_superseded_job_is_refused(session):
    asset_id = plant_asset(session, [OCR])
    (job,) = claim_all(session, "ocr")

    Backlog(session).supersede(asset_id, {"ocr": "v2"})

    assert not Ledger(session).complete(job, seconds=1)


# -- retry -----------------------------------------------------------------------------------


def test_retry_starts_failed_work_afresh(session):
    asset_id = plant_asset(session, [OCR])
    (job,) = claim_all(session, "ocr")
    Ledger(session).fail(job, make_failure())
    Ledger(session).settle([job])

    assert Backlog(session).retry("t") == 1

    (again,) = claim_all(session, "ocr")
    assert (again.attempts, again.fence) == (1, 2)
    assert session.scalars(select(FailureRow)).all() == []
    assert session.get_one(AssetRow, asset_id).state is AssetState.PROCESSING


def test_retry_starts_quarantined_work_afresh(session):
    plant_asset(session, [OCR])
    (job,) = claim_all(session, "ocr")
    Ledger(session, max_attempts=1).retry_later(job, make_failure())

    assert Backlog(session).retry("t") == 1
    assert states(session) == {"ocr": "ready"}


def test_retry_lets_children_wait_again(session):
    plant_asset(session, [OCR, TEXT_OF_OCR])
    (job,) = claim_all(session, "ocr")
    Ledger(session).fail(job, make_failure())
    Ledger(session).settle([job])
    assert states(session)["embed_text"] == "cancelled"

    Backlog(session).retry("t")

    assert states(session) == {"ocr": "ready", "embed_text": "waiting"}


def test_retry_leaves_what_went_well_alone(session):
    plant_asset(session, [OCR])
    (job,) = claim_all(session, "ocr")
    Ledger(session).complete(job, seconds=1)

    assert Backlog(session).retry("t") == 0
    assert states(session) == {"ocr": "done"}


def test_retry_of_some_assets_leaves_the_others(session):
    chosen, other = plant_asset(session, [OCR]), plant_asset(session, [OCR])
    for job in claim_all(session, "ocr"):
        Ledger(session).fail(job, make_failure())

    assert Backlog(session).retry("t", [chosen]) == 1
    assert [job.asset_id for job in ready(session, "ocr")] == [chosen]
    assert other != chosen


def test_retry_of_one_tenant_leaves_the_others(session):
    plant_asset(session, [OCR], tenant="u")
    (job,) = claim_all(session, "ocr")
    Ledger(session).fail(job, make_failure())

    assert Backlog(session).retry("t") == 0


def test_retry_of_very_many_jobs_fits_into_statements(session):
    plant_asset(session, [make_plan(part=part) for part in range(1203)])
    for job in claim_all(session, "prepare") + claim_all(session, "prepare"):
        Ledger(session).fail(job, make_failure())
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        driver = connection.connection.dbapi_connection
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 1000)

    assert Backlog(session).retry("t") == 1203
    assert session.scalars(select(FailureRow)).all() == []


def test_retry_does_not_wake_the_deleted(session):
    asset_id = plant_asset(session, [OCR])
    (job,) = claim_all(session, "ocr")
    Ledger(session).fail(job, make_failure())
    Catalog(session).tombstone([asset_id])

    assert Backlog(session).retry("t") == 0
