"""Cuts long speech where its words say it may be cut, and keeps the words with their pieces."""

from collections.abc import Iterator, Sequence
from typing import Any

from schemas.segment import Segment, TimeSpan

#: A word, its start and its end in seconds, as `transcribe` stores it.
TimedWord = Sequence[Any]

_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")  # noqa: RUF001


def timed_words(segment: Segment) -> list[TimedWord]:
    """Words of a segment with their times; none where nobody told them."""
    words: list[TimedWord] = segment.extra.get("words", [])
    return words


def cut_speech(segment: Segment, *, max_span_s: float, max_gap_s: float) -> Iterator[Segment]:
    """Cut a segment at long pauses between words, and where it lasts too long.

    Args:
        segment: speech; one without words, or whose words are not its text, stays whole.
        max_span_s: longest piece; it ends with a sentence if one ends in its second half.
        max_gap_s: longest silence within a piece.

    Yields:
        Pieces in order, each with its own text, span and words.
    """
    words = timed_words(segment)
    places = _places(segment.text or "", words)
    if places is None:
        yield segment
        return
    first = 0
    while first < len(words):
        stop = _stop(words, first, max_span_s, max_gap_s)
        own = words[first:stop]
        end = places[stop] if stop < len(words) else None
        is_whole = first == 0 and end is None
        yield (
            segment
            if is_whole
            else segment.model_copy(
                update={
                    "text": (segment.text or "")[places[first] if first else 0 : end].strip(),
                    "locator": TimeSpan(start_s=own[0][1], end_s=max(own[0][1], own[-1][2])),
                    "extra": {**segment.extra, "words": own},
                }
            )
        )
        first = stop


def _places(text: str, words: Sequence[TimedWord]) -> list[int] | None:
    """Where in the text each word begins; None if it is not made of them."""
    places, after = list[int](), 0
    for word, *_ in words:
        place = text.find(word, after)
        if place < 0:
            return None
        places.append(place)
        after = place + len(word)
    return places or None


def _stop(words: Sequence[TimedWord], first: int, max_span_s: float, max_gap_s: float) -> int:
    """Index behind the last word of the piece that begins with a word."""
    start_s, sentence_end = words[first][1], None
    for i in range(first, len(words)):
        word, word_start_s, word_end_s = words[i]
        if i > first and word_start_s - words[i - 1][2] > max_gap_s:
            return i
        if i > first and word_end_s - start_s > max_span_s:
            return sentence_end or i
        if word.endswith(_SENTENCE_ENDS) and word_end_s - start_s >= max_span_s / 2:
            sentence_end = i + 1
    return len(words)
