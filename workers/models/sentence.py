"""Sentence embeddings (Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084).

Encoders (BERT, XLM-R) with mean or first-token pooling, and decoders whose last token has seen the
whole text (Qwen3-Embedding, https://arxiv.org/abs/2506.05176).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemas.stages import ModelRef
from workers.device import Device
from workers.models.inference import inference, to_embeddings
from workers.models.loading import checkpoint_folder, load_weights
from workers.models.roles import Embeddings, PassageEncoder
from workers.models.sentence_layout import Pooling, SentenceLayout
from workers.models.tokens import Tokenizer

if TYPE_CHECKING:
    import torch


class Sentence(PassageEncoder):
    """Checkpoints in the sentence-transformers layout, and plain ones."""

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import AutoModel

        super().__init__(ref, device)
        folder = checkpoint_folder(ref)
        self._model = load_weights(AutoModel, folder, device)
        self._layout = SentenceLayout.read(ref, folder, self._model.config)
        self._tokenizer = Tokenizer(folder, self._layout.max_tokens)

    def warm_up(self) -> None:
        self.embed_texts(["a"])

    def tokenize(self, text: str) -> list[int]:
        return self._tokenizer.encode(self._layout.passage_prefix + text)

    def count_tokens(self, text: str) -> int:
        return self._tokenizer.count(text)

    def embed_tokens(self, batch: Sequence[list[int]]) -> Embeddings:
        with inference():
            tokens = self._tokenizer.pad(batch, self.device)
            hidden = self._model(**tokens).last_hidden_state  # (n, n_tokens, hidden_size)
            # Sums over hundreds of tokens lose digits in the number type of a GPU.
            pooled = pool(hidden.float(), tokens["attention_mask"], self._layout.pooling)
            return to_embeddings(pooled[:, : self._layout.embedding_dim])

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        prefix = self._layout.query_prefix
        return self.embed_tokens([self._tokenizer.encode(prefix + text) for text in texts])


def pool(hidden: "torch.Tensor", mask: "torch.Tensor", pooling: Pooling) -> "torch.Tensor":
    """One row per text of the hidden states of its tokens, whichever side is padded.

    Args:
        hidden: shape (n, n_tokens, hidden_size).
        mask: shape (n, n_tokens); 1 for tokens, 0 for padding.
        pooling: which hidden states.

    Returns:
        Shape (n, hidden_size).
    """
    import torch

    if pooling == "mean":
        weights = mask.unsqueeze(-1).to(hidden.dtype)  # (n, n_tokens, 1)
        return (hidden * weights).sum(1) / weights.sum(1)
    places = torch.arange(mask.shape[1], device=mask.device) * mask  # 0 where padded
    chosen = mask.argmax(1) if pooling == "cls" else places.argmax(1)
    return hidden[torch.arange(len(hidden), device=hidden.device), chosen]
