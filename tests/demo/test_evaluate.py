import numpy as np
import pytest

from demo.evaluate import _grounded, _n_edits, _overlap
from schemas.stages import Background, ModelRef


@pytest.mark.parametrize(
    ("wanted", "heard", "n_edits"),
    [
        ("a red circle", "a red circle", 0),
        ("a red circle", "a blue circle", 1),
        ("a red circle", "a circle", 1),
        ("a red circle", "now a red circle", 1),
        ("a red circle", "", 3),
    ],
)
def test_edits_count_words(wanted, heard, n_edits):
    assert _n_edits(wanted.split(), heard.split()) == n_edits


def test_overlap_is_intersection_over_union():
    assert _overlap((0, 0.0, 4.0), (0, 2.0, 6.0)) == pytest.approx(1 / 3)


def test_moments_of_different_clips_do_not_overlap():
    assert _overlap((0, 0.0, 4.0), (1, 0.0, 4.0)) == 0.0


def test_moments_one_after_the_other_do_not_overlap():
    assert _overlap((0, 0.0, 1.0), (0, 2.0, 3.0)) == 0.0


def test_grounded_are_the_pairs_that_stand_out_of_the_background():
    ref = ModelRef(
        source="x", revision="1", family="siglip", background=Background(mean=0.1, std=0.1)
    )

    assert _grounded(np.array([0.1, 0.2, 0.3, 0.9]), ref) == 0.5
