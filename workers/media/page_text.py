"""From the lines of pages to segments: headings, lists and tables as Markdown, what repeats marked.

Lines stay lines, so that each has its box; the lines of a page, joined, are the page.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple

from schemas.segment import Box, Page, Region, Segment
from workers.media.blocks import Block, markdown, row_blocks
from workers.media.page_images import part_of_page
from workers.media.pdf_text import TextLine

#: A short line so much higher than most is a heading; and so much, one of the highest level.
_HEADING, _TITLE = 1.35, 1.8
_HEADING_CHARS = 120
_ITEM = re.compile(
    r"[\u2022\u2023\u2043\u25aa\u25cf\u25cb\u25e6\u25a0\u25a1]\s*|(?P<number>\d{1,3}[.)])\s+"
)

#: Running headers and footers stand in these shares of the page's height, at its edges.
_TOP, _BOTTOM = 0.12, 0.88
#: They repeat, but for numbers, on so many pages, or on all of fewer.
_LEAST_REPEATS = 3
_NUMBER = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|p\.)\s*)?(?:\d{1,4}|[ivxl]{1,6})(?:\s*(?:/|of|von)\s*\d{1,4})?\W*",
    re.IGNORECASE,
)


class _Placed(NamedTuple):
    block: Block
    box: Box


class PageTexts:
    """Collects the lines of pages in order."""

    def __init__(self) -> None:
        self._placed: list[_Placed] = []
        #: Pages on which a line stands at an edge, by its text without numbers.
        self._edges: Counter[str] = Counter()
        self._n_pages = 0

    def add(self, lines: Sequence[TextLine], page: int) -> None:
        """Take the lines of one page, in reading order."""
        if not lines:
            return
        usual = median([line.height for line in lines if not line.rows] or [0.0])
        placed = [_Placed(b, line.box) for line in lines for b in _blocks(line, page, usual)]
        self._placed += placed
        self._n_pages += 1
        self._edges.update({key for one in placed if (key := _edge_key(one))})

    def parts(self) -> dict[int, list[Segment]]:
        """Segments by part; all but the first of what repeats are kept out of search."""
        seen: set[str] = set()
        parts: dict[int, list[Segment]] = {}
        page = Page(page=1)
        for one in self._placed:
            if page.page != one.block.page:
                page = Page(page=one.block.page)
            segments = parts.setdefault(part_of_page(page.page), [])
            segments.append(self._segment(one, page, len(segments), seen))
        return parts

    def _segment(self, one: _Placed, page: Page, ordinal: int, seen: set[str]) -> Segment:
        block, key = one.block, _edge_key(one)
        is_running = bool(key) and self._edges[key] >= min(_LEAST_REPEATS, max(2, self._n_pages))
        is_number = bool(key) and _PAGE_NUMBER.fullmatch(block.text) is not None
        is_beside = is_number or (is_running and key in seen)
        seen.add(key)
        return Segment(
            ordinal=ordinal,
            locator=Region(box=one.box, within=page),
            text=markdown(block),
            role=_running_role(one.box) if is_running or is_number else block.role,
            searchable=not (is_beside or block.is_hidden),
        )


def _blocks(line: TextLine, page: int, usual: float) -> Iterator[Block]:
    """What a line is; a long table is several blocks."""
    if line.rows:
        for table in row_blocks(line.rows, page):
            yield table._replace(is_hidden=line.is_hidden)
        return
    block = Block(line.text.replace("\0", ""), "line", page, is_hidden=line.is_hidden)
    if line.height > _HEADING * usual and len(block.text) < _HEADING_CHARS:
        yield block._replace(role="heading", level=1 if line.height > _TITLE * usual else 2)
    elif (item := _ITEM.match(block.text)) and item.end() < len(block.text):
        rest = block.text[item.end() :]
        yield block._replace(text=rest, role="list_item", number=item["number"] or "")
    else:
        yield block


def _edge_key(one: _Placed) -> str:
    """What a running header or footer has in common with others; empty for a line of the body."""
    if one.block.role == "table" or (one.box.y1 > _TOP and one.box.y0 < _BOTTOM):
        return ""
    return f"{_running_role(one.box)} {_NUMBER.sub('#', one.block.text)}"


def _running_role(box: Box) -> str:
    return "page_header" if box.y1 <= _TOP else "page_footer"
