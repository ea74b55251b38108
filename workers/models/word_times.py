"""When words are said, from where Whisper's decoder listens while it writes them.

The method of openai/whisper (whisper/timing.py): read the text once more, take the
cross-attention of the heads that follow the sound, and find the path through it. As in
transformers, the text is read with its time tokens, as it was written.
"""

import math
import threading
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workers.models.roles import Word

if TYPE_CHECKING:
    import torch

#: Seconds of sound to each output of the encoder.
FRAME_S = 0.02
#: A word before a pause is not given the pause.
MAX_WORD_S = 2.0


class WordAligner:
    """Times the tokens of texts that a Whisper model has written."""

    def __init__(self, model: Any) -> None:
        """Watch the model's alignment heads.

        A checkpoint that names none is read as openai/whisper reads one: through all heads of
        the later half of the decoder.
        """
        self._median_width: int = model.config.median_filter_width
        #: What the running forward pass of this thread has seen; None while none is watched.
        self._watch = threading.local()
        for layer, heads in _alignment_heads(model).items():
            # The hook must not hold the model, or dropping the model would not free it.
            model.model.decoder.layers[layer].encoder_attn.register_forward_pre_hook(
                partial(self._note, heads), with_kwargs=True
            )

    def token_times(
        self,
        model: Any,
        encoded: "torch.Tensor",
        prompts: Sequence[Sequence[int]],
        texts: Sequence[Sequence[int]],
        durations_s: Sequence[float],
    ) -> list[list[float]]:
        """Seconds at which each token begins, and at last the end of the last one.

        To be called under `inference()`.

        Args:
            model: the one that is watched.
            encoded: output of the encoder, shape (n_texts, n_frames, d_model).
            prompts: what the decoder reads before each text.
            texts: text and time tokens of each window; may be none.
            durations_s: of the sound; behind it there is padding.
        """
        import torch

        if not any(texts):
            return [[duration_s] for duration_s in durations_s]
        end_id, limit = model.config.eos_token_id, model.config.max_target_positions
        rows = [[*p, *t, end_id][:limit] for p, t in zip(prompts, texts, strict=True)]
        longest = max(map(len, rows))
        padded = [row + [end_id] * (longest - len(row)) for row in rows]
        self._watch.seen = []
        try:
            model.model.decoder(
                input_ids=torch.tensor(padded, device=encoded.device),
                encoder_hidden_states=encoded,
                use_cache=False,
            )
            attention = torch.cat(self._watch.seen, 1)
        finally:
            self._watch.seen = None
        return [
            self._times(attention[i, :, : len(rows[i])], len(prompts[i]), len(texts[i]), duration_s)
            for i, duration_s in enumerate(durations_s)
        ]

    def _note(self, heads: list[int], layer: Any, args: Any, options: Any) -> None:
        """Compute what the layer is about to, for some heads: faster kernels do not show it."""
        seen = getattr(self._watch, "seen", None)
        if seen is None:
            return
        each_head = (layer.num_heads, layer.head_dim)
        queries = (layer.q_proj(args[0]) * layer.scaling).unflatten(-1, each_head)
        keys = layer.k_proj(options["key_value_states"]).unflatten(-1, each_head)
        queries, keys = (t.transpose(1, 2)[:, heads].float() for t in (queries, keys))
        seen.append(queries @ keys.transpose(-1, -2))

    def _times(
        self, attention: "torch.Tensor", n_prompt: int, n_text: int, duration_s: float
    ) -> list[float]:
        """Times of one text; `attention` is of shape (n_heads, n_tokens, n_frames)."""
        from transformers.models.whisper.generation_whisper import _median_filter

        n_frames = max(1, min(math.ceil(duration_s / FRAME_S), attention.shape[-1]))
        # Where the decoder listens at a token is where the next one is said.
        weights = attention[:, n_prompt - 1 : n_prompt + n_text, :n_frames].softmax(-1)
        mean, std = weights.mean(-2, keepdim=True), weights.std(-2, keepdim=True, unbiased=False)
        likeness = _median_filter((weights - mean) / std.clamp_min(1e-9), self._median_width)
        starts = first_frames(-likeness.mean(0).double().cpu().numpy()) * FRAME_S
        return [*starts.tolist(), *[duration_s] * (n_text + 1 - len(starts))]


def _alignment_heads(model: Any) -> dict[int, list[int]]:
    """Heads by layer of the decoder."""
    named = getattr(model.generation_config, "alignment_heads", None)
    if not named:
        n_layers = model.config.decoder_layers
        every = list(range(model.config.decoder_attention_heads))
        return dict.fromkeys(range(n_layers // 2, n_layers), every)
    heads: dict[int, list[int]] = {}
    for layer, head in named:
        heads.setdefault(layer, []).append(head)
    return heads


def first_frames(costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Dynamic time warping: the frame at which the cheapest path comes to each token.

    The path goes from the first token and frame to the last of both, by one token, one frame
    or both. Whole rows at a time, a hundred times faster than the library's loop over cells.

    Args:
        costs: shape (n_tokens, n_frames).

    Returns:
        Frames, shape (n_tokens,), not falling.
    """
    n_tokens, n_frames = costs.shape
    columns, sums = np.arange(n_frames), costs.cumsum(1)
    #: Cost of the cheapest path to each cell, and the frame at which it came to the cell's row.
    totals, came = np.empty_like(sums), np.zeros((n_tokens, n_frames), np.int64)
    totals[0] = sums[0]
    for row in range(1, n_tokens):
        above = np.minimum(totals[row - 1], np.append(np.inf, totals[row - 1, :-1]))
        entering = above - (sums[row] - costs[row])
        best = np.minimum.accumulate(entering)
        came[row] = np.maximum.accumulate(np.where(entering == best, columns, 0))
        totals[row] = best + sums[row]
    frames, frame = np.zeros(n_tokens, np.int64), n_frames - 1
    for row in range(n_tokens - 1, 0, -1):
        frames[row] = frame = came[row, frame]
        if frame and totals[row - 1, frame - 1] <= totals[row - 1, frame]:
            frame -= 1
    return frames


def words_of(
    tokenizer: Any, tokens: Sequence[int], times_s: Sequence[float], language: str | None
) -> list[Word]:
    """Group an utterance's tokens into words.

    Args:
        tokenizer: the library's tokenizer of Whisper.
        tokens: text tokens.
        times_s: when each token begins, and the end of the last.
        language: code; some languages write words without spaces.
    """
    from transformers.models.whisper.tokenization_whisper import (
        LANGUAGES,
        _combine_tokens_into_words,
    )

    name = LANGUAGES.get(language or "en", "english")
    texts, _, indices = _combine_tokens_into_words(tokenizer, list(tokens), name)
    words = []
    for text, places in zip(texts, indices, strict=True):
        start_s, end_s = times_s[places[0]], times_s[places[-1] + 1]
        if text.strip():
            words.append(Word(text.strip(), start_s, min(end_s, start_s + MAX_WORD_S)))
    return words
