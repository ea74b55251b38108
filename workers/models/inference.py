"""Running a model: no gradients, and one place that knows what "out of memory" looks like."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import DeviceOutOfMemory

if TYPE_CHECKING:
    import torch

    from workers.models.roles import Embeddings


@contextmanager
def inference() -> Iterator[None]:
    """Run torch without gradients.

    Raises:
        DeviceOutOfMemory: the device could not hold the model batch.
    """
    import torch

    try:
        with torch.inference_mode():
            yield
    except torch.OutOfMemoryError as exc:
        raise DeviceOutOfMemory(str(exc).partition("\n")[0]) from exc


def to_embeddings(vectors: "torch.Tensor") -> "Embeddings":
    """Bring vectors of shape (n, embedding_dim) to the host as float32 of unit length."""
    from torch.nn.functional import normalize

    rows: Embeddings = normalize(vectors.float(), dim=-1).cpu().numpy()
    return rows


class TokenLogprobs:
    """Records, in greedy decoding, the log probability of each chosen token.

    Keeping every step's scores instead would take hundreds of MB for a batch of windows. Runs
    as the last logits processor, so the chosen token is the most probable one it sees.
    """

    def __init__(self) -> None:
        self._steps: list[torch.Tensor] = []

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """Note the best log probability of each row and pass the scores on."""
        del input_ids
        self._steps.append(scores.float().log_softmax(-1).amax(-1))
        return scores

    def rows(self) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """Log probabilities, shape (n_rows, n_steps); junk after a row's end token."""
        import torch

        if not self._steps:
            return np.zeros((0, 0), np.float32)
        logprobs: np.ndarray[Any, np.dtype[np.float32]] = torch.stack(self._steps, 1).cpu().numpy()
        return logprobs
