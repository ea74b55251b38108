import pytest
import torch

from tests.workers.models.speech_checkpoints import LANGUAGES, make_whisper
from workers.models import whisper_decoding
from workers.models.whisper_decoding import TEMPERATURES, FirstLook, WhisperDecoder

SEEDS = [11, 12]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    from transformers import WhisperForConditionalGeneration, WhisperTokenizer

    folder = tmp_path_factory.mktemp("whisper")
    make_whisper(folder)
    model = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    return model, WhisperTokenizer.from_pretrained(folder)


@pytest.fixture
def decoder(loaded):
    return WhisperDecoder(*loaded, TEMPERATURES)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def features():
    return torch.randn(2, 80, 600, generator=torch.Generator().manual_seed(5))


@pytest.fixture
def encoded(loaded, features):
    return loaded[0].get_encoder()(features).last_hidden_state


def test_look_detects_what_the_library_detects(loaded, decoder, features, encoded):
    looks = decoder.look(encoded)

    codes = {v: k.strip("<|>") for k, v in loaded[0].generation_config.lang_to_id.items()}
    detected = loaded[0].detect_language(features).tolist()
    assert [look.language for look in looks] == [codes[i] for i in detected]
    assert all(0.0 < look.no_speech_prob < 1.0 for look in looks)


def test_decode_is_the_librarys_own_of_one_window_at_a_time(loaded, features, encoded):
    model, tokenizer = loaded
    decoder = WhisperDecoder(model, tokenizer, ())
    looks = decoder.look(encoded)

    passes = decoder.decode(encoded, looks, SEEDS)

    for i, one in enumerate(passes):
        theirs = model.generate(
            features[[i]],
            return_timestamps=True,
            force_unique_generate_call=True,
            task="transcribe",
        )[0].tolist()
        prompt = decoder.prompt(one.language)
        n_prompt = len(prompt) if theirs[: len(prompt)] == prompt else 0
        assert one.ids == theirs[n_prompt : n_prompt + len(one.ids)]
        assert len(one.ids) > 10
        assert one.language in LANGUAGES


def test_decode_keeps_the_greedy_text_where_nothing_can_be_believed(decoder, encoded):
    looks = [FirstLook(0.1, "en")] * 2

    passes = decoder.decode(encoded, looks, SEEDS)

    assert [one.certainty.temperature for one in passes] == [0.0, 0.0]
    assert all("unsure" in one.certainty.doubts for one in passes)


@pytest.fixture
def believed_from(monkeypatch):
    """Make texts believed from a temperature on."""

    def believed_from(temperature):
        monkeypatch.setattr(
            whisper_decoding, "is_worth_another_try", lambda c: c.temperature < temperature
        )

    return believed_from


def test_decode_draws_at_rising_temperatures(decoder, encoded, believed_from):
    looks = [FirstLook(0.1, "en")] * 2
    greedy = [one.ids for one in decoder.decode(encoded, looks, SEEDS)]
    believed_from(0.4)

    passes = decoder.decode(encoded, looks, SEEDS)

    assert [one.certainty.temperature for one in passes] == [0.4, 0.4]
    assert [one.ids for one in passes] != greedy


def test_decode_draws_the_same_again_and_in_any_company(decoder, encoded, believed_from):
    believed_from(0.4)
    looks = [FirstLook(0.1, "de")] * 2

    together = decoder.decode(encoded, looks, SEEDS)
    torch.manual_seed(99)
    alone = [decoder.decode(encoded[[i]], looks[:1], [SEEDS[i]])[0] for i in range(2)]
    others = decoder.decode(encoded, looks, [13, 14])

    assert [one.ids for one in together] == [one.ids for one in alone]
    assert [one.ids for one in together] != [one.ids for one in others]


def test_decode_does_not_try_again_where_nobody_speaks(loaded, decoder, encoded, monkeypatch):
    calls = []
    generate = loaded[0].generate
    monkeypatch.setattr(
        loaded[0], "generate", lambda **options: (calls.append(1), generate(**options))[1]
    )

    passes = decoder.decode(encoded, [FirstLook(0.9, "en")] * 2, SEEDS)

    assert len(calls) == 1
    assert all("no_speech" in one.certainty.doubts for one in passes)


def test_english_only_checkpoints_have_a_short_prompt(tmp_path):
    from transformers import WhisperForConditionalGeneration, WhisperTokenizer

    make_whisper(tmp_path, is_multilingual=False)
    model = WhisperForConditionalGeneration.from_pretrained(tmp_path).eval()
    decoder = WhisperDecoder(model, WhisperTokenizer.from_pretrained(tmp_path), ())
    encoded = model.get_encoder()(torch.zeros(1, 80, 600)).last_hidden_state

    (look,) = decoder.look(encoded)
    (one,) = decoder.decode(encoded, [look], [0])

    assert look.language == one.language == "en"
    assert decoder.prompt("en") == [model.generation_config.decoder_start_token_id]


def test_text_leaves_times_and_marks_out(loaded, decoder):
    text = loaded[1].encode(" so it is", add_special_tokens=False)
    first = decoder.first_time_id

    assert decoder.text([first, *text, first + 50]) == "so it is"


def test_certainty_is_that_of_text_and_end_not_of_times(decoder):
    first, end = decoder.first_time_id, decoder._model.generation_config.eos_token_id
    look = FirstLook(0.1, "en")

    one = decoder._judged([first, 5, 6, first + 9, end, end], [-3, -1, -2, -4, -0.3, -9], look, 0)
    cut_off = decoder._judged([first, 5, 6], [-3, -1, -2], look, 0)

    assert one.certainty.avg_logprob == pytest.approx(-1.1)
    assert one.ids == [first, 5, 6, first + 9]
    assert cut_off.certainty.avg_logprob == pytest.approx(-1.5)
    assert decoder._judged([first], [-3], look, 0).certainty.avg_logprob == 0.0
