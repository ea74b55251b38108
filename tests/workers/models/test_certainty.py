import pytest

from workers.models.certainty import compression_ratio, is_loop, is_worth_another_try, judge


@pytest.mark.parametrize(
    ("avg_logprob", "no_speech_prob", "doubts"),
    [
        (-0.9, 0.1, ()),
        (-0.9, 0.99, ()),
        (-1.1, 0.59, ("unsure",)),
        (-1.1, 0.61, ("no_speech",)),
    ],
)
def test_judge_doubts_guesses_and_says_which_are_of_silence(avg_logprob, no_speech_prob, doubts):
    certainty = judge("hello there", avg_logprob, no_speech_prob=no_speech_prob)

    assert certainty.doubts == doubts
    assert (certainty.avg_logprob, certainty.no_speech_prob) == (avg_logprob, no_speech_prob)


def test_judge_doubts_what_compresses_too_well():
    certainty = judge("thank you for watching this video " * 9, -0.2, temperature=0.4)

    assert certainty.doubts == ("repetition",)
    assert certainty.compression_ratio > 2.4
    assert certainty.temperature == 0.4


def test_judge_tells_every_doubt():
    assert judge("ha ha ha ha ha ha ha ha ha", -2.0).doubts == ("repetition", "unsure")


@pytest.mark.parametrize(
    "text",
    [
        "Thank you. thank you. Thank you.\nThank you.",
        "so I said bye bye bye bye bye bye bye bye to him",
        "謝謝觀看謝謝觀看謝謝觀看謝謝觀看",
        "................",
    ],
)
def test_is_loop_finds_short_loops_in_any_script(text):
    assert is_loop(text)
    assert compression_ratio(text) < 2.4


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no no no, not that one",
        "a red circle above a blue square. a red circle above a green square.",
        "I have a dream that one day. I have a dream today. I have a dream.",
        "row row row your boat gently down the stream",
        "one million is 1000000, and that is 1000 times 1000",
    ],
)
def test_is_loop_lets_people_repeat_themselves(text):
    assert not is_loop(text)


@pytest.mark.parametrize(
    ("certainty", "expected"),
    [
        (judge("fine", -0.1), False),
        (judge("perhaps", -1.5), True),
        (judge("la la la " * 9, -0.1), True),
        (judge("silence", -1.5, no_speech_prob=0.9), False),
    ],
)
def test_is_worth_another_try_unless_nobody_speaks(certainty, expected):
    assert is_worth_another_try(certainty) is expected


def test_compression_ratio_of_nothing_is_zero():
    assert compression_ratio("") == 0.0
