"""Choosing tokens so that the same input gives the same text, alone or in any company."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


class TokenChoice:
    """Makes greedy decoding draw tokens at a temperature, and records how probable they were.

    The largest of `logprob / temperature + Gumbel noise` is a draw from the softmax at that
    temperature (the Gumbel-max trick, https://arxiv.org/abs/1411.0030). Each row takes its noise
    from a generator of its own, so a draw depends on the row's seed and on nothing else in
    the process. Runs as the last logits processor: what it passes on is what is chosen from.
    """

    def __init__(self, temperature: float = 0.0, seeds: Sequence[int] = ()) -> None:
        """Prepare one call of `generate`.

        Args:
            temperature: 0 leaves the scores as they are: the most probable token is taken.
            seeds: one per row; not used at temperature 0.
        """
        import torch

        self._temperature = temperature
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._steps: list[torch.Tensor] = []

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """Pass on scores of shape (n_rows, n_tokens) whose largest is the token to take."""
        del input_ids
        logprobs = scores.float().log_softmax(-1)
        if self._temperature > 0:
            scores = logprobs / self._temperature + self._noise(logprobs)
        chosen = scores.argmax(-1, keepdim=True)
        self._steps.append(logprobs.gather(-1, chosen).squeeze(-1))
        return scores

    def _noise(self, like: "torch.Tensor") -> "torch.Tensor":
        """Standard Gumbel noise, drawn on the CPU: the same on every device."""
        import torch

        rows = [
            torch.empty(like.shape[-1]).exponential_(generator=generator)
            for generator in self._generators
        ]
        return -torch.stack(rows).log().to(like.device)

    def logprobs(self) -> NDArray[np.float32]:
        """Of each chosen token, shape (n_rows, n_steps); junk after a row's end token."""
        import torch

        rows: NDArray[Any] = torch.stack(self._steps, 1).cpu().numpy()
        return rows
