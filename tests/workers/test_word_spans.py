from hypothesis import given
from hypothesis import strategies as st

from schemas.segment import Segment, TimeSpan
from workers.word_spans import cut_speech, timed_words


def speech(words, text=None):
    """A segment of (word, start_s, end_s)."""
    return Segment(
        ordinal=0,
        role="speech",
        text=text or " ".join(word for word, *_ in words),
        locator=TimeSpan(start_s=words[0][1] if words else 0, end_s=words[-1][2] if words else 90),
        extra={"avg_logprob": -0.2, "words": [list(word) for word in words]},
    )


def cut(segment):
    return list(cut_speech(segment, max_span_s=10.0, max_gap_s=3.0))


def spans(pieces):
    return [(p.text, p.locator.start_s, p.locator.end_s) for p in pieces]


def test_short_speech_stays_as_it_is():
    segment = speech([("so", 1.0, 1.5), ("it", 2.0, 2.5)])

    assert cut(segment) == [segment]


def test_speech_without_words_stays_whole():
    segment = Segment(
        ordinal=0, text="a long talk", locator=TimeSpan(start_s=0, end_s=90), role="speech"
    )

    assert cut(segment) == [segment]
    assert timed_words(segment) == []


def test_speech_whose_words_are_not_its_text_stays_whole():
    segment = speech([("so", 0.0, 1.0), ("there", 20.0, 21.0)], text="so here")

    assert cut(segment) == [segment]


def test_long_speech_is_cut_between_words():
    pieces = cut(speech([(f"w{i}", i * 2.0, i * 2.0 + 1.5) for i in range(8)]))

    assert spans(pieces) == [("w0 w1 w2 w3 w4", 0.0, 9.5), ("w5 w6 w7", 10.0, 15.5)]
    assert [len(timed_words(piece)) for piece in pieces] == [5, 3]
    assert pieces[0].extra["avg_logprob"] == -0.2


def test_long_speech_is_cut_behind_a_sentence():
    words = [("One", 0, 2), ("two.", 2, 6), ("Three", 6, 8), ("four", 8, 11), ("five.", 11, 12)]

    assert spans(cut(speech(words))) == [("One two.", 0, 6), ("Three four five.", 6, 12)]


def test_a_sentence_that_ends_at_once_is_no_place_to_cut():
    words = [("Yes.", 0, 1), ("Two", 1, 6), ("three", 6, 9), ("four", 9, 12)]

    assert spans(cut(speech(words))) == [("Yes. Two three", 0, 9), ("four", 9, 12)]


def test_speech_is_cut_at_long_silence():
    words = [("before", 0.0, 1.0), ("after", 4.5, 5.0)]

    assert spans(cut(speech(words))) == [("before", 0.0, 1.0), ("after", 4.5, 5.0)]


def test_speech_without_spaces_keeps_its_spelling():
    words = [("你", 0, 4), ("好", 4, 8), ("吗", 8, 12)]

    assert spans(cut(speech(words, text="你好吗"))) == [("你好", 0, 8), ("吗", 8, 12)]


def test_words_that_come_twice_are_found_in_turn():
    words = [("no", 0, 1), ("no", 5, 6), ("no", 6, 7)]

    assert spans(cut(speech(words, text="no, no no"))) == [("no,", 0, 1), ("no no", 5, 7)]


@given(st.lists(st.tuples(st.floats(0, 6), st.floats(0.05, 4)), min_size=1, max_size=40))
def test_cutting_loses_no_word_and_keeps_pieces_short(steps):
    words, now = [], 0.0
    for number, (pause_s, length_s) in enumerate(steps):
        words.append((f"w{number}.", now + pause_s, now + pause_s + length_s))
        now += pause_s + length_s
    pieces = cut(speech(words))

    assert [tuple(word) for piece in pieces for word in timed_words(piece)] == words
    assert " ".join(piece.text for piece in pieces) == " ".join(word for word, *_ in words)
    for piece in pieces:
        assert piece.locator.end_s - piece.locator.start_s <= 10.0 + 1e-9
