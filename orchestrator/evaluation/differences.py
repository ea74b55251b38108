"""Two texts side by side: what was expected, what was found, word by word. Pure functions."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein

#: Words compared and shown; the rest is counted.
_MAX_WORDS = 500
#: With a smaller share of words in common, two texts are shown one after the other.
_MIN_ALIKE = 0.25
#: A longer stretch without a difference is shown by its ends.
_LONG_RUN, _RUN_END = 40, 12


class Piece(NamedTuple):
    """A stretch of words: `equal`, `missing` (expected, not found), `extra` or `left_out`."""

    kind: str
    text: str


def differences(expected: str, found: str) -> list[Piece]:
    """The fewest words to drop and to add that make one text of the other."""
    wanted, read = expected.split(), found.split()
    first, second = wanted[:_MAX_WORDS], read[:_MAX_WORDS]
    pieces: list[Piece] = []
    steps = Levenshtein.opcodes(first, second)
    n_alike = sum(s.src_end - s.src_start for s in steps if s.tag == "equal")
    if n_alike < _MIN_ALIKE * max(len(first), len(second)):
        return [*_changed(first, second), *_left_out(wanted, read)]
    for step in steps:
        before, after = (
            first[step.src_start : step.src_end],
            second[step.dest_start : step.dest_end],
        )
        pieces += _equal(before) if step.tag == "equal" else _changed(before, after)
    return [*pieces, *_left_out(wanted, read)]


def _left_out(wanted: Sequence[str], read: Sequence[str]) -> Iterator[Piece]:
    n_left = max(len(wanted), len(read)) - _MAX_WORDS
    if n_left > 0:
        yield Piece("left_out", f"{n_left} more words")


def _equal(words: Sequence[str]) -> Iterator[Piece]:
    if len(words) <= _LONG_RUN:
        yield Piece("equal", " ".join(words))
        return
    yield Piece("equal", " ".join(words[:_RUN_END]))
    yield Piece("left_out", f"{len(words) - 2 * _RUN_END} words alike")
    yield Piece("equal", " ".join(words[-_RUN_END:]))


def _changed(before: Sequence[str], after: Sequence[str]) -> Iterator[Piece]:
    if before:
        yield Piece("missing", " ".join(before))
    if after:
        yield Piece("extra", " ".join(after))
