"""The state machine under double deliveries, dead workers and zombies, on both databases."""

import pytest
from sqlalchemy import select, update

from infra.backlog import Backlog
from infra.database import db_now
from infra.ledger import Ledger
from infra.tables import FailureRow, JobRow, OutboxRow
from schemas.asset import AssetState
from schemas.events import EventType
from schemas.job import JobState
from schemas.segment import Page
from tests.factories import claim, claim_all, make_failure, make_plan, plant_asset


@pytest.fixture
def database(any_database):
    return any_database


@pytest.fixture
def session(database):
    with database.session_scope() as session:
        yield session


def plant_job(session):
    """One asset with its `prepare` job; returns the job's id."""
    asset_id = plant_asset(session, [make_plan()])
    return session.scalar(select(JobRow.id).where(JobRow.asset_id == asset_id))


def row_of(session, job_id):
    session.expire_all()
    return session.get_one(JobRow, job_id)


def failures(session):
    rows = session.scalars(select(FailureRow).order_by(FailureRow.id))
    return [(row.category, row.attempt) for row in rows]


def expire_lease(session, job_id):
    session.execute(update(JobRow).where(JobRow.id == job_id).values(lease_until=db_now() - 1))


def use_up(session, job_id, attempts):
    """Attempts that ended in a dead worker."""
    session.execute(update(JobRow).where(JobRow.id == job_id).values(attempts=attempts))


# -- claim -----------------------------------------------------------------------------------


def test_claim_counts_the_attempt_before_any_work(session):
    job_id = plant_job(session)

    (job,) = claim(session, [job_id], "w1")

    row = row_of(session, job_id)
    assert (job.attempts, job.fence) == (1, 1)
    assert (row.state, row.worker, row.attempts, row.fence) == (JobState.RUNNING, "w1", 1, 1)
    assert row.lease_until == pytest.approx(row.started_at + 60, abs=1)


def test_claim_of_a_repeated_message_takes_nothing(session):
    job_id = plant_job(session)
    claim(session, [job_id], "w1")

    assert claim(session, [job_id], "w2") == []
    assert row_of(session, job_id).worker == "w1"


def test_claim_keeps_the_order_of_the_message(session):
    ids = [plant_job(session) for _ in range(5)]

    assert [job.job_id for job in claim(session, ids[::-1])] == ids[::-1]


def test_claim_passes_over_jobs_that_are_not_there(session):
    job_id, gone = plant_job(session), plant_job(session)
    Backlog(session).cancel([row_of(session, gone).asset_id])

    assert [job.job_id for job in claim(session, [gone, job_id])] == [job_id]


def test_claim_of_a_late_message_respects_the_pause_after_a_failed_attempt(session):
    job_id = plant_job(session)
    (job,) = claim(session, [job_id])
    Ledger(session).retry_later(job, make_failure())

    assert claim(session, [job_id], "w2") == []


def test_claim_clears_what_the_last_attempt_left(session):
    job_id = plant_job(session)
    (job,) = claim(session, [job_id])
    Ledger(session).retry_later(job, make_failure())
    session.execute(update(JobRow).values(not_before=0.0))

    (job,) = claim(session, [job_id])

    row = row_of(session, job_id)
    assert (job.attempts, job.fence, row.error_class, row.error_text) == (2, 2, None, None)


def test_claim_takes_a_job_that_ran_under_a_larger_limit_of_attempts(session):
    job_id = plant_job(session)
    use_up(session, job_id, attempts=7)

    (job,) = claim(session, [job_id])

    assert Ledger(session).retry_later(job, make_failure()) is JobState.QUARANTINED


# -- extend ----------------------------------------------------------------------------------


def test_extend_prolongs_the_lease(session):
    job_id = plant_job(session)
    (job,) = claim(session, [job_id])
    before = row_of(session, job_id).lease_until

    assert Ledger(session).extend([job], lease_s=600) == {job_id}
    assert row_of(session, job_id).lease_until > before + 500


def test_extend_says_which_jobs_are_lost(session):
    kept, lost = claim(session, [plant_job(session), plant_job(session)])
    expire_lease(session, lost.job_id)
    Ledger(session).sweep()
    claim(session, [lost.job_id], "w2")

    assert Ledger(session).extend([kept, lost], 60) == {kept.job_id}


def test_extend_of_nothing_touches_nothing(session):
    (job,) = claim(session, [plant_job(session)])
    expire_lease(session, job.job_id)

    assert Ledger(session).extend([], 60) == set()
    assert Ledger(session).sweep() == 1


def test_extend_takes_as_many_jobs_as_a_process_can_hold(session):
    asset_id = plant_asset(session, [make_plan(part=part) for part in range(768)])
    jobs = claim_all(session, "prepare")

    assert len(Ledger(session).extend(jobs, 60)) == 768
    assert asset_id == jobs[0].asset_id


