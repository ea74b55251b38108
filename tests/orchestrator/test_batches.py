from hypothesis import given
from hypothesis import strategies as st

from orchestrator.batches import form_batch, is_full
from schemas.transitions import batch_share
from tests.factories import make_job

jobs = st.lists(
    st.builds(
        lambda cost, attempts: make_job(cost=cost, attempts=attempts),
        st.floats(0.0, 100.0),
        st.integers(0, 4),
    ),
    max_size=30,
)
budgets = st.floats(0.1, 200.0)


def costs(batch):
    return [job.cost for job in batch]


@given(jobs, budgets)
def test_first_in_line_always_goes(ready, budget):
    assert form_batch(ready, budget)[:1] == ready[:1]


@given(jobs, budgets)
def test_budget_is_respected_but_for_a_job_that_alone_exceeds_it(ready, budget):
    batch = form_batch(ready, budget)

    share = batch_share(batch[0].attempts) if batch else 1.0
    assert len(batch) <= 1 or sum(costs(batch)) <= budget * share + 1e-6


@given(jobs, budgets)
def test_jobs_with_and_without_crashes_never_travel_together(ready, budget):
    batch = form_batch(ready, budget)

    assert len({batch_share(job.attempts) for job in batch}) <= 1


@given(jobs, budgets)
def test_jobs_with_two_crashes_travel_alone(ready, budget):
    batch = form_batch(ready, budget)

    assert len(batch) <= 1 or batch[0].attempts < 2


@given(jobs, budgets)
def test_no_job_goes_twice_and_none_is_made_up(ready, budget):
    ids = [job.job_id for job in form_batch(ready, budget)]

    assert len(set(ids)) == len(ids)
    assert set(ids) <= {job.job_id for job in ready}


@given(jobs, budgets)
def test_nothing_of_its_kind_would_still_fit_if_the_batch_is_full(ready, budget):
    batch = form_batch(ready, budget)
    if not batch or not is_full(batch, budget):
        return

    mean = sum(costs(batch)) / len(batch)
    assert sum(costs(batch)) + mean > budget * batch_share(batch[0].attempts)


def test_batch_of_nothing_is_nothing():
    assert form_batch([], 10.0) == []


def test_batch_takes_what_is_most_like_the_first():
    ready = [make_job(cost=cost) for cost in (10, 1, 9, 30, 11, 2)]

    assert costs(form_batch(ready, 31.0)) == [10, 9, 11]


def test_batch_of_equals_keeps_their_order():
    ready = [make_job(cost=1, part=part) for part in range(5)]

    assert [job.part for job in form_batch(ready, 3.0)] == [0, 1, 2]


def test_batch_after_one_crash_is_a_quarter():
    ready = [make_job(cost=1, attempts=1) for _ in range(20)]

    assert len(form_batch(ready, 16.0)) == 4


def test_batch_is_full_when_one_more_would_not_fit():
    batch = [make_job(cost=4), make_job(cost=4)]

    assert is_full(batch, 11.9)
    assert not is_full(batch, 12.0)


def test_job_that_must_travel_alone_is_a_full_batch():
    assert is_full([make_job(cost=1, attempts=2)], 100.0)
