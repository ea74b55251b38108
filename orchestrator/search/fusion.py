"""Weighted reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): pure functions.

Lists of different spaces are fused by rank, because a cosine of one model and a BM25 score of
another have no common unit.
"""

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
ListKey = TypeVar("ListKey", bound=Hashable)

#: The paper's constant: how little the first few ranks differ from each other.
RRF_K = 60


def fuse(
    rankings: Mapping[ListKey, Sequence[Key]], weights: Mapping[ListKey, float]
) -> dict[Key, float]:
    """Fused score of every key: the sum over lists of `weight / (RRF_K + rank)`, rank from 1.

    Args:
        rankings: each list's keys, best first, without repeats.
        weights: how much each list counts; all lists have one.

    Returns:
        Scores in no particular order; higher is better.
    """
    fused: dict[Key, float] = {}
    for name, keys in rankings.items():
        for position, key in enumerate(keys, start=1):
            fused[key] = fused.get(key, 0.0) + weights[name] / (RRF_K + position)
    return fused
