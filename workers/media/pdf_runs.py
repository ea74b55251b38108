"""Runs of text of one PDF page: baselines as PDFium finds them, cut where there is a wide gap."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import pypdfium2 as pdfium

from schemas.segment import Box
from workers.media.arabic import ARABIC, in_written_order
from workers.media.pdf_calls import TextRects, character_index
from workers.media.pdf_display import Display, Rect
from workers.media.pdf_scan import is_invisible, is_scan

#: PDFium marks a hyphen at the end of a baseline with this instead of "-" and a line break.
LINE_HYPHEN = "\ufffe"
_BASELINE = re.compile("[^\r\n\ufffe]+\ufffe?")
#: Horizontal gap in line heights. Wider: perhaps a gutter, so the baseline is cut.
_GUTTER = 1.5

#: Runs that share so much of what both cover, and so much of their text, are one twice.
_SAME_PLACE, _SAME_TEXT = 0.6, 0.5
_COMPARED = 200
#: Where such runs are looked for: their corners are no further apart, in shares of the page.
_NEAR = 0.01
#: Cells of that size are numbered row by row, with room beside the last.
_STRIDE = 1000
_NEIGHBOURS = tuple(r * _STRIDE + c for r in (-1, 0, 1) for c in (-1, 0, 1))


class Run(NamedTuple):
    """Part number `part` of the baseline number `row`; its text keeps the spaces at its end."""

    row: int
    part: int
    text: str
    box: Box
    height: float
    is_hidden: bool = False

    def joined(self, after: "Run", text: str) -> "Run":
        """With a run that goes on after it; the longer one says how high letters are."""
        longer = max(self, after, key=lambda run: run.box.x1 - run.box.x0)
        box = union([self.box, after.box])
        return after._replace(text=text, box=box, height=longer.height)


class RunReader:
    """Reads the runs of one page."""

    def __init__(self, page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, text: str) -> None:
        self._page = page
        self._textpage = textpage
        self._rects = TextRects(textpage.raw)
        self._text = text

    def read(self, display: Display) -> Iterator[Run]:
        """Runs that lie on the displayed page, in the order of the content stream."""
        for row, (first, baseline) in enumerate(self._baselines()):
            for part, (start, text, rect) in enumerate(self._runs(first, baseline)):
                box = display.box(rect)
                if box and not text.isspace():
                    height = box.y1 - box.y0
                    yield Run(row, part, text, box, height, is_hidden=self._is_hidden(start))

    def _baselines(self) -> Iterator[tuple[int, str]]:
        """Number of the first character, and text; PDFium counts UTF-16 code units."""
        is_ascii, n_units, end = self._text.isascii(), 0, 0
        for found in _BASELINE.finditer(self._text):
            start = found.start()
            n_units += start - end if is_ascii else _n_units(self._text[end:start])
            end = start
            yield character_index(self._textpage.raw, n_units), found[0]

    def _runs(self, first: int, baseline: str) -> Iterator[tuple[int, str, Rect]]:
        """Cut a baseline at wide gaps; yields start, text and rectangle of its parts."""
        n_units = len(baseline) if baseline.isascii() else _n_units(baseline)
        rects = self._rects.of(first, n_units)
        if not rects:
            return
        gap = _GUTTER * max(top - bottom for _, bottom, _, top in rects)
        if n_units != len(baseline) or not _has_gap(rects, gap):
            yield first, self._written(first, baseline), _around(rects)
            return
        for start, end in pairwise([0, *self._cuts(first, baseline, gap), len(baseline)]):
            if rects := self._rects.of(first + start, end - start):
                text = self._written(first + start, baseline[start:end])
                yield first + start, text, _around(rects)

    def _written(self, first: int, text: str) -> str:
        if text.isascii() or not ARABIC.search(text):
            return text
        return in_written_order(text, lambda i: self._textpage.get_charbox(first + i, loose=True))

    def _cuts(self, first: int, baseline: str, gap: float) -> Iterator[int]:
        """Positions in the baseline before which there is a wide gap."""
        last: Rect | None = None
        for i, character in enumerate(baseline):
            if character.isspace():
                continue
            rect = self._rects.of_character(first + i)
            if last and max(rect[0] - last[2], last[0] - rect[2]) > gap:
                yield i
            last = rect

    def _is_hidden(self, character: int) -> bool:
        """Whether it is drawn invisibly, and not as the text of a picture that is seen."""
        return is_invisible(self._textpage, character) and not self._is_picture

    @cached_property
    def _is_picture(self) -> bool:
        return is_scan(self._page)


def _n_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _has_gap(rects: Sequence[Rect], gap: float) -> bool:
    return any(max(b[0] - a[2], a[0] - b[2]) > gap for a, b in pairwise(rects))


def _around(rects: Sequence[Rect]) -> Rect:
    if len(rects) == 1:
        return rects[0]
    x0, y0, x1, y1 = zip(*rects, strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def union(boxes: Sequence[Box]) -> Box:
    """The smallest box around all."""
    return Box(*_around(boxes))


def distinct(runs: Iterable[Run]) -> Iterator[Run]:
    """Leave out what stands there already: shadows, and the layer of a second OCR program."""
    kept: dict[int, list[Run]] = defaultdict(list)
    for run in runs:
        place = int(run.box.y0 / _NEAR) * _STRIDE + int(run.box.x0 / _NEAR)
        near = [other for step in _NEIGHBOURS for other in kept.get(place + step, ())]
        if not any(_is_same(other, run) for other in near):
            kept[place].append(run)
            yield run


def _is_same(first: Run, second: Run) -> bool:
    a, b = first.box, second.box
    width, height = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    if width <= 0 or height <= 0:
        return False
    shared = width * height
    if shared < _SAME_PLACE * (_area(a) + _area(b) - shared):
        return False
    texts = first.text.strip()[:_COMPARED], second.text.strip()[:_COMPARED]
    return texts[0] == texts[1] or SequenceMatcher(None, *texts).ratio() > _SAME_TEXT


def _area(box: Box) -> float:
    return (box.x1 - box.x0) * (box.y1 - box.y0)
