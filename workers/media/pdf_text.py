"""The text layer of one PDF page: lines with boxes, in reading order.

PDFium gives characters in the order of the content stream, cut into baselines. A baseline that
crosses a gutter is cut there, and the runs are put in reading order. There, runs in columns are a
table, and others of one baseline that stay neighbours are joined again.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import pypdfium2 as pdfium

from schemas.segment import Box
from workers.media.pdf_display import Display
from workers.media.pdf_runs import LINE_HYPHEN, Run, RunReader, distinct, union
from workers.media.reading_order import reading_blocks
from workers.media.tables import LEAST_CELLS, Table, find_tables

_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")

#: Horizontal gaps, in line heights. Narrower: the same line goes on, as after a raised mark; and
#: narrower still: without a space.
_GLUE = 0.5
_SPACE = 0.12
#: Marks and numbers of list items stand so far before their text at most.
_HANGING = 6.0
_ITEM_MARK = re.compile(
    r"\s*([\u2022\u2023\u2043\u25aa\u25cf\u25cb\u25e6\u25a0\u25a1\u2013*o-]|\(?\w{1,3}[.)])\s*"
)
#: How much higher than its word an initial is.
_INITIAL = 1.5


class TextLine(NamedTuple):
    """Text of one line, or the rows of a table, and where it is shown."""

    text: str
    box: Box
    #: Of its letters, as a share of the page's; a high initial does not count.
    height: float = 0.0
    #: Cells of a table, row by row; its text is empty then.
    rows: tuple[tuple[str, ...], ...] = ()
    #: Whether nobody sees it who looks at the page.
    is_hidden: bool = False


def read_lines(page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, text: str) -> list[TextLine]:
    """Lines of text that lie on the displayed page, in reading order, as stored.

    Args:
        page: the page.
        textpage: its text layer.
        text: all of it, as PDFium gives it.
    """
    display = Display(page)
    runs = list(_glued(distinct(RunReader(page, textpage, text).read(display)), display.aspect))
    is_right_to_left = not text.isascii() and len(_RIGHT_TO_LEFT.findall(text)) > len(text) / 3
    options: dict[str, Any] = {"aspect": display.aspect, "right_to_left": is_right_to_left}
    lines: list[TextLine] = []
    for block in reading_blocks([run.box for run in runs], **options):
        members = [runs[i] for i in block]
        if len(members) < LEAST_CELLS:
            lines.extend(map(_line, _joined(members)))
            continue
        for piece in find_tables([run.box for run in members], **options):
            if isinstance(piece, Table):
                lines.append(_table(piece, members))
            else:
                lines.extend(map(_line, _joined([members[i] for i in piece])))
    return lines


def _line(run: Run) -> TextLine:
    return TextLine(_clean(run.text), run.box, run.height, is_hidden=run.is_hidden)


def _table(table: Table, runs: Sequence[Run]) -> TextLine:
    rows = (
        tuple(" ".join(_clean(runs[i].text) for i in cell) for cell in row) for row in table.rows
    )
    box = union([runs[i].box for i in table.members])
    is_hidden = all(runs[i].is_hidden for i in table.members)
    return TextLine("", box, rows=tuple(rows), is_hidden=is_hidden)


def _clean(text: str) -> str:
    return text.replace(LINE_HYPHEN, "-").strip()


def _glued(runs: Iterable[Run], aspect: float) -> Iterator[Run]:
    """Put raised marks, and the words after them, and marks of list items back on their line."""
    last: Run | None = None
    for run in runs:
        gap = _gap(last.box, run.box, aspect) if last else None
        if last is None or gap is None or not _goes_on(last, run, gap):
            if last:
                yield last
            last = run
            continue
        space = " " if gap > _SPACE and not _is_initial(last, run) else ""
        text = last.text.rstrip() + space + run.text
        last = last.joined(run, text)
    if last:
        yield last


def _goes_on(last: Run, run: Run, gap: float) -> bool:
    if 0 <= gap < _HANGING and _ITEM_MARK.fullmatch(last.text):
        return True
    return abs(gap) < _GLUE and last.row != run.row


def _is_initial(letter: Run, rest: Run) -> bool:
    """Whether a paragraph opens with one high letter."""
    heights = [run.box.y1 - run.box.y0 for run in (letter, rest)]
    return len(letter.text.strip()) == 1 and heights[0] > _INITIAL * heights[1]


def _gap(a: Box, b: Box, aspect: float) -> float | None:
    """Gap from a to b in line heights; None unless they stand on one line."""
    heights = a.y1 - a.y0, b.y1 - b.y0
    overlap = min(a.y1, b.y1) - max(a.y0, b.y0)
    return (b.x0 - a.x1) * aspect / max(heights) if overlap > 0.3 * min(heights) else None


def _joined(runs: list[Run]) -> Iterator[Run]:
    """Join neighbours that continue one baseline."""
    last: Run | None = None
    for run in runs:
        is_next = last and (run.row, run.part) == (last.row, last.part + 1)
        if last and is_next and _gap(last.box, run.box, 1.0) is not None:
            last = last.joined(run, last.text + run.text)
            continue
        if last:
            yield last
        last = run
    if last:
        yield last
