import pytest

from orchestrator.evaluation.shot_scores import expected_cuts_s, n_matches, score_shots
from tests.orchestrator.evaluation.factories import make_case, make_outcome


def shots(*cuts_s: float):
    starts = [0.0, *cuts_s]
    extra = {"shots": [{"start_s": s, "end_s": s + 1} for s in starts]}
    return make_outcome("video", extra=extra)


@pytest.mark.parametrize(
    ("wanted", "found", "n"),
    [
        ([4.0, 8.0], [4.4, 8.6], 1),
        ([4.0], [3.9, 4.1], 1),
        ([4.0, 4.6], [4.3, 5.0], 2),
        ([4.0, 4.2], [4.1], 1),
        ([], [1.0], 0),
        ([1.0], [], 0),
    ],
)
def test_cuts_are_matched_one_to_one_within_half_a_second(wanted, found, n):
    assert n_matches(wanted, found) == n


def test_scores_of_a_clip():
    scores = score_shots(make_case(cuts_s=[4.0, 8.0]), shots(4.1, 6.0, 8.0))

    assert scores["shot_precision"].value == pytest.approx(2 / 3)
    assert scores["shot_recall"].value == 1.0
    assert scores["shot_f1"].value == pytest.approx(0.8)


def test_still_clip_without_cuts_says_nothing_unless_a_cut_was_found():
    assert score_shots(make_case(cuts_s=[]), shots())["shot_f1"].value is None
    assert score_shots(make_case(cuts_s=[]), shots(2.0))["shot_f1"].value == 0.0
    assert score_shots(make_case(cuts_s=[2.0]), make_outcome(facts=None))["shot_f1"].value == 0.0


def test_frames_become_seconds():
    facts = {"frame_interval_s": {"max": 0.1}}

    assert expected_cuts_s(make_case(cuts_frames=[10], facts=facts)) == [1.0]
    assert expected_cuts_s(make_case(cuts_frames_0based=[20], facts=facts)) == [2.0]
    assert expected_cuts_s(make_case(shots={"cuts_frames": []})) == []
    assert expected_cuts_s(make_case(cuts_frames=[10])) is None
    assert expected_cuts_s(make_case()) is None
    assert score_shots(make_case(), shots(1.0)) == {}
