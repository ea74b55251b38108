import ctypes.util
import os

import numpy as np
import pytest

from demo.speech import (
    HELD_OUT_VARIANTS,
    HELD_OUT_WPM,
    TRAINED_VARIANTS,
    TRAINED_WPM,
    Voice,
    random_voice,
    speak,
)

needs_espeak = pytest.mark.skipif(
    not ctypes.util.find_library("espeak-ng") and not os.environ.get("CI"),
    reason="espeak-ng is not installed",
)


def test_held_out_voices_are_never_trained_on():
    assert not set(HELD_OUT_VARIANTS) & set(TRAINED_VARIANTS)
    assert not set(HELD_OUT_WPM) & set(TRAINED_WPM)


def test_random_voice_is_held_out_when_asked():
    voice = random_voice(np.random.default_rng(0), held_out=True)

    assert voice.name.split("+")[1] in HELD_OUT_VARIANTS
    assert voice.words_per_minute in HELD_OUT_WPM


@needs_espeak
def test_speech_times_every_word_in_order():
    text = "a red circle inside of the large star"

    speech = speak(text, Voice())

    times = [edge for word in speech.words for edge in (word.start_s, word.end_s)]
    assert [word.text for word in speech.words] == text.split()
    assert times == sorted(times)
    assert 1.0 < times[-1] < len(speech.samples) / 16_000


@needs_espeak
def test_unknown_voice_is_refused():
    with pytest.raises(ValueError, match="no such voice"):
        speak("red", Voice("no-such-voice"))
