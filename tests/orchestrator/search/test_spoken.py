import pytest

from orchestrator.search.spoken import said_words
from schemas.search import SaidWord
from schemas.segment import Segment


def speech(*words):
    timed = [[word, float(i), i + 0.5] for i, word in enumerate(words)]
    return Segment(ordinal=0, text=" ".join(words), extra={"words": timed})


def said(segment, asked):
    return [(word.word, word.start_s) for word in said_words(segment, asked)]


def test_said_words_tell_the_second_of_a_word():
    segment = speech("A", "red", "circle,", "above", "a", "Blue", "square.")

    assert said_words(segment, "circle") == (SaidWord(word="circle,", start_s=2.0, end_s=2.5),)
    assert said(segment, "what is BLUE") == [("Blue", 5.0)]


def test_said_words_come_as_often_as_they_are_said():
    assert said(speech("red", "on", "red"), "red") == [("red", 0.0), ("red", 2.0)]


def test_said_words_leave_out_words_that_are_everywhere():
    assert said(speech("a", "is", "of"), "a word of it is") == []


@pytest.mark.parametrize(
    ("word", "asked", "is_found"),
    [
        ("circles", "circle", True),
        ("circle", "circles", True),
        ("reading", "read", True),
        ("red", "reds", False),  # too short to tell an ending
        ("bread", "read", False),
        ("square", "squadron", False),
    ],
)
def test_said_words_may_have_another_ending(word, asked, is_found):
    assert bool(said(speech(word), asked)) is is_found


def test_said_words_of_scripts_without_spaces_are_characters():
    assert said(speech("你", "好", "吗"), "好") == [("好", 1.0)]


def test_said_words_of_what_is_not_speech_are_none():
    assert said_words(Segment(ordinal=0, text="red"), "red") == ()
    assert said_words(speech("red"), None) == ()
