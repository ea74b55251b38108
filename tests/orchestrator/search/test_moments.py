from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.search.moments import GAP_S, Moment, group, hit, order
from schemas.search import SaidWord
from schemas.segment import Box, Page, Region, TimeSpan
from tests.orchestrator.search.factories import make_match, make_models

VISUAL, DENSE, BM25 = ("visual", "dense"), ("text", "dense"), ("text", "bm25")


def span(start_s, end_s):
    return TimeSpan(start_s=start_s, end_s=end_s)


def spans(moments):
    return sorted(moment.span for moment in moments)


def test_group_merges_what_was_seen_and_said_at_one_time():
    seen = make_match(locator=span(10, 15), visual=0.3)
    said = make_match(locator=span(12, 18), text=0.5)

    assert spans(group([seen, said])) == [(10, 18)]


def test_group_merges_across_a_short_gap_only():
    near = [make_match(locator=span(0, 5), visual=0.3), make_match(locator=span(7, 9), visual=0.3)]
    far = make_match(locator=span(11.5, 12), visual=0.3)

    assert spans(group([*near, far])) == [(0, 9), (11.5, 12)]


def test_group_joins_two_moments_when_a_third_bridges_them():
    first = make_match(locator=span(0, 5), visual=0.33)
    last = make_match(locator=span(10, 15), visual=0.32)
    bridge = make_match(locator=span(5, 10), visual=0.31)

    assert spans(group([first, last, bridge])) == [(0, 15)]


def test_group_leaves_out_neighbours_that_match_much_worse():
    """A talk without pauses is not one moment from beginning to end."""
    passages = [make_match(locator=span(10 * i, 10 * i + 10), text=0.3) for i in range(6)]
    answer = make_match(locator=span(60, 70), text=0.7)

    assert (60, 70) in spans(group([*passages, answer]))


def test_group_leaves_out_weak_matches_of_another_sense():
    said = make_match(locator=span(10, 20), text=0.7)
    seen_elsewhere = make_match(locator=span(90, 95), visual=0.3)
    hardly_seen = make_match(locator=span(18, 40), visual=0.1)

    assert (10, 20) in spans(group([said, seen_elsewhere, hardly_seen]))


def test_group_takes_a_neighbour_that_is_as_good_in_one_of_two_lists():
    first = make_match(locator=span(0, 5), text=0.6, bm25=4.0)
    second = make_match(locator=span(5, 9), text=0.3, bm25=4.0)

    assert spans(group([first, second])) == [(0, 9)]


def test_group_merges_a_page_and_keeps_pages_apart():
    matches = [
        make_match(locator=Page(page=1), text=0.9),
        make_match(locator=Region(box=Box(0, 0, 1, 1), within=Page(page=1)), bm25=1.0),
        make_match(locator=Page(page=1), visual=0.1),
        make_match(locator=Page(page=2), text=0.9),
    ]

    assert sorted(len(moment.matches) for moment in group(matches)) == [1, 3]


def test_group_merges_a_picture_whatever_the_regions():
    whole = make_match(visual=0.3)
    line = make_match(locator=Region(box=Box(0, 0, 0.5, 0.5)), text=0.6)

    assert len(group([whole, line])) == 1


def test_group_keeps_assets_apart():
    assert len(group([make_match("a", visual=0.3), make_match("b", visual=0.3)])) == 2


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), max_size=12))
def test_group_of_equal_matches_leaves_gaps_between_moments(times):
    matches = [make_match(locator=span(t, t + length), visual=0.5) for t, length in times]

    found = spans(group(matches))

    assert all(b[0] - a[1] > GAP_S for a, b in pairwise(found))


@given(
    st.lists(
        st.tuples(st.floats(0, 50), st.floats(0, 10), st.floats(0.1, 1), st.booleans()),
        max_size=12,
    )
)
def test_group_neither_loses_nor_repeats_a_match(entries):
    matches = [
        make_match(locator=span(t, t + length), **({"visual": score} if seen else {"text": score}))
        for t, length, score, seen in entries
    ]

    members = [match for moment in group(matches) for match in moment.matches]

    assert sorted(map(id, members)) == sorted(map(id, matches))


