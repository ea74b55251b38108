"""Sparse vectors: BM25 term weights; the engine that stores them adds the rarity of terms."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qdrant_edge import Bm25, SparseVector

#: Parallel: hashed terms, ascending, and their weights.
Terms = tuple[list[int], list[float]]


def sparse_document(text: str, language: str | None = None) -> Terms:
    """Term weights of a passage; none if it holds only stop words.

    Args:
        text: the passage, in any script.
        language: whose stop words and stemmer to use, by its English name; English by default.

    Raises:
        ValueError: no such language.
    """
    return _terms(_bm25(language or "english").embed_document(text))


def sparse_query(text: str, language: str | None = None) -> Terms | None:
    """Terms of a question, each of weight 1; None if it holds only stop words."""
    terms = _terms(_bm25(language or "english").embed_query(text))
    return terms if terms[0] else None


@cache
def _bm25(language: str) -> "Bm25":
    from qdrant_edge import Bm25, Bm25Config, TokenizerType

    # The multilingual tokenizer finds words in scripts without spaces as well.
    tokenizer = TokenizerType.Multilingual
    return Bm25(Bm25Config(language=language, tokenizer=tokenizer, ascii_folding=True))


def _terms(vector: "SparseVector") -> Terms:
    pairs = sorted(zip(vector.indices, vector.values, strict=True))
    return [index for index, _ in pairs], [value for _, value in pairs]