# -- complete --------------------------------------------------------------------------------


def test_complete_ends_the_job(session):
    job_id = plant_job(session)
    (job,) = claim(session, [job_id])

    assert Ledger(session).complete(job, seconds=2.5)

    row = row_of(session, job_id)
    assert (row.state, row.seconds, row.lease_until) == (JobState.DONE, 2.5, None)
    assert row.finished_at >= row.started_at


def test_complete_twice_is_refused_the_second_time(session):
    (job,) = claim(session, [plant_job(session)])
    Ledger(session).complete(job, seconds=1)

    assert not Ledger(session).complete(job, seconds=9)
    assert row_of(session, job.job_id).seconds == 1


def test_complete_by_a_zombie_is_refused_while_the_job_waits_again(session):
    (zombie,) = claim(session, [plant_job(session)])
    expire_lease(session, zombie.job_id)
    Ledger(session).sweep()

    assert not Ledger(session).complete(zombie, seconds=1, failures=[make_failure()])
    assert row_of(session, zombie.job_id).state is JobState.READY
    assert failures(session) == []


def test_complete_by_a_zombie_is_refused_while_another_worker_runs_the_job(session):
    (zombie,) = claim(session, [plant_job(session)], "w1")
    expire_lease(session, zombie.job_id)
    Ledger(session).sweep()
    (heir,) = claim(session, [zombie.job_id], "w2")

    assert not Ledger(session).complete(zombie, seconds=1)
    assert Ledger(session).complete(heir, seconds=2)
    assert row_of(session, zombie.job_id).seconds == 2


def test_complete_of_a_cancelled_job_is_refused(session):
    (job,) = claim(session, [plant_job(session)])
    Backlog(session).cancel([job.asset_id])

    assert not Ledger(session).complete(job, seconds=1)


def test_complete_with_failures_of_parts_makes_the_asset_partial(session):
    (job,) = claim(session, [plant_job(session)])
    torn = make_failure(locator=Page(page=7))
    Ledger(session).complete(job, seconds=1, failures=[torn])

    Ledger(session).settle([job])

    row = session.scalars(select(FailureRow)).one()
    assert (row.message, row.locator) == ("page 7 is torn", {"type": "page", "page": 7})
    assert asset_state_of(session, job) is AssetState.PARTIAL


def test_complete_replaces_the_failures_of_an_earlier_run(session):
    (job,) = claim(session, [plant_job(session)])
    Ledger(session).fail(job, make_failure())
    Backlog(session).retry("t")
    (again,) = claim(session, [job.job_id])

    Ledger(session).complete(again, seconds=1, failures=[make_failure(category="Odd")])

    assert failures(session) == [("Odd", 1)]


# -- fail, retry_later, release --------------------------------------------------------------


def asset_state_of(session, job):
    from infra.tables import AssetRow

    session.expire_all()
    return session.get_one(AssetRow, job.asset_id).state


def test_fail_ends_the_job_and_stores_the_reason(session):
    (job,) = claim(session, [plant_job(session)])

    assert Ledger(session).fail(job, make_failure(), seconds=3)
    Ledger(session).settle([job])

    row = row_of(session, job.job_id)
    assert (row.state, row.error_class, row.seconds) == (JobState.FAILED, "UnreadableMedia", 3)
    assert failures(session) == [("UnreadableMedia", 1)]
    assert asset_state_of(session, job) is AssetState.FAILED
    topics = list(session.scalars(select(OutboxRow.topic)))
    assert topics == [EventType.ASSET_FAILED]


def test_fail_by_a_zombie_is_refused(session):
    (zombie,) = claim(session, [plant_job(session)])
    expire_lease(session, zombie.job_id)
    Ledger(session).sweep()

    assert not Ledger(session).fail(zombie, make_failure())
    assert failures(session) == []


def test_retry_later_rests_longer_after_each_attempt(session):
    (first,) = claim(session, [plant_job(session)])
    Ledger(session).retry_later(first, make_failure(category="Oops"))
    row = row_of(session, first.job_id)
    short = row.not_before - row.started_at
    session.execute(update(JobRow).values(not_before=0.0))
    (second,) = claim(session, [first.job_id])

    assert Ledger(session).retry_later(second, make_failure()) is JobState.READY

    row = row_of(session, first.job_id)
    assert row.not_before - row.started_at == pytest.approx(2 * short, abs=0.5)
    assert row.attempts == 2
    assert failures(session) == []


