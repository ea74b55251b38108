import math

import pytest

from orchestrator.evaluation.caption_scores import (
    cider_d,
    pairs_of,
    rarities,
    score_captions,
    score_grounding,
)
from tests.orchestrator.evaluation.factories import caption, make_case, make_outcome

REFERENCES = {
    "a": ["a red circle above a blue square"],
    "b": ["a green triangle left of a pink heart"],
    "c": ["a white cat on a chair"],
}


def test_the_reference_itself_gets_ten():
    rarity = rarities(REFERENCES)

    assert cider_d("A red circle, above a blue square.", REFERENCES["a"], rarity) == pytest.approx(
        10
    )


def test_cider_by_hand():
    """Two pictures, one word each: unigrams only, so a quarter of the cosine of n = 1."""
    rarity = rarities({"a": ["cat"], "b": ["dog"]})

    assert rarity[("cat",)] == pytest.approx(math.log(2))
    assert cider_d("cat", ["cat"], rarity) == pytest.approx(10 / 4)
    # Clipped: the second `cat` is no second hit; and one word more costs exp(-1 / 72).
    assert cider_d("cat cat", ["cat"], rarity) == pytest.approx(10 / 4 * 0.5 * math.exp(-1 / 72))


def test_words_that_all_captions_share_weigh_nothing():
    rarity = rarities(REFERENCES)

    assert rarity[("a",)] == 0.0
    assert cider_d("a", REFERENCES["a"], rarity) == 0.0
    assert cider_d("", REFERENCES["a"], rarity) == 0.0
    assert cider_d("yellow star", REFERENCES["a"], rarity) == 0.0


def test_one_picture_alone_still_has_weights():
    assert cider_d("a cat", ["a cat"], rarities({"a": ["a cat"]})) > 0


def test_exact_leaves_case_and_punctuation_out():
    case, outcome = (
        make_case(captions=["x", "A cat."]),
        make_outcome("image", segments=[caption("a cat")]),
    )

    scores = score_captions(pairs_of(case, outcome), rarities(REFERENCES))

    assert scores["caption_exact"].value == 1.0


def test_no_caption_is_a_wrong_one_and_no_truth_is_none():
    assert pairs_of(make_case(captions=["a"]), make_outcome("image")) == [("", ("a",))]
    assert score_captions(pairs_of(make_case(), make_outcome("image")), {}) == {}


def test_each_described_shot_has_its_own_caption():
    case = make_case(
        shots_described=[
            {"start_s": 0.0, "end_s": 4.0, "caption": "cat"},
            {"start_s": 4.0, "end_s": 9.0, "caption": "dog"},
            {"start_s": 20.0, "end_s": 21.0, "caption": "cow"},
            {"caption": "somewhere"},
        ]
    )
    outcome = make_outcome(
        "video", segments=[caption("a cat", 0.0, 4.5), caption("a dog", 4.5, 9.0)]
    )

    assert [said for said, _ in pairs_of(case, outcome)] == ["a cat", "a dog", "", ""]


def test_clip_is_judged_by_its_longest_shot():
    outcome = make_outcome(
        "video", segments=[caption("short", 0.0, 1.0), caption("long", 1.0, 9.0)]
    )

    assert pairs_of(make_case(captions=["x"]), outcome)[0][0] == "long"


def test_grounding_is_shown_where_captions_carry_it():
    outcome = make_outcome(
        "image", segments=[caption("a", grounding=0.5), caption("b", grounding=1.0)]
    )

    assert score_grounding(outcome)["caption_grounding"].value == 0.75
    assert score_grounding(make_outcome("image", segments=[caption("a")])) == {}
