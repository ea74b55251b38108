import pytest

from orchestrator.evaluation.speech_scores import expected_wordings, normalise, score_speech
from orchestrator.evaluation.truths import Truth
from tests.factories import make_segment
from tests.orchestrator.evaluation.factories import make_outcome


def heard(*texts: str, **overrides):
    segments = [
        ("transcribe", make_segment(text=text, role="speech", **overrides)) for text in texts
    ]
    return make_outcome("audio", segments=segments)


def test_punctuation_case_and_spelt_numbers_are_no_errors():
    scores = score_speech(
        Truth(transcript="Mr. Smith paid twenty dollars.", language="en"),
        heard("mister smith", "paid $20"),
    )

    assert (scores["asr_wer"].value, scores["asr_cer"].value) == (0.0, 0.0)


def test_errors_are_counted_in_words_and_letters():
    scores = score_speech(Truth(transcript="the cat sat", language="en"), heard("the bat sat down"))

    assert scores["asr_wer"].value == pytest.approx(2 / 3)
    assert scores["asr_cer"].value == pytest.approx(5 / 9)


def test_either_wording_is_right():
    truth = Truth(transcript="one more is enough", transcript_repo="one wore is enough")

    assert score_speech(truth, heard("one wore is enough"))["asr_wer"].value == 0.0


def test_channels_may_follow_each_other_either_way():
    truth = Truth(channels={"left": "good morning", "right": "the horizon"})

    assert set(expected_wordings(truth)) == {"good morning the horizon", "the horizon good morning"}
    assert score_speech(truth, heard("the horizon", "good morning"))["asr_wer"].value == 0.0


def test_language_without_word_borders_is_scored_by_characters():
    scores = score_speech(Truth(transcript="你好\uff0c世界", language="zh"), heard("你好世 界"))

    assert {name: score.value for name, score in scores.items()} == {"asr_cer": 0.0}


def test_accents_count_outside_english():
    assert normalise("Déjà-vu!", "fr") == "déjà vu"
    assert normalise("I'm", "en") == "i am"


@pytest.mark.parametrize("truth", [Truth(has_speech=False), Truth(expected_transcript="")])
def test_words_in_silence_are_false(truth):
    assert score_speech(truth, heard("thank you"))["false_transcripts"].counted == 1.0
    assert score_speech(truth, heard())["false_transcripts"].counted == 0.0
    # Gated speech is stored with its flag, but it is no transcript.
    gated = heard("thank you", searchable=False)
    assert score_speech(truth, gated)["false_transcripts"].counted == 0.0


def test_without_known_words_there_is_no_score():
    assert score_speech(Truth(has_speech=True), heard("a")) == {}
    assert score_speech(Truth(transcript="  "), heard("a")) == {}
    assert score_speech(Truth(transcript="..."), heard("a")) == {}


def test_nothing_heard_is_all_wrong():
    assert score_speech(Truth(transcript="two words"), heard())["asr_wer"].value == 1.0
