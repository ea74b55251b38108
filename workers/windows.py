"""Packs speech into the windows that a transcriber takes, and maps times back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

#: Seconds from the start of the part: start, end.
Span = tuple[float, float]

#: Natural pause kept around speech, if there is one: cut words are misheard.
PAD_S = 0.4
#: Speech without any pause is cut at the quietest moment in this last share of a window.
_CUT_FROM = 0.8


@dataclass(frozen=True)
class Window:
    """Stretches of a part that are heard as one, without the silence between them."""

    pieces: tuple[Span, ...]

    @property
    def duration_s(self) -> float:
        """Length of what is heard."""
        return sum(end_s - start_s for start_s, end_s in self.pieces)

    def to_part(self, start_s: float, end_s: float) -> Span:
        """Map a span of the window to the part; it may leave out silence in the middle.

        A start at a seam belongs to the piece behind it, an end to the piece before it.
        """
        first_s = last_s = self.pieces[-1][1]
        seam_s = self.duration_s
        for piece_start_s, piece_end_s in reversed(self.pieces):
            seam_s -= piece_end_s - piece_start_s  # of the window, where this piece begins
            if start_s < seam_s + piece_end_s - piece_start_s:
                first_s = piece_start_s + max(0.0, start_s - seam_s)
            if end_s <= seam_s + piece_end_s - piece_start_s:
                last_s = piece_start_s + max(0.0, end_s - seam_s)
        return first_s, max(first_s, last_s)


def pack(
    speech: Sequence[Span],
    duration_s: float,
    window_s: float,
    find_pause: Callable[[float, float], float],
    *,
    max_gap_s: float,
) -> Iterator[Window]:
    """Fill windows with speech, in order.

    Args:
        speech: regions in order, not overlapping.
        duration_s: length of the part.
        window_s: longest window.
        find_pause: the quietest moment between two moments of the part.
        max_gap_s: speech further apart goes into different windows, so that no utterance
            spans the gap.

    Yields:
        Windows of at most `window_s`.
    """
    pieces = list[Span]()
    for span in _cut_long(_padded(speech, duration_s), window_s, find_pause):
        if pieces and not _fits(pieces, span, window_s, max_gap_s):
            yield Window(tuple(pieces))
            pieces = []
        if pieces and span[0] <= pieces[-1][1]:
            pieces[-1] = (pieces[-1][0], span[1])
        else:
            pieces.append(span)
    if pieces:
        yield Window(tuple(pieces))


def _fits(pieces: Sequence[Span], span: Span, window_s: float, max_gap_s: float) -> bool:
    length_s = Window((*pieces, span)).duration_s
    return length_s <= window_s and span[0] - pieces[-1][1] <= max_gap_s


def _padded(speech: Sequence[Span], duration_s: float) -> Iterator[Span]:
    """Widen regions into the pauses around them, neighbours half each."""
    for i, (start_s, end_s) in enumerate(speech):
        before_s = speech[i - 1][1] if i else -start_s
        after_s = speech[i + 1][0] if i + 1 < len(speech) else 2 * duration_s - end_s
        yield (
            max(start_s - PAD_S, (before_s + start_s) / 2),
            min(end_s + PAD_S, (end_s + after_s) / 2),
        )


def _cut_long(
    spans: Iterable[Span], window_s: float, find_pause: Callable[[float, float], float]
) -> Iterator[Span]:
    for start_s, end_s in spans:
        rest_s = start_s
        while end_s - rest_s > window_s:
            cut_s = find_pause(rest_s + _CUT_FROM * window_s, rest_s + window_s)
            yield rest_s, cut_s
            rest_s = cut_s
        yield rest_s, end_s
