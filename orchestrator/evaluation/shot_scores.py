"""How well shot boundaries were found. Pure functions."""

from collections.abc import Sequence

from orchestrator.evaluation.outcomes import Outcome
from orchestrator.evaluation.scores import Score, Scores
from orchestrator.evaluation.truths import Case

#: A boundary found within this long of a true one is that one.
TOLERANCE_S = 0.5


def score_shots(case: Case, outcome: Outcome) -> Scores:
    """Precision, recall and F1 of the cuts between shots."""
    wanted = expected_cuts_s(case)
    if wanted is None:
        return {}
    found = outcome.cuts_s
    n_hits = n_matches(wanted, found)
    return {
        "shot_precision": Score(n_hits, len(found)),
        "shot_recall": Score(n_hits, len(wanted)),
        "shot_f1": Score(2 * n_hits, len(wanted) + len(found)),
    }


def expected_cuts_s(case: Case) -> list[float] | None:
    """Times of the true cuts; None where they are unknown."""
    truth = case.truth
    if truth.cuts_s is not None:
        return list(truth.cuts_s)
    frames = truth.cuts_frames
    if frames is None:
        frames = truth.cuts_frames_0based
    if frames is None:
        frames = truth.shots.get("cuts_frames")
    if frames is None:
        return None
    times = [case.frame_s(frame) for frame in frames]
    known = [time_s for time_s in times if time_s is not None]
    return known if len(known) == len(times) else None


def n_matches(wanted: Sequence[float], found: Sequence[float]) -> int:
    """Most pairs of a true and a found cut within the tolerance, each in one pair at most.

    On a line the earliest fit is never worse than a later one, so taking it is enough.
    """
    left = sorted(found)
    n_hits = 0
    for time_s in sorted(wanted):
        while left and left[0] < time_s - TOLERANCE_S:
            left.pop(0)
        if left and left[0] <= time_s + TOLERANCE_S:
            left.pop(0)
            n_hits += 1
    return n_hits
