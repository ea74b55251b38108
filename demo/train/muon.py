"""Muon: momentum whose directions all count alike.

K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024); the scale that
lets it share AdamW's rates is of J. Liu et al., "Muon is scalable for LLM training" (2025).
`torch.optim.Muon` does the same in bfloat16, which takes fifty times as long on CPUs without it.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

_MOMENTUM = 0.95
#: Of the quintic that takes singular values near 1 in few steps, and how many.
_COEFFICIENTS, _N_STEPS = (3.4445, -4.7750, 2.0315), 5
#: Root mean square of AdamW's updates.
_UPDATE_RMS = 0.2


class Muon(torch.optim.Optimizer):
    """For the matrices inside a network; embeddings, heads, biases and gains need AdamW."""

    def __init__(self, matrices: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update; parameters without a gradient stay as they are."""
        del closure
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is not None:
                    direction = orthogonal(self._ahead(matrix, matrix.grad))
                    matrix.mul_(1 - group["lr"] * group["weight_decay"])
                    scale = _UPDATE_RMS * max(matrix.shape) ** 0.5
                    matrix.add_(direction, alpha=-group["lr"] * scale)

    def _ahead(self, matrix: Tensor, gradient: Tensor) -> Tensor:
        """Nesterov's momentum."""
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
        momentum: Tensor = state["momentum"].lerp_(gradient, 1 - _MOMENTUM)
        return gradient.lerp(momentum, _MOMENTUM)


def orthogonal(matrix: Tensor) -> Tensor:
    """The same singular vectors with singular values near 1 (between 0.7 and 1.2).

    Args:
        matrix: float32, shape (rows, columns).
    """
    a, b, c = _COEFFICIENTS
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(_N_STEPS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if is_tall else x


def hidden_matrices(model: nn.Module, heads: frozenset[str]) -> list[Tensor]:
    """Weights of the linear layers between a model's first and last.

    Args:
        model: its embeddings, and what shares their weights, are left out.
        heads: names of layers that are left out, too.
    """
    shared = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
    return [
        module.weight
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name not in heads and id(module.weight) not in shared
    ]
