import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.asset import TERMINAL_ASSET_STATES, AssetState
from schemas.job import TERMINAL_JOB_STATES, JobState
from schemas.transitions import (
    BACKOFF_MAX_S,
    EVENT_OF_STATE,
    asset_state,
    backoff_s,
    batch_share,
    state_after_defect,
    state_after_parents,
)

DONE, FAILED, CANCELLED = JobState.DONE, JobState.FAILED, JobState.CANCELLED
QUARANTINED, RUNNING, WAITING = JobState.QUARANTINED, JobState.RUNNING, JobState.WAITING

counts = st.dictionaries(st.sampled_from(JobState), st.integers(0, 3))


def test_backoff_doubles_up_to_a_bound():
    assert [backoff_s(n) for n in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 8.0]
    assert backoff_s(50) == BACKOFF_MAX_S


@given(st.integers(1, 100))
def test_backoff_is_bounded_whatever_the_attempts(attempts):
    assert 1.0 <= backoff_s(attempts) <= BACKOFF_MAX_S


@pytest.mark.parametrize(
    ("attempts", "state"), [(1, JobState.READY), (4, JobState.READY), (5, QUARANTINED)]
)
def test_defect_is_tried_again_until_the_attempts_are_used_up(attempts, state):
    assert state_after_defect(attempts, max_attempts=5) is state


@pytest.mark.parametrize(
    ("parents", "state"),
    [
        ({DONE: 2}, JobState.READY),
        ({DONE: 1, RUNNING: 1}, WAITING),
        ({DONE: 1, FAILED: 1}, JobState.READY),
        ({FAILED: 1, QUARANTINED: 1}, CANCELLED),
        ({FAILED: 1, WAITING: 1}, WAITING),
        ({RUNNING: 0, DONE: 1}, JobState.READY),
        ({CANCELLED: 1}, CANCELLED),
    ],
)
def test_child_runs_when_all_parents_ended_and_one_has_text(parents, state):
    assert state_after_parents(parents) is state


@pytest.mark.parametrize(
    ("jobs", "prepare", "n_failures", "state"),
    [
        ({DONE: 3}, DONE, 0, AssetState.READY),
        ({DONE: 3}, DONE, 1, AssetState.PARTIAL),
        ({DONE: 3, FAILED: 1}, DONE, 1, AssetState.PARTIAL),
        ({DONE: 3, QUARANTINED: 1}, DONE, 1, AssetState.PARTIAL),
        ({DONE: 3, CANCELLED: 1}, DONE, 0, AssetState.PARTIAL),
        ({DONE: 3, RUNNING: 1}, DONE, 0, AssetState.PROCESSING),
        ({DONE: 1, FAILED: 1, WAITING: 1}, DONE, 1, AssetState.PROCESSING),
        ({FAILED: 1}, FAILED, 1, AssetState.FAILED),
        ({QUARANTINED: 1}, QUARANTINED, 1, AssetState.QUARANTINED),
        ({CANCELLED: 1}, CANCELLED, 0, AssetState.FAILED),
        ({DONE: 1}, DONE, 0, AssetState.READY),
    ],
)
def test_asset_state_follows_from_its_jobs(jobs, prepare, n_failures, state):
    assert asset_state(jobs, prepare=prepare, n_failures=n_failures) is state


@given(counts, st.sampled_from(JobState), st.integers(0, 2))
def test_asset_is_ready_only_if_every_job_is_done(jobs, prepare, n_failures):
    state = asset_state(jobs, prepare=prepare, n_failures=n_failures)

    if state is AssetState.READY:
        assert {job for job, n in jobs.items() if n} <= {DONE}
        assert n_failures == 0


@given(counts, st.sampled_from(sorted(TERMINAL_JOB_STATES)))
def test_asset_rests_exactly_when_its_jobs_do(jobs, prepare):
    state = asset_state(jobs, prepare=prepare, n_failures=0)

    jobs_rest = not any(n for job, n in jobs.items() if job not in TERMINAL_JOB_STATES)
    assert (state in TERMINAL_ASSET_STATES) == jobs_rest


def test_every_state_at_rest_is_told():
    assert set(EVENT_OF_STATE) == TERMINAL_ASSET_STATES


def test_jobs_with_crashes_behind_them_travel_in_smaller_company():
    assert [batch_share(n) for n in (0, 1, 2, 9)] == [1.0, 0.25, 0.0, 0.0]
