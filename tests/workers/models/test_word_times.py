import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from tests.workers.models.speech_checkpoints import make_whisper
from workers.models.roles import Word
from workers.models.word_times import WordAligner, first_frames, words_of


@pytest.fixture(scope="module")
def whisper(tmp_path_factory):
    from transformers import WhisperForConditionalGeneration, WhisperTokenizer

    folder = tmp_path_factory.mktemp("whisper")
    make_whisper(folder, n_decoder_layers=4, alignment_heads=[[1, 0], [2, 1]])
    model = WhisperForConditionalGeneration.from_pretrained(folder).eval()
    return model, WhisperTokenizer.from_pretrained(folder)


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def encoded(n_rows, seed=0):
    return torch.randn(n_rows, 300, 32, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (6, 1), (7, 40), (30, 90), (12, 5)])
def test_first_frames_are_those_of_the_library(shape):
    from transformers.models.whisper.generation_whisper import _dynamic_time_warping

    for seed in range(5):
        costs = np.random.default_rng(seed).integers(-50, 50, shape) + 0.0
        # No two paths cost the same, so that there is one right answer.
        costs += np.random.default_rng(seed).random(shape) / 64

        tokens, frames = _dynamic_time_warping(costs)

        assert first_frames(costs).tolist() == [
            frames[tokens == token][0] for token in range(shape[0])
        ]


def test_first_frames_follow_the_diagonal():
    costs = np.ones((4, 12)) - np.repeat(np.eye(4), 3, axis=1)

    assert first_frames(costs).tolist() == [0, 3, 6, 9]


def test_token_times_are_those_of_the_library(whisper):
    """The library takes them from attention that only its slow path returns."""
    from types import SimpleNamespace

    model, tokenizer = whisper
    heads, sound = model.generation_config.alignment_heads, encoded(1)
    prompt, text = [257, 258, 263, 267], tokenizer.encode("so it is", add_special_tokens=False)
    end = model.config.eos_token_id

    (found,) = WordAligner(model).token_times(model, sound, [prompt], [text], [6.0])

    model.set_attn_implementation("eager")
    out = model.model.decoder(
        input_ids=torch.tensor([[*prompt, *text]]),
        encoder_hidden_states=sound,
        output_attentions=True,
    )
    model.set_attn_implementation("sdpa")

    class Outputs(SimpleNamespace):
        def __contains__(self, name):
            return hasattr(self, name)

    sequences = torch.tensor([[*prompt, *text, end]])
    outputs = Outputs(sequences=sequences, cross_attentions=[out.cross_attentions])
    n_prompt = len(prompt) - 1
    theirs = model._extract_token_timestamps(outputs, heads, num_input_ids=n_prompt)[0]
    assert found == pytest.approx(theirs[n_prompt:-1].tolist(), abs=1e-4)
    assert len(set(found)) > 3


def test_token_times_rise_and_stay_within_the_sound(whisper):
    model, tokenizer = whisper
    text = tokenizer.encode("what is said here", add_special_tokens=False)

    rows = WordAligner(model).token_times(
        model, encoded(3), [[257, 267]] * 3, [text, [], text[:4]], [2.5, 1.0, 6.0]
    )

    assert [len(row) for row in rows] == [len(text) + 1, 1, 5]
    for row, duration_s in zip(rows, (2.5, 1.0, 6.0), strict=True):
        assert row == sorted(row)
        assert 0.0 <= row[0] <= row[-1] <= duration_s


def test_token_times_do_not_depend_on_company(whisper):
    model, tokenizer = whisper
    aligner, sound = WordAligner(model), encoded(2)
    texts = [tokenizer.encode(t, add_special_tokens=False) for t in ("short", "rather longer")]
    prompts = [[257, 258, 263, 267]] * 2

    together = aligner.token_times(model, sound, prompts, texts, [2.0, 5.0])
    alone = [
        aligner.token_times(model, sound[[i]], prompts[:1], [texts[i]], [(2.0, 5.0)[i]])[0]
        for i in range(2)
    ]

    assert together == alone


def test_token_times_of_threads_do_not_mix(whisper):
    model, tokenizer = whisper
    aligner = WordAligner(model)
    text = tokenizer.encode("what is said", add_special_tokens=False)

    @torch.inference_mode()
    def times(seed):
        return aligner.token_times(model, encoded(1, seed), [[257, 267]], [text], [6.0])

    expected = [times(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(times, range(4))) == expected


def test_token_times_of_a_text_as_long_as_the_decoder(whisper):
    model, _ = whisper
    n_most = model.config.max_target_positions

    (times,) = WordAligner(model).token_times(
        model, encoded(1), [[257, 258, 263, 267]], [[65] * (n_most - 3)], [30.0]
    )

    assert len(times) == n_most - 2


def test_aligner_does_not_keep_the_model(tmp_path):
    from transformers import WhisperForConditionalGeneration

    make_whisper(tmp_path)
    model = WhisperForConditionalGeneration.from_pretrained(tmp_path)
    aligner, watched = WordAligner(model), weakref.ref(model)
    del model
    gc.collect()

    assert aligner
    assert watched() is None


def test_words_join_tokens_and_punctuation(whisper):
    _, tokenizer = whisper
    tokens = tokenizer.encode(" Hi, you", add_special_tokens=False)
    times_s = [i / 10 for i in range(len(tokens) + 1)]

    words = words_of(tokenizer, tokens, times_s, "en")

    assert words == [Word("Hi,", 0.0, 0.4), Word("you", 0.4, 0.8)]


def test_words_of_scripts_without_spaces_are_characters(whisper):
    _, tokenizer = whisper
    tokens = tokenizer.encode("你好", add_special_tokens=False)

    words = words_of(tokenizer, tokens, [float(i) for i in range(len(tokens) + 1)], "zh")

    assert [word.text for word in words] == ["你", "好"]
    assert [word.start_s for word in words] == [0.0, 3.0]


def test_words_do_not_last_through_a_pause(whisper):
    _, tokenizer = whisper

    (word,) = words_of(tokenizer, tokenizer.encode("a", add_special_tokens=False), [1.0, 9.0], "en")

    assert (word.start_s, word.end_s) == (1.0, 3.0)
