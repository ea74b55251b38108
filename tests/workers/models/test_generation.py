from types import SimpleNamespace

import pytest
import torch

from workers.models.generation import decode_greedily, end_ids

END = 9


class Parrot:
    """Says a fixed row of tokens for each row of its prompt."""

    def __init__(self, rows):
        self._rows = rows
        self.asked = {}

    def generate(self, logits_processor, **options):
        self.asked = options
        said = torch.tensor(self._rows)
        for step in range(said.shape[1]):
            # The token's id says how sure the parrot is: e ** -id.
            best = torch.exp(-said[:, step].float())
            scores = torch.stack([best, 1 - best], 1).clamp_min(1e-9).log()
            logits_processor[0](None, scores)
        return torch.cat([options["input_ids"], said], 1)


def test_decode_greedily_cuts_at_the_end():
    model = Parrot([[0, 0, END, 3, 3], [0, 0, 0, 0, 0]])
    prompt = torch.tensor([[7, 7], [7, 7]])

    short, endless = decode_greedily(model, 5, [END], input_ids=prompt)

    assert short.ids == [0, 0, END]
    assert endless.ids == [0] * 5


def test_decode_greedily_is_as_sure_as_the_tokens_that_count():
    scores = torch.tensor([[0.5, 0.5]]).log()

    class Coin:
        def generate(self, logits_processor, **_options):
            for _ in range(3):
                logits_processor[0](None, scores)
            return torch.tensor([[1, END, 1]])

    (said,) = decode_greedily(Coin(), 3, [END])

    assert said.ids == [1, END]
    assert said.confidence == pytest.approx(0.5)


def test_decode_greedily_neither_samples_nor_searches():
    model = Parrot([[0, END]])

    decode_greedily(model, 2, [END], input_ids=torch.tensor([[7]]))

    assert model.asked["do_sample"] is False
    assert (model.asked["num_beams"], model.asked["max_new_tokens"]) == (1, 2)


@pytest.mark.parametrize(("found", "expected"), [(5, [5]), ([5, 6], [5, 6])])
def test_end_ids_are_one_or_several(found, expected):
    model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=found))

    assert end_ids(model) == expected
