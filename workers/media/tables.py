"""Tables on a page: rows of cells that stand in columns, found by where their text is.

Works on one block of the reading order. Ruled lines are not looked at: many tables have none,
and many lines are no table.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from schemas.segment import Box

#: Narrowest gap between columns, in heights of a cell.
_GUTTER = 0.9
#: Rows of several cells that make a table: so many, or fewer where there are more columns.
_LEAST_ROWS, _LEAST_ROWS_IF_WIDE = 3, 2
_WIDE = 3
#: No table has fewer cells.
LEAST_CELLS = 6
#: Rows further apart, in heights of a cell, are not of one table.
_LARGEST_GAP = 4.0
#: A cell's next line follows closer than this share of the distance between rows.
_NEXT_LINE = 0.75

Span = tuple[float, float]


class Table(NamedTuple):
    """Rows of columns of indices; a cell may be empty, or hold several lines."""

    rows: list[list[list[int]]]

    @property
    def members(self) -> list[int]:
        """All that is in the table."""
        return [i for row in self.rows for cell in row for i in cell]


def find_tables(
    boxes: Sequence[Box], *, aspect: float, right_to_left: bool = False
) -> Iterator[Table | list[int]]:
    """Take a block apart: tables, and rows that belong to none, from top to bottom.

    Args:
        boxes: one per piece of text, row by row.
        aspect: width over height of the page, so that gutters compare with heights.
        right_to_left: whether rows start at the right.
    """
    if right_to_left:
        boxes = [box._replace(x0=1 - box.x1, x1=1 - box.x0) for box in boxes]
    rows = _rows(boxes)
    first = 0
    while first < len(rows):
        end, columns = _extent(rows, first, boxes, aspect)
        if columns:
            yield Table(_filled(rows[first:end], columns, boxes))
        else:
            yield from rows[first:end]
        first = end


def _rows(boxes: Sequence[Box]) -> list[list[int]]:
    rows: list[list[int]] = []
    for i, box in enumerate(boxes):
        goes_on = rows and box.x0 >= boxes[rows[-1][-1]].x0 and _is_beside(boxes[rows[-1][0]], box)
        if goes_on:
            rows[-1].append(i)
        else:
            rows.append([i])
    return rows


def _is_beside(a: Box, b: Box) -> bool:
    return min(a.y1, b.y1) - max(a.y0, b.y0) >= 0.5 * min(a.y1 - a.y0, b.y1 - b.y0)


def _extent(
    rows: Sequence[Sequence[int]], first: int, boxes: Sequence[Box], aspect: float
) -> tuple[int, list[Span]]:
    """End of the table that begins with a row, and its columns; none, and the end of no table."""
    spans: list[Span] = []
    end = first
    for number in range(first, len(rows)):
        row = [boxes[i] for i in rows[number]]
        if number > first and _is_far(boxes[rows[number - 1][0]], row[0]):
            break
        if len(row) == 1:
            if number == first:
                break
            continue
        spans = _merged([*spans, *_spans(row)], _least_gap(row, aspect))
        if len(spans) == 1:
            break
        end = number + 1
    columns = _columns([[boxes[i] for i in row] for row in rows[first:end]], aspect)
    return max(end, first + 1), columns


def _is_far(a: Box, b: Box) -> bool:
    return b.y0 - a.y1 > _LARGEST_GAP * (a.y1 - a.y0)


def _columns(rows: Sequence[Sequence[Box]], aspect: float) -> list[Span]:
    """Columns of the rows with the usual number of cells; others have cells across several."""
    counts = Counter(len(row) for row in rows if len(row) > 1)
    if not counts:
        return []
    usual = max(counts, key=lambda n_cells: (counts[n_cells], n_cells))
    full = [row for row in rows if len(row) == usual]
    gap = min(_least_gap(row, aspect) for row in full)
    columns = _merged([span for row in full for span in _spans(row)], gap)
    least = _LEAST_ROWS_IF_WIDE if len(columns) >= _WIDE else _LEAST_ROWS
    return columns if len(columns) > 1 and counts.total() >= least else []


def _spans(row: Iterable[Box]) -> list[Span]:
    return [(box.x0, box.x1) for box in row]


def _least_gap(row: Sequence[Box], aspect: float) -> float:
    return _GUTTER * min(box.y1 - box.y0 for box in row) / aspect


def _merged(spans: Iterable[Span], gap: float) -> list[Span]:
    merged: list[Span] = []
    for low, high in sorted(spans):
        if merged and low - merged[-1][1] <= gap:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        else:
            merged.append((low, high))
    return merged


def _filled(
    rows: Sequence[Sequence[int]], columns: Sequence[Span], boxes: Sequence[Box]
) -> list[list[list[int]]]:
    """Put every piece in the column that it shares most with, and further lines in their row."""
    table = []
    for row in rows:
        cells: list[list[int]] = [[] for _ in columns]
        for i in row:
            cells[_column_of(boxes[i], columns)].append(i)
        table.append(cells)
    return _with_next_lines(table, [boxes[row[0]].y0 for row in rows])


def _column_of(box: Box, columns: Sequence[Span]) -> int:
    shares = [min(box.x1, high) - max(box.x0, low) for low, high in columns]
    return max(range(len(columns)), key=lambda c: shares[c])


def _with_next_lines(table: list[list[list[int]]], tops: Sequence[float]) -> list[list[list[int]]]:
    """Join a row that only goes on with a few cells of the row above it."""
    starts = [top for row, top in zip(table, tops, strict=True) if row[0]]
    pitches = sorted(b - a for a, b in pairwise(starts))
    usual = pitches[len(pitches) // 2] if pitches else 0.0
    joined: list[list[list[int]]] = []
    last_top = 0.0
    for row, top in zip(table, tops, strict=True):
        if joined and top - last_top < _NEXT_LINE * usual and _goes_on(joined[-1], row):
            for above, cell in zip(joined[-1], row, strict=True):
                above.extend(cell)
        else:
            joined.append(row)
        last_top = top
    return joined


def _goes_on(above: Sequence[Sequence[int]], row: Sequence[Sequence[int]]) -> bool:
    n_cells = sum(map(bool, row))
    return (
        not row[0]
        and 2 * n_cells <= len(row)
        and all(up for up, cell in zip(above, row, strict=True) if cell)
    )
