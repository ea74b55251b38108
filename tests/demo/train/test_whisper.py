import numpy as np
import pytest
import torch

from demo.speech import SpokenWord
from demo.train.whisper import Whisper, _said, make_window, whisper_tokenizer
from demo.world import VOCABULARY
from tests.demo.test_speech import needs_espeak

LINE = (SpokenWord("red", 0.5, 0.7), SpokenWord("star", 0.7, 1.1))


@pytest.fixture(scope="module")
def recipe():
    return Whisper()


def test_every_spoken_word_is_one_token():
    tokenizer = whisper_tokenizer()

    lengths = {len(tokenizer.encode(f" {w}", add_special_tokens=False)) for w in VOCABULARY}

    assert lengths == {1}


def test_nospeech_token_comes_right_before_notimestamps(recipe):
    assert recipe._ids["<|nospeech|>"] + 1 == recipe._ids["<|notimestamps|>"]
    assert recipe._ids["<|notimestamps|>"] + 1 == recipe._ids["<|0.00|>"]


def test_label_tells_words_between_their_times(recipe):
    labels = {
        tuple(
            recipe.tokenizer.convert_ids_to_tokens(recipe._label([LINE], np.random.default_rng(s)))
        )
        for s in range(40)
    }

    prompt = ("<|en|>", "<|transcribe|>")
    words = ("Ġred", "Ġstar")
    assert labels == {
        (*prompt, "<|0.50|>", *words, "<|1.10|>", "<|endoftext|>"),
        (*prompt, "<|notimestamps|>", *words, "<|endoftext|>"),
    }


def test_said_names_the_word_at_each_tick():
    said = _said([LINE], 3)

    assert said.shape == (150,)
    assert said[25:35].unique().tolist() == [1 + VOCABULARY.index("red")]
    assert said[35:55].unique().tolist() == [1 + VOCABULARY.index("star")]
    assert said[55:].sum() == 0


@needs_espeak
def test_window_has_its_length_and_words_within():
    rng = np.random.default_rng(0)

    windows = [make_window(rng, 3) for _ in range(20)]

    assert {len(samples) for samples, _ in windows} == {3 * 16_000}
    assert all(line[-1].end_s <= 3 for _, lines in windows for line in lines)


def test_model_takes_windows_of_both_lengths(recipe):
    model = recipe.build()
    labels = torch.tensor([recipe._label([LINE], np.random.default_rng(0))])

    for window_s in (3, 8):
        batch = {
            "input_features": torch.zeros(1, 80, window_s * 100),
            "labels": labels,
            "said": _said([LINE], window_s)[None],
        }
        assert recipe.loss(model, batch).isfinite()
