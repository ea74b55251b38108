"""Which jobs travel together: a pure function."""

from collections.abc import Sequence

from schemas.job import Job
from schemas.transitions import batch_share


def form_batch(ready: Sequence[Job], budget: float) -> list[Job]:
    """Pick one batch around the job that is first in line.

    The first job always goes, so nobody starves; the rest are those of the same attempt class
    whose cost is nearest to its own (little padding), as many as the budget holds.

    Args:
        ready: jobs of one stage and version, in the order they should be served.
        budget: cost of a full batch, in the stage's unit.
    """
    if not ready:
        return []
    first = ready[0]
    budget *= batch_share(first.attempts)
    if not budget:
        return [first]
    alike = [job for job in ready[1:] if _attempt_class(job) == _attempt_class(first)]
    alike.sort(key=lambda job: abs(job.cost - first.cost))
    batch, cost = [first], first.cost
    for job in alike:
        if cost + job.cost > budget:
            break
        batch.append(job)
        cost += job.cost
    return batch


def is_full(batch: Sequence[Job], budget: float) -> bool:
    """Whether waiting for more jobs would not make the batch better."""
    share = batch_share(batch[0].attempts)
    cost = sum(job.cost for job in batch)
    # One more job of the mean cost would not fit.
    return cost + cost / len(batch) > budget * share


def _attempt_class(job: Job) -> float:
    return batch_share(job.attempts)
