"""The state machine's rules, as pure functions; `infra/ledger.py` applies them in SQL."""

from collections.abc import Mapping

from schemas.asset import AssetState
from schemas.events import EventType
from schemas.job import TERMINAL_JOB_STATES, JobState

#: Wait before attempt 2, 3, ...: doubled each time, bounded.
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 300.0

#: What consumers are told when an asset comes to rest.
EVENT_OF_STATE = {
    AssetState.READY: EventType.ASSET_READY,
    AssetState.PARTIAL: EventType.ASSET_PARTIAL,
    AssetState.FAILED: EventType.ASSET_FAILED,
    AssetState.QUARANTINED: EventType.ASSET_FAILED,
    AssetState.DELETED: EventType.ASSET_DELETED,
}


def backoff_s(attempts: int) -> float:
    """Seconds before a job that has used `attempts` attempts may be tried again."""
    return min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2.0 ** (attempts - 1))


def state_after_defect(attempts: int, max_attempts: int) -> JobState:
    """A crash or an unknown error: again, until the attempts are used up."""
    return JobState.QUARANTINED if attempts >= max_attempts else JobState.READY


def state_after_parents(parents: Mapping[JobState, int]) -> JobState:
    """What a waiting job becomes, given how many of its parents are in each state.

    It runs as soon as all have ended and at least one has something to read.
    """
    if any(n and state not in TERMINAL_JOB_STATES for state, n in parents.items()):
        return JobState.WAITING
    return JobState.READY if parents.get(JobState.DONE) else JobState.CANCELLED


def asset_state(jobs: Mapping[JobState, int], *, prepare: JobState, n_failures: int) -> AssetState:
    """State of an asset from how many of its jobs are in each state.

    Args:
        jobs: number of jobs by state, `prepare` included.
        prepare: state of the `prepare` job: without it there is nothing else.
        n_failures: failures recorded of parts (a page, a time span) of jobs that are done.
    """
    if any(n and state not in TERMINAL_JOB_STATES for state, n in jobs.items()):
        return AssetState.PROCESSING
    if prepare is JobState.QUARANTINED:
        return AssetState.QUARANTINED
    if prepare is not JobState.DONE:
        return AssetState.FAILED
    broken = sum(n for state, n in jobs.items() if state is not JobState.DONE)
    return AssetState.PARTIAL if broken or n_failures else AssetState.READY


def batch_share(attempts: int) -> float:
    """Share of a full batch that jobs with this many attempts behind them may fill.

    After one crash a quarter, then alone: the innocent finish, the poisonous one is found.
    """
    return {0: 1.0, 1: 0.25}.get(attempts, 0.0)