def test_order_ranks_moments_not_segments():
    """A hundred alike frames take one rank of their list."""
    frames = [make_match("long", span(i, i + 1), visual=0.9) for i in range(100)]
    picture = make_match("picture", visual=0.8)
    moments = group([*frames, picture])

    (_, first), (_, second) = order(moments, {VISUAL: 1.0})

    assert (first, second) == (1 / 61, 1 / 62)


def test_order_sums_the_best_of_each_list():
    both = Moment.of([make_match("a", visual=0.2), make_match("a", text=0.5)])
    seen = Moment.of([make_match("b", visual=0.9)])
    said = Moment.of([make_match("c", text=0.9)])

    ranked = order([seen, said, both], {VISUAL: 1.0, DENSE: 1.0})

    assert ranked[0] == (both, pytest.approx(2 / 62))


def test_hit_tells_when_and_why():
    said = make_match(locator=span(12, 18), text=0.5, source="transcribe")
    seen = make_match(locator=span(10, 15), visual=0.3)
    (moment,) = group([seen, said])

    found = hit(moment, 0.03, make_models("embed_visual"))

    assert (found.start_s, found.end_s, found.score) == (10, 18, 0.03)
    assert [(e.space, e.stage, e.model, e.score) for e in found.evidence] == [
        ("text", "transcribe", "transcribe-model", 0.5),
        ("visual", "embed_visual", "embed_visual-model (random weights)", 0.3),
    ]


def test_hit_tells_the_second_of_a_word_that_was_asked_for():
    said = make_match(locator=span(12, 18), text=0.5, source="transcribe")
    said.found.segment.extra["words"] = [["a", 12.0, 12.5], ["Circle.", 12.5, 13.0]]

    found = hit(Moment.of([said]), 1.0, make_models(), "the circle")

    assert found.evidence[0].said == (SaidWord(word="Circle.", start_s=12.5, end_s=13.0),)


def test_hit_shows_text_and_box_of_the_best_match_that_has_text():
    box = Box(0.1, 0.2, 0.3, 0.4)
    words = {"words": "Invoice 1042", "source": "ocr"}
    line = make_match(locator=Region(box=box, within=Page(page=3)), bm25=4.0, **words)
    worse = make_match(locator=Page(page=3), bm25=1.0, words="Total", source="ocr")
    look = make_match(locator=Page(page=3), visual=0.2)

    found = hit(Moment.of([look, line, worse]), 1.0, make_models())

    assert (found.page, found.box, found.text) == (3, box, "Invoice 1042")


def test_hit_without_text_shows_the_box_that_matched():
    box = Box(0.1, 0.2, 0.3, 0.4)

    found = hit(Moment.of([make_match(locator=Region(box=box), visual=0.2)]), 1.0, make_models())

    assert (found.box, found.text, found.start_s) == (box, None, None)


def test_hit_of_a_text_layer_names_the_model_that_made_it_findable():
    found = hit(Moment.of([make_match(text=0.5, source="prepare")]), 1.0, make_models())

    assert (found.evidence[0].stage, found.evidence[0].model) == ("prepare", "embed_text-model")


def test_hit_gives_one_evidence_per_space_and_stage():
    matches = [make_match(text=score, source="ocr") for score in (0.6, 0.5)]

    found = hit(Moment.of(matches), 1.0, make_models())

    assert [evidence.score for evidence in found.evidence] == [0.6]


def test_evidence_shows_the_cosine_before_bm25():
    both = make_match(bm25=7.0, text=0.4, source="ocr")
    words = make_match(bm25=6.0, source="caption")

    found = hit(Moment.of([both, words]), 1.0, make_models())

    assert [evidence.score for evidence in found.evidence] == [0.4, 6.0]
