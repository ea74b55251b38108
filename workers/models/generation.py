"""Greedy decoding: one sequence per row, how sure the model was of it, and nothing else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workers.models.inference import TokenLogprobs

#: The first step reads the prompt, the second one what was cached: all there is to warm up.
WARM_UP_TOKENS = 2


@dataclass(frozen=True)
class Decoded:
    """What a model said."""

    #: Up to and with the token that ends it.
    ids: list[int]
    #: Geometric mean of the token probabilities, 0 to 1.
    confidence: float


def decode_greedily(model: Any, max_tokens: int, end_ids: Sequence[int], **inputs: Any) -> Any:
    """Let a transformers model speak, without its prompt in front; call it inside `inference`.

    Whatever a checkpoint's own defaults are, nothing is sampled and no beams are searched: the
    same input gives the same words, alone or in a batch.

    Returns:
        One `Decoded` per row.
    """
    logprobs = TokenLogprobs()
    sequences = model.generate(
        **inputs,
        logits_processor=[logprobs],
        max_new_tokens=max_tokens,
        do_sample=False,
        num_beams=1,
        return_dict_in_generate=False,
    ).tolist()
    rows = logprobs.rows().tolist()
    return [_cut(ids, row, end_ids) for ids, row in zip(sequences, rows, strict=True)]


def _cut(sequence: Sequence[int], logprobs: Sequence[float], end_ids: Sequence[int]) -> Decoded:
    said = list(sequence[len(sequence) - len(logprobs) :])
    ends = (i + 1 for i, token in enumerate(said) if token in end_ids)
    n_tokens = next(ends, len(said))
    confidence = math.exp(sum(logprobs[:n_tokens]) / max(n_tokens, 1))
    return Decoded(said[:n_tokens], min(confidence, 1.0))


def end_ids(model: Any) -> list[int]:
    """Tokens that end what a checkpoint says."""
    end = model.generation_config.eos_token_id
    return end if isinstance(end, list) else [end]
