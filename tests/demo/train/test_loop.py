import torch
from torch import nn

from demo.train.loop import Recipe, train


class Line(Recipe):
    """Learns y = 3x + 1: one matrix, one bias."""

    name = "line"
    n_steps = 60
    peak_rate = 0.4
    n_makers = 0

    def build(self):
        return nn.Linear(1, 1)

    def batch(self, rng, progress):
        x = torch.from_numpy(rng.normal(size=(16, 1))).float()
        return {"x": x, "y": 3 * x + 1}

    def loss(self, model, batch):
        return ((model(batch["x"]).float() - batch["y"]) ** 2).mean()

    def save(self, model, folder):
        raise NotImplementedError


def test_training_learns(tmp_path):
    run = train(Line(), tmp_path / "state.pt", minutes=1)

    assert run.is_finished
    assert abs(run.model.weight.item() - 3) < 0.2
    assert abs(run.model.bias.item() - 1) < 0.2


def test_training_stops_when_time_is_up_and_goes_on_later(tmp_path):
    state = tmp_path / "state.pt"
    whole = train(Line(), tmp_path / "whole.pt", minutes=1)

    stopped = train(Line(), state, minutes=0)
    resumed = train(Line(), state, minutes=1)

    assert not stopped.is_finished
    assert resumed.is_finished
    assert resumed.model.weight.item() == whole.model.weight.item()


def test_finished_training_is_not_run_again(tmp_path):
    state = tmp_path / "state.pt"
    first = train(Line(), state, minutes=1)

    again = train(Line(), state, minutes=1)

    assert again.is_finished
    assert again.model.weight.item() == first.model.weight.item()
