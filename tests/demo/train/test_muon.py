import pytest
import torch
from torch import nn

from demo.train.muon import Muon, hidden_matrices, orthogonal


@pytest.mark.parametrize("shape", [(8, 8), (8, 32), (32, 8)])
def test_orthogonal_keeps_directions_and_levels_their_strengths(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape)

    found = orthogonal(matrix)

    strengths = torch.linalg.svdvals(found)
    assert strengths.min() > 0.6
    assert strengths.max() < 1.25
    # The same singular vectors: the product with the original's polar factor is near the identity.
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    assert (u.T @ found @ v.T).diagonal().min() > 0.6


def test_weak_directions_are_learned_as_fast_as_strong_ones():
    """A target whose one direction hardly shows in the gradient."""
    torch.manual_seed(0)
    target = torch.diag(torch.tensor([1.0, 1.0]))
    inputs = torch.randn(256, 2) * torch.tensor([1.0, 0.03])
    weights = nn.Parameter(torch.zeros(2, 2))
    optimizer = Muon([weights], lr=0.05, weight_decay=0.0)
    for _ in range(150):
        optimizer.zero_grad()
        ((inputs @ (weights - target)) ** 2).mean().backward()
        optimizer.step()

    assert torch.allclose(weights.detach(), target, atol=0.1)


def test_what_has_no_gradient_stays():
    weights = nn.Parameter(torch.ones(2, 2))

    Muon([weights], lr=1.0, weight_decay=0.5).step()

    assert torch.equal(weights, torch.ones(2, 2))


def test_heads_embeddings_and_what_shares_their_weights_are_left_out():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(10, 4)
            self.inside = nn.Linear(4, 4)
            self.probe = nn.Linear(4, 3)
            self.out = nn.Linear(4, 10, bias=False)
            self.out.weight = self.words.weight

    model = Model()

    (only,) = hidden_matrices(model, frozenset({"probe"}))
    assert only is model.inside.weight