def test_retry_later_quarantines_after_the_last_attempt(session):
    job_id = plant_job(session)
    use_up(session, job_id, attempts=4)
    (job,) = claim(session, [job_id])

    state = Ledger(session, max_attempts=5).retry_later(job, make_failure(category="Oops"))
    Ledger(session).settle([job])

    assert state is JobState.QUARANTINED
    assert row_of(session, job_id).state is JobState.QUARANTINED
    assert failures(session) == [("Oops", 5)]
    assert asset_state_of(session, job) is AssetState.QUARANTINED


@pytest.mark.parametrize("attempts", [0, 4])
def test_retry_later_by_a_zombie_changes_nothing(session, attempts):
    job_id = plant_job(session)
    use_up(session, job_id, attempts)
    (zombie,) = claim(session, [job_id])
    session.execute(update(JobRow).values(state=JobState.CANCELLED))

    Ledger(session).retry_later(zombie, make_failure())

    assert row_of(session, job_id).state is JobState.CANCELLED
    assert failures(session) == []


def test_release_does_not_burn_an_attempt(session):
    (job,) = claim(session, [plant_job(session)])

    Ledger(session).release([job], pause_s=5)

    row = row_of(session, job.job_id)
    assert (row.state, row.attempts, row.lease_until) == (JobState.READY, 0, None)
    assert row.not_before == pytest.approx(row.started_at + 5, abs=1)


def test_release_however_often_never_quarantines(session):
    job_id = plant_job(session)
    for _ in range(20):
        (job,) = claim(session, [job_id])
        Ledger(session, max_attempts=2).release([job])

    assert row_of(session, job_id).attempts == 0


def test_release_by_a_zombie_does_not_take_the_job_from_its_heir(session):
    (zombie,) = claim(session, [plant_job(session)], "w1")
    expire_lease(session, zombie.job_id)
    Ledger(session).sweep()
    claim(session, [zombie.job_id], "w2")

    Ledger(session).release([zombie])

    row = row_of(session, zombie.job_id)
    assert (row.state, row.worker, row.attempts) == (JobState.RUNNING, "w2", 2)


def test_release_of_nothing_touches_nothing(session):
    (job,) = claim(session, [plant_job(session)])

    Ledger(session).release([])

    assert row_of(session, job.job_id).state is JobState.RUNNING


# -- sweep -----------------------------------------------------------------------------------


def test_sweep_leaves_living_leases_alone(session):
    (job,) = claim(session, [plant_job(session)])

    assert Ledger(session).sweep() == 0
    assert row_of(session, job.job_id).state is JobState.RUNNING


def test_sweep_gives_back_what_a_dead_worker_held_and_counts_the_attempt(session):
    (job,) = claim(session, [plant_job(session)])
    expire_lease(session, job.job_id)

    assert Ledger(session).sweep() == 1

    row = row_of(session, job.job_id)
    assert (row.state, row.attempts, row.error_class) == (JobState.READY, 1, "WorkerLost")
    assert Ledger(session).sweep() == 0


def test_sweep_quarantines_a_job_that_killed_all_its_workers(session):
    job_id = plant_job(session)
    n_claims = 0
    while jobs := claim(session, [job_id]):
        n_claims += 1
        expire_lease(session, job_id)
        Ledger(session, max_attempts=3).sweep()

    row = row_of(session, job_id)
    assert (n_claims, row.state, row.attempts) == (3, JobState.QUARANTINED, 3)
    assert row.finished_at is not None
    assert failures(session) == [("WorkerLost", 3)]
    assert asset_state_of(session, row) is AssetState.QUARANTINED
    assert jobs == []


def test_message_that_arrives_after_it_was_given_up_still_finds_its_job(session):
    job_id = plant_job(session)
    dispatch(session, job_id)
    Backlog(session).give_back_undelivered(-1, {})

    assert len(claim(session, [job_id])) == 1
    assert claim(session, [job_id]) == []


def test_sweep_all_takes_every_lease_of_a_dead_process(session):
    running, sent = plant_job(session), plant_job(session)
    claim(session, [running])
    dispatch(session, sent)

    assert Ledger(session).sweep_all() == 1

    assert row_of(session, running).state is JobState.READY
    assert row_of(session, running).attempts == 1
    assert row_of(session, sent).state is JobState.DISPATCHED


def test_sweep_all_quarantines_what_crashed_the_process_too_often(session):
    job_id = plant_job(session)
    use_up(session, job_id, attempts=4)
    claim(session, [job_id])

    Ledger(session, max_attempts=5).sweep_all()

    assert row_of(session, job_id).state is JobState.QUARANTINED


def test_job_that_ended_is_never_swept(session):
    (job,) = claim(session, [plant_job(session)])
    Ledger(session).complete(job, seconds=1)

    assert Ledger(session).sweep_all() == 0
    assert row_of(session, job.job_id).state is JobState.DONE


def dispatch(session, job_id):
    from uuid import uuid4

    Backlog(session).dispatch([job_id], uuid4())
