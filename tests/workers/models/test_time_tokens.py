import pytest

from workers.models.roles import Word
from workers.models.time_tokens import TokenSpan, rest_s, split_at_times

FIRST = 100


def times(*seconds):
    return [FIRST + round(second / 0.02) for second in seconds]


def split(ids, duration_s=30.0):
    spans = split_at_times(ids, FIRST, duration_s)
    return [(span.start_s, span.end_s, span.tokens) for span in spans]


def test_split_pairs_starts_and_ends():
    ids = [*times(0.5), 7, 8, *times(2.0, 2.5), 9, *times(3.0)]

    assert split(ids) == [(0.5, 2.0, [7, 8]), (2.5, 3.0, [9])]


def test_split_tells_where_the_tokens_are():
    ids = [*times(0.5), 7, 8, *times(2.0, 2.5), 9]

    assert [(span.first, span.stop) for span in split_at_times(ids, FIRST, 3.0)] == [(1, 3), (5, 6)]


def test_split_lets_the_window_end_what_nothing_closes():
    assert split([*times(1.0), 7], 4.0) == [(1.0, 4.0, [7])]


def test_split_takes_text_without_times_whole():
    assert split([7, 8]) == [(0.0, 30.0, [7, 8])]
    assert split([]) == []
    assert split(times(0.0, 1.0)) == []


def test_split_keeps_times_within_the_window():
    assert split([*times(1.0), 7, *times(9.0, 9.0), 8], 4.0) == [(1.0, 4.0, [7]), (4.0, 4.0, [8])]


def test_rest_begins_where_the_model_left_an_utterance_open():
    assert rest_s([*times(0.0), 7, *times(12.0, 12.0)], FIRST, 30.0) == 12.0
    assert rest_s([*times(0.0), 7, *times(12.0, 13.0)], FIRST, 30.0) == 12.0


@pytest.mark.parametrize(
    "ids",
    [
        [],
        [7],
        [*times(0.0), 7, *times(12.0)],
        [*times(0.0), 7, *times(12.0, 12.0), 8],
        [*times(0.0), 7, *times(29.5, 29.5)],  # an instant is left
        [*times(0.0), 7, *times(0.5, 0.5)],  # hardly begun: the next pass would end as early
    ],
)
def test_rest_is_none_where_the_window_is_done(ids):
    assert rest_s(ids, FIRST, 30.0) is None


def test_span_holds_words_within_itself():
    span = TokenSpan(1.0, 2.0, [], 0)

    assert span.holding(Word("a", 0.5, 1.5)) == Word("a", 1.0, 1.5)
    assert span.holding(Word("b", 1.8, 2.5)) == Word("b", 1.8, 2.0)
    assert span.holding(Word("c", 3.0, 4.0)) == Word("c", 2.0, 2.0)
