import numpy as np
import pytest
import torch

from demo.train.clap import (
    _HEARD,
    _HIDDEN_SIZE,
    _N_FOREIGN,
    SPEECH,
    Clap,
    _choice_loss,
    _lay,
    _order,
    _some_of,
    confusable,
    holds,
)
from demo.train.words import UNKNOWN

BEEPS, DRUM, TONE = "slow beeps", "a fast drum", "a low tone"


@pytest.mark.parametrize(
    ("name", "is_true"),
    [
        ([BEEPS], True),
        ([BEEPS, DRUM], True),
        ([DRUM, BEEPS], False),
        ([BEEPS, TONE], False),
        ([], False),
    ],
)
def test_name_holds_where_its_sounds_follow_each_other(name, is_true):
    assert holds(name, [BEEPS, DRUM, TONE]) is is_true


def test_window_is_named_by_what_holds_of_it():
    rng = np.random.default_rng(0)

    assert all(holds(_some_of([BEEPS, "", DRUM], rng), [BEEPS, "", DRUM]) for _ in range(50))


def test_speech_alone_has_no_name():
    assert _some_of([""], np.random.default_rng(0)) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [([BEEPS], [BEEPS, BEEPS]), ([BEEPS, DRUM, TONE], [TONE, DRUM, BEEPS]), ([], [])],
)
def test_confusable_name_differs_in_order_or_number(name, expected):
    assert confusable(name) == expected


def test_batch_has_a_confusable_name_for_each():
    batch = Clap().batch(np.random.default_rng(0), 0.0)

    n_windows, n_names = batch["is_true"].shape
    assert n_names == 2 * n_windows + _N_FOREIGN == len(batch["input_ids"])
    names, confusables = batch["is_true"][:, : 2 * n_windows].split(n_windows, dim=1)
    assert names.mean() > 2 * confusables.mean()


def test_foreign_words_are_true_of_no_window():
    batch = Clap().batch(np.random.default_rng(0), 0.0)

    assert not batch["is_true"][:, -_N_FOREIGN:].any()
    assert (batch["input_ids"][-_N_FOREIGN:] == UNKNOWN).any()


def test_order_tells_what_is_heard_at_each_place():
    order = _order([BEEPS, SPEECH])

    assert [_HEARD[index] for index in order] == [BEEPS, SPEECH, None]


def test_order_loss_is_least_for_the_order_that_is_heard():
    with_probe = Clap().build()
    wanted = torch.tensor([_order([DRUM, TONE])])
    torch.nn.init.zeros_(with_probe.probe.weight)
    bias = torch.nn.functional.one_hot(wanted, len(_HEARD)).flatten().float() * 9
    with_probe.probe.bias = torch.nn.Parameter(bias)
    pooled = torch.zeros(1, _HIDDEN_SIZE)

    told = with_probe.order_loss(pooled, wanted)

    assert told < 0.1 < with_probe.order_loss(pooled, torch.tensor([_order([TONE, DRUM])]))


def test_features_are_those_of_the_extractor():
    recipe = Clap()
    samples = np.random.default_rng(0).normal(0, 0.1, 160_000).astype(np.float32)

    wanted = recipe.extractor(samples, sampling_rate=16_000, return_tensors="np").input_features[0]

    np.testing.assert_allclose(recipe._features(samples[None])[0].numpy(), wanted, atol=0.01)


def test_choice_loss_is_least_when_all_true_answers_share_the_weight():
    is_true = torch.tensor([[1.0, 1.0, 0.0]])

    shared = _choice_loss(torch.tensor([[5.0, 5.0, -5.0]]), is_true)

    assert shared < _choice_loss(torch.tensor([[9.0, 1.0, -5.0]]), is_true)


def test_sound_that_starts_before_the_window_is_cut():
    track = np.zeros(16_000, np.float32)

    _lay(track, np.ones(16_000, np.float32), -0.5)

    assert track[:8000].all()
    assert not track[8000:].any()
