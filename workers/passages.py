"""Cuts a source's text into passages: long enough to mean something, short enough to embed."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from schemas.segment import Box, Locator, Page, Place, Region, Segment, TimeSpan, place
from workers.word_spans import TimedWord, cut_speech, timed_words

#: Word pieces; within the 256 that small sentence models were trained on, marks included.
MAX_TOKENS = 200
#: Speech and subtitles: a longer silence starts another passage, and no merged one spans more:
#: a hit is a moment to listen to, not a chapter.
MAX_GAP_S = 3.0
MAX_SPAN_S = 10.0

#: Where too long a text is cut, best places first.
_CUTS = (re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+"), re.compile(r"\s+"))  # noqa: RUF001

#: Roles of text that says something by itself about its own place.
_ALONE = {"caption", "chapter", "comment", "page_footer", "page_header"}
#: Marks of Markdown that say nothing to a model: of headings, and below the head of a table.
_MARKS = {
    "heading": re.compile(r"\A#{1,6} "),
    "table": re.compile(r"^\|(?: --- \|)+\n?", re.MULTILINE),
}

CountTokens = Callable[[str], int]


def cut_passages(
    segments: Iterable[Segment], count_tokens: CountTokens, *, max_tokens: int = MAX_TOKENS
) -> Iterator[Segment]:
    """Merge neighbouring segments, and split long ones, into passages.

    Passages never cross pages, frames, long silences, headings or languages; captions and chapter
    titles stay alone. Speech whose words are timed is cut between them where it is long or
    silent, and its passages keep the words. Segments that are kept out of search are left out.

    Args:
        segments: text of one source, in reading or time order.
        count_tokens: word pieces of a text.
        max_tokens: longest passage; only a text without a single space may be longer.

    Yields:
        Segments of role `passage`, numbered from 0, each located where its sources are.
    """
    passages = _merged(_short(segments, count_tokens, max_tokens), max_tokens)
    for ordinal, passage in enumerate(passages):
        yield passage.segment(ordinal)


@dataclass
class _Passage:
    parts: list[Segment] = field(default_factory=list)
    n_tokens: int = 0

    def add(self, part: Segment, n_tokens: int) -> None:
        self.parts.append(part)
        self.n_tokens += n_tokens

    def segment(self, ordinal: int) -> Segment:
        return Segment(
            ordinal=ordinal,
            role="passage",
            text=" ".join(part.text.strip() for part in self.parts if part.text),
            locator=_union([place(part.locator) for part in self.parts]),
            language=next((part.language for part in self.parts if part.language), None),
            extra={"words": words} if (words := self._words()) else {},
        )

    def _words(self) -> list[TimedWord]:
        """Words with their times; none unless every part has its own."""
        words = [timed_words(part) for part in self.parts]
        return [word for own in words for word in own] if all(words) else []


def _short(
    segments: Iterable[Segment], count_tokens: CountTokens, max_tokens: int
) -> Iterator[tuple[Segment, int]]:
    """Searchable text, none of it longer than a passage, with its number of tokens."""
    for segment in segments:
        if not (segment.text or "").strip() or not segment.searchable:
            continue
        for part in cut_speech(segment, max_span_s=MAX_SPAN_S, max_gap_s=MAX_GAP_S):
            for piece, n_tokens in _split(_unmarked(part), count_tokens, max_tokens):
                yield part.model_copy(update={"text": piece}), n_tokens


def _unmarked(segment: Segment) -> str:
    marks = _MARKS.get("table" if segment.role == "chart" else segment.role)
    text = segment.text or ""
    return (marks.sub("", text) if marks else text).strip()


def _split(
    text: str, count_tokens: CountTokens, limit: int, cuts: Sequence[re.Pattern[str]] = _CUTS
) -> Iterator[tuple[str, int]]:
    """Cut a text at sentence ends; a sentence that is too long at spaces; else anywhere."""
    n_tokens = count_tokens(text)
    if n_tokens <= limit:
        yield text, n_tokens
    elif not cuts:
        for start in range(0, len(text), limit):
            piece = text[start : start + limit]
            yield piece, count_tokens(piece)
    else:
        parts = (part for part in cuts[0].split(text) if part.strip())
        pieces = (piece for part in parts for piece in _split(part, count_tokens, limit, cuts[1:]))
        yield from _filled(pieces, limit)


def _filled(pieces: Iterable[tuple[str, int]], limit: int) -> Iterator[tuple[str, int]]:
    """Join short pieces again as long as they fit."""
    texts, total = list[str](), 0
    for text, n_tokens in pieces:
        if texts and total + n_tokens > limit:
            yield " ".join(texts), total
            texts, total = [], 0
        texts.append(text)
        total += n_tokens
    if texts:
        yield " ".join(texts), total


def _merged(parts: Iterable[tuple[Segment, int]], max_tokens: int) -> Iterator[_Passage]:
    passage = _Passage()
    for part, n_tokens in parts:
        if passage.parts and not (
            passage.n_tokens + n_tokens <= max_tokens and _belongs(passage.parts, part)
        ):
            yield passage
            passage = _Passage()
        passage.add(part, n_tokens)
    if passage.parts:
        yield passage


def _belongs(parts: Sequence[Segment], part: Segment) -> bool:
    last = parts[-1]
    if _ALONE & {last.role, part.role}:
        return False
    if part.role == "heading" != last.role:
        return False
    known = {one.language for one in (*parts, part) if one.language}
    if len(known) > 1:
        return False
    return _is_near(place(parts[0].locator), place(last.locator), place(part.locator))


def _is_near(first: Place, last: Place, after: Place) -> bool:
    """Whether a place follows on the same page, on the same frame, or soon enough."""
    if last.page != after.page or (last.box is None) != (after.box is None):
        return False
    if last.box is not None:
        return (last.start_s, last.end_s) == (after.start_s, after.end_s)
    if first.start_s is None or last.end_s is None or after.start_s is None:
        return first.start_s == after.start_s
    end_s = after.end_s or after.start_s
    return after.start_s - last.end_s <= MAX_GAP_S and end_s - first.start_s <= MAX_SPAN_S


def _union(places: Sequence[Place]) -> Locator | None:
    """The place that holds them all; they are on one page or frame, or in one stretch of time."""
    within: Page | TimeSpan | None = None
    starts = [where.start_s for where in places if where.start_s is not None]
    ends = [where.end_s for where in places if where.end_s is not None]
    if places[0].page is not None:
        within = Page(page=places[0].page)
    elif starts and ends:
        within = TimeSpan(start_s=min(starts), end_s=max(ends))
    boxes = [where.box for where in places if where.box is not None]
    if not boxes:
        return within
    lows, highs = [(b.x0, b.y0) for b in boxes], [(b.x1, b.y1) for b in boxes]
    return Region(
        box=Box(
            min(x for x, _ in lows),
            min(y for _, y in lows),
            max(x for x, _ in highs),
            max(y for _, y in highs),
        ),
        within=within,
    )
