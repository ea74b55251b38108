from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from schemas.stages import ModelRef
from tests.workers.models.speech_checkpoints import LANGUAGES, make_whisper
from workers.device import Device
from workers.models import whisper as family
from workers.models.certainty import judge
from workers.models.loading import load_model
from workers.models.roles import Transcriber
from workers.models.whisper_decoding import Pass

DEMO = Path(__file__).parents[3] / "demo"
RATE = 16_000
#: What tells the published checkpoints apart: tiny to large, English only, large-v3-turbo
#: (128 mels, few layers in the decoder), distilled (fewer still, no alignment heads).
KINDS = {
    "multilingual": {"alignment_heads": [[0, 1], [1, 0]]},
    "english": {"is_multilingual": False, "alignment_heads": [[1, 1]]},
    "turbo": {"n_mels": 128, "n_decoder_layers": 4, "alignment_heads": [[2, 0], [3, 1]]},
    "distilled": {"n_decoder_layers": 1},
}


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def load(ref):
    return load_model(ref, Device("cpu"), Transcriber)


def untrained(ref):
    return ref.model_copy(update={"random_weights": True})


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    folder = tmp_path_factory.mktemp("multilingual")
    return load(untrained(make_whisper(folder, **KINDS["multilingual"])))


def noise(seed, seconds):
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


def heard(transcripts):
    """All that was heard, probabilities left out."""
    return [
        [(u.start_s, u.end_s, u.text, u.language, u.words) for u in transcript.utterances]
        for transcript in transcripts
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_whisper_of_every_kind_hears_utterances_and_words(kind, tmp_path):
    whisper = load(untrained(make_whisper(tmp_path, **KINDS[kind])))
    windows = [whisper.extract_features(noise(seed, seconds)) for seed, seconds in [(0, 3), (1, 6)]]

    transcripts = whisper.transcribe(windows)

    assert any(transcript.utterances for transcript in transcripts)
    for transcript, window in zip(transcripts, windows, strict=True):
        for utterance in transcript.utterances:
            assert utterance.language in LANGUAGES
            assert 0.0 <= utterance.start_s <= utterance.end_s <= window.duration_s
            joined = "".join(word.text for word in utterance.words)
            assert joined.replace(" ", "") == "".join(utterance.text.split())
            times_s = [t for word in utterance.words for t in (word.start_s, word.end_s)]
            assert utterance.start_s <= min(times_s) <= max(times_s) <= utterance.end_s


def test_whisper_transcribes_windows_alike_in_any_company(tmp_path):
    whisper = load(make_whisper(tmp_path))  # believed to be trained: it draws again and again
    windows = [whisper.extract_features(noise(seed, seconds)) for seed, seconds in [(0, 2), (1, 6)]]

    together = whisper.transcribe(windows)
    alone = [whisper.transcribe([window])[0] for window in windows]

    assert heard(together) == heard(alone)
    for a, b in zip(together, alone, strict=True):
        assert a.no_speech_prob == pytest.approx(b.no_speech_prob, abs=1e-4)


def test_whisper_goes_on_where_the_model_left_off(whisper, monkeypatch):
    window = whisper.extract_features(noise(2, 5))
    first = whisper.transcribe([window])[0].utterances
    monkeypatch.setattr(
        family, "rest_s", lambda _, __, duration_s: 2.5 if duration_s == 5 else None
    )
    rest = whisper._hear([window.behind(2.5)], [first[0].language])[0].utterances

    utterances = whisper.transcribe([window])[0].utterances

    assert utterances[: len(first)] == first
    assert utterances[len(first) :] == tuple(utterance.later(2.5) for utterance in rest)
    assert rest


def test_log_mel_behind_a_moment_is_cut_as_the_library_cuts(whisper):
    window = whisper.extract_features(noise(2, 4))

    rest = window.behind(2.5)

    assert rest.duration_s == 1.5
    np.testing.assert_array_equal(rest.features[:, :350], window.features[:, 250:])
    assert rest.features.shape == window.features.shape
    assert not rest.features[:, 350:].any()


def spoken(whisper, ids, language="en"):
    """What is read of a window of 5 s that was decoded to these tokens."""
    window = whisper.extract_features(noise(0, 5))
    one = Pass(ids, language, judge("", -0.1))
    return whisper._utterances(whisper._encode([window]), [window], [one])[0]


def test_whisper_reads_times_and_text(whisper):
    first = whisper._decoder.first_time_id
    a, b = whisper._tokenizer.encode(" a", add_special_tokens=False)

    utterances = spoken(whisper, [first, a, b, first + 50, first + 60, first + 80, a, b])

    assert [(u.end_s, u.text) for u in utterances] == [(1.0, "a"), (5.0, "a")]
    assert [u.start_s for u in utterances] == [u.words[0].start_s for u in utterances]
    assert 0.0 <= utterances[0].start_s <= 1.0
    assert 1.6 <= utterances[1].start_s <= 5.0


def test_whisper_drops_utterances_without_a_letter(whisper):
    first = whisper._decoder.first_time_id
    (space,) = whisper._tokenizer.encode(" ", add_special_tokens=False)

    assert spoken(whisper, [first, space, first + 50]) == []


def test_whisper_says_languages_in_bcp_47(whisper, monkeypatch):
    (a,) = whisper._tokenizer.encode("a", add_special_tokens=False)
    monkeypatch.setitem(whisper._decoder._languages, "jw", whisper._decoder._languages["de"])

    assert [u.language for u in spoken(whisper, [a], "jw")] == ["jv"]


def test_trained_whisper_writes_what_the_library_writes_of_one_window_at_a_time():
    """The demo's checkpoint on the demo's own recordings."""
    from transformers import WhisperForConditionalGeneration

    ref = ModelRef(source=str(DEMO / "models/whisper"), revision="demo", family="whisper")
    whisper = load(ref)
    samples, _ = soundfile.read(DEMO / "samples/talk.flac", dtype="float32")
    size = int(whisper.window_s * RATE)
    cut = [samples[i : i + size] for i in range(0, len(samples), size)][:6]
    windows = [whisper.extract_features(each) for each in cut]

    transcripts = whisper.transcribe(windows)

    model = WhisperForConditionalGeneration.from_pretrained(ref.source).float().eval()
    features = whisper._extractor(cut, sampling_rate=RATE, return_tensors="pt").input_features
    for i, transcript in enumerate(transcripts):
        ids = model.generate(
            features[[i]],
            return_timestamps=True,
            force_unique_generate_call=True,
            task="transcribe",
        )[0]
        text = " ".join(utterance.text for utterance in transcript.utterances)
        assert text == whisper._decoder.text(ids.tolist())
