"""What a broken file could not give, as failures beside what it gave."""

from collections.abc import Sequence

from schemas.errors import Failure, UnreadableMedia
from schemas.segment import Page, TimeSpan
from workers.media.tracks import Streams

#: Containers whose header knows the length; others estimate it from the bit rate.
_EXACT_CLAIMS = frozenset({"mov", "matroska", "flac", "asf"})
#: Containers that promise sound without gaps, and whose demuxers pass over damage in silence.
_SEAMLESS = frozenset({"ogg"})
#: A tail shorter than this is rounding, not loss.
_TAIL_S, _TAIL_SHARE = 0.5, 0.02
#: Fewer complaints than this are remarks on odd tags or padding, not damage.
_MANY_LOSSES = 10
#: Gaps named one by one.
_N_GAPS = 100


def losses(
    streams: Streams,
    decoded_s: float,
    n_losses: int,
    *,
    cut: str | None = None,
    gaps: Sequence[tuple[float, float]] = (),
) -> list[Failure]:
    """What the decoder could not give: the rest after a break, gaps, or damage all over.

    Args:
        streams: with the header's claim of a length.
        decoded_s: where decoding ended.
        n_losses: complaints of the decoder; without any, a claim or a gap is not a loss.
        cut: what shows that bytes are missing at the end; see `workers.media.completeness`.
        gaps: times without samples between others, in order.
    """
    claim_s = streams.duration_s or 0.0
    is_exact = streams.container.partition(",")[0] in _EXACT_CLAIMS
    if cut or (n_losses and is_exact and claim_s - decoded_s > max(_TAIL_S, _TAIL_SHARE * claim_s)):
        return [_cut(decoded_s, claim_s, cut)]
    is_seamless = streams.container.partition(",")[0] in _SEAMLESS
    if gaps and (n_losses or is_seamless):
        lost_s = sum(end_s - start_s for start_s, end_s in gaps)
        message = f"{lost_s:.2f} s of sound are missing in {len(gaps)} places"
        return [unread(message, start_s, end_s) for start_s, end_s in gaps[:_N_GAPS]]
    if n_losses >= _MANY_LOSSES:
        message = f"{n_losses} decoding errors: picture or sound is damaged in places"
        return [unread(message, 0.0, decoded_s)]
    return []


def _cut(decoded_s: float, claim_s: float, because: str | None) -> Failure:
    """The end that is missing; how long it is, only an exact header knows."""
    of = f" of {claim_s:.2f} s" if claim_s > decoded_s else ""
    reason = f": {because}" if because else ""
    message = f"decoding ended at {decoded_s:.2f} s{of}: the rest is missing{reason}"
    return unread(message, decoded_s, max(claim_s, decoded_s))


def broken_page(page: int, message: str) -> Failure:
    """One page, sheet or chapter that could not be read, or not to its end."""
    return Failure(
        category=UnreadableMedia.__name__,
        message=f"page {page}: {message}",
        stage="prepare",
        locator=Page(page=page),
    )


def unread(message: str, start_s: float | None = None, end_s: float | None = None) -> Failure:
    """A stretch, or without times all, of a stream that could not be read."""
    is_part = start_s is not None and end_s is not None
    return Failure(
        category=UnreadableMedia.__name__,
        message=message,
        stage="prepare",
        locator=TimeSpan(start_s=start_s, end_s=end_s) if is_part else None,
    )
