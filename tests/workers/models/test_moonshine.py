import numpy as np
import pytest
import torch

from tests.workers.models.speech_checkpoints import make_moonshine
from workers.device import Device
from workers.models.loading import load_model
from workers.models.roles import Transcriber

RATE = 16_000


def load(ref):
    return load_model(ref, Device("cpu"), Transcriber)


@pytest.fixture(scope="module")
def ref(tmp_path_factory):
    return make_moonshine(tmp_path_factory.mktemp("moonshine"), language="en")


@pytest.fixture(scope="module")
def moonshine(ref):
    return load(ref)


def noise(seed, seconds):
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


def windows(model, *seconds):
    return [model.extract_features(noise(i, each)) for i, each in enumerate(seconds)]


def test_moonshine_writes_what_the_library_writes_of_one_window(ref, moonshine):
    from transformers import AutoTokenizer, MoonshineForConditionalGeneration

    model = MoonshineForConditionalGeneration.from_pretrained(ref.source).eval()
    tokenizer = AutoTokenizer.from_pretrained(ref.source)
    heard = windows(moonshine, 2.0, 1.2, 2.0, 3.9)

    transcripts = moonshine.transcribe(heard)

    for window, transcript in zip(heard, transcripts, strict=True):
        # The limit of the model card, with the marks.
        n_most = int(np.ceil(len(window) / RATE * 6.5)) + 2
        ids = model.generate(torch.from_numpy(window)[None], max_length=n_most)[0]
        text = tokenizer.decode(ids, skip_special_tokens=True).strip()
        assert [u.text for u in transcript.utterances] == ([text] if text else [])
    assert len({str(transcript.utterances) for transcript in transcripts}) > 1


def test_moonshine_transcribes_windows_alike_in_any_company(moonshine):
    heard = windows(moonshine, 1.0, 2.5, 1.0, 0.4)

    together = moonshine.transcribe(heard)
    alone = [moonshine.transcribe([window])[0] for window in heard]

    for a, b in zip(together, alone, strict=True):
        assert [u.text for u in a.utterances] == [u.text for u in b.utterances]
        for one, other in zip(a.utterances, b.utterances, strict=True):
            assert one.certainty.avg_logprob == pytest.approx(other.certainty.avg_logprob, abs=1e-4)


def test_moonshine_takes_its_times_from_the_window(moonshine):
    (transcript,) = moonshine.transcribe(windows(moonshine, 2.5))

    (utterance,) = transcript.utterances
    assert (utterance.start_s, utterance.end_s) == (0.0, 2.5)
    assert utterance.words == ()
    assert moonshine.max_gap_s == 0.0


def test_moonshine_judges_its_text(moonshine):
    (transcript,) = moonshine.transcribe(windows(moonshine, 2.0))

    (utterance,) = transcript.utterances
    assert utterance.certainty.avg_logprob < 0.0
    assert utterance.certainty.compression_ratio > 0.0


@pytest.mark.parametrize(("language", "n_most"), [("en", 15), ("ko", 28), (None, 28)])
def test_moonshine_says_the_language_it_is_told(ref, language, n_most):
    told = {"language": language} if language else {}
    model = load(ref.model_copy(update={"parameters": told}))

    (transcript,) = model.transcribe(windows(model, 2.0))

    assert [utterance.language for utterance in transcript.utterances] == [language]
    assert model._token_limit(2.0) == n_most


def test_moonshine_hears_an_instant(moonshine):
    assert len(moonshine.transcribe(windows(moonshine, 0.001))) == 1
