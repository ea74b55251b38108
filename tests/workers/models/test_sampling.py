import numpy as np
import pytest
import torch

from workers.models.sampling import TokenChoice

LOGITS = torch.tensor([[2.0, 1.0, 0.0, -1.0], [0.0, 0.0, 3.0, float("-inf")]])


def chosen(choice, scores=LOGITS):
    return choice(torch.zeros(len(scores), 1), scores).argmax(-1).tolist()


def test_choice_takes_the_most_probable_token_as_it_is():
    choice = TokenChoice()

    assert choice(torch.zeros(2, 1), LOGITS) is LOGITS
    expected = LOGITS.log_softmax(-1).amax(-1)
    assert choice.logprobs()[:, 0] == pytest.approx(expected.numpy())


def test_choice_draws_in_proportion_to_the_softmax_at_the_temperature():
    rows = LOGITS[:1].expand(20_000, -1)

    drawn = chosen(TokenChoice(0.7, range(20_000)), rows)

    expected = (LOGITS[0] / 0.7).softmax(-1).numpy()
    assert np.bincount(drawn, minlength=4) / 20_000 == pytest.approx(expected, abs=0.015)


def test_choice_never_draws_what_is_forbidden():
    rows = LOGITS[1:].expand(2000, -1)

    assert 3 not in chosen(TokenChoice(5.0, range(2000)), rows)


def test_choice_records_the_probability_at_temperature_one():
    choice = TokenChoice(0.5, [7, 8])

    first, second = chosen(choice), chosen(choice)

    rows = LOGITS.log_softmax(-1).numpy()
    expected = [[rows[i, first[i]], rows[i, second[i]]] for i in range(2)]
    np.testing.assert_allclose(choice.logprobs(), expected, rtol=1e-6)


def test_choice_of_a_row_depends_on_its_seed_alone():
    together, alone = TokenChoice(1.0, [5, 9]), TokenChoice(1.0, [9])
    torch.manual_seed(1)
    many = [chosen(together)[1] for _ in range(30)]
    torch.manual_seed(2)
    few = [chosen(alone, LOGITS[1:])[0] for _ in range(30)]

    assert many == few
    assert len(set(many)) > 1
