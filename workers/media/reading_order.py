"""The order in which people read the lines of a page.

A recursive XY-cut (Nagy & Seth 1984; Ha, Haralick & Phillips 1995) over line boxes. Two rules
keep it from the classic mistakes: only groups of lines that look like columns of running text
are read one after the other, so rows of tables and receipts stay rows; and strips of a page
that share a gutter are joined before it is cut, so a heading across two columns ends both.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from schemas.segment import Box

#: Width over height of a portrait A4 page.
A4_ASPECT = 0.707

#: All lengths below are in median line heights.
_MIN_GUTTER = 0.9
_MIN_COLUMN_WIDTH = 6.0
_MIN_COLUMN_LINES = 3
#: Share of its column that a middling line of running text fills; table cells fill less.
_MIN_FILL = 0.45
#: Share of a line's height trimmed off both edges, so that skewed neighbours do not touch.
_TRIM = 0.25
#: A line so much higher than wide is set sideways: margin stamps, axis labels.
_SIDEWAYS = 2.0
#: Deeper nesting than any real page; bounds hostile ones.
_MAX_DEPTH = 24


_Span = tuple[float, float]


class _Line(NamedTuple):
    ordinal: int
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2

    @property
    def is_sideways(self) -> bool:
        height = self.y1 - self.y0
        return height > _SIDEWAYS and height > _SIDEWAYS * (self.x1 - self.x0)


def reading_order(
    boxes: Sequence[Box], *, aspect: float = A4_ASPECT, right_to_left: bool = False
) -> list[int]:
    """Order line boxes as a reader meets them; lines set sideways come last.

    Args:
        boxes: one box per line of text, fractions of the displayed page.
        aspect: width over height of the page, so that gutters compare with line heights.
        right_to_left: whether columns and rows start at the right (Arabic, Hebrew).

    Returns:
        Every index into `boxes` once, in reading order.
    """
    blocks = reading_blocks(boxes, aspect=aspect, right_to_left=right_to_left)
    return [i for block in blocks for i in block]


def reading_blocks(
    boxes: Sequence[Box], *, aspect: float = A4_ASPECT, right_to_left: bool = False
) -> list[list[int]]:
    """The same order in blocks: what no gutter and no gap cuts any further.

    A table is one block, perhaps with lines above and below that leave its gutters free.
    """
    if not boxes:
        return []
    if right_to_left:
        boxes = [box._replace(x0=1 - box.x1, x1=1 - box.x0) for box in boxes]
    unit = median(box.y1 - box.y0 for box in boxes) or 0.01
    lines = _lines(boxes, aspect / unit, 1 / unit)
    upright = [line for line in lines if not line.is_sideways]
    sideways = [line for line in lines if line.is_sideways]
    return [[line.ordinal for line in block] for block in [*_order(upright, 0), sideways] if block]


def _lines(boxes: Sequence[Box], x_scale: float, y_scale: float) -> list[_Line]:
    """Boxes in units of the median line height, trimmed above and below."""
    lines = []
    for i, box in enumerate(boxes):
        trim = min((box.y1 - box.y0) * _TRIM, _TRIM / y_scale)
        y0, y1 = (box.y0 + trim) * y_scale, (box.y1 - trim) * y_scale
        lines.append(_Line(i, box.x0 * x_scale, y0, box.x1 * x_scale, y1))
    return lines


def _order(lines: list[_Line], depth: int) -> list[list[_Line]]:
    if len(lines) < 2 or depth == _MAX_DEPTH:  # noqa: PLR2004
        return [_by_rows(lines)]
    parts = _columns(lines)
    if len(parts) == 1:
        parts = _blocks(lines)
    if len(parts) == 1:
        parts = _beside_margin(lines)
    if len(parts) == 1:
        return [_by_rows(lines)]
    return [block for part in parts for block in _order(part, depth + 1)]


def _columns(lines: list[_Line]) -> list[list[_Line]]:
    """Cut at every gutter, then join what is no column of text to its nearer neighbour."""
    columns = _split_x(lines)
    while len(columns) > 1:
        odd = next((i for i, column in enumerate(columns) if not _is_column(column)), None)
        if odd is None:
            return columns if _stand_side_by_side(columns) else [lines]
        left = odd - 1 if _joins_left(columns, odd) else odd
        columns[left : left + 2] = [columns[left] + columns[left + 1]]
    return columns


def _joins_left(columns: list[list[_Line]], i: int) -> bool:
    if i in (0, len(columns) - 1):
        return i > 0
    return _gap(columns[i - 1], columns[i]) < _gap(columns[i], columns[i + 1])


def _gap(left: list[_Line], right: list[_Line]) -> float:
    return min(line.x0 for line in right) - max(line.x1 for line in left)


def _is_column(lines: list[_Line]) -> bool:
    if len(lines) < _MIN_COLUMN_LINES:
        return False
    extent = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    width = median(line.x1 - line.x0 for line in lines)
    return width >= max(_MIN_COLUMN_WIDTH, _MIN_FILL * extent)


def _stand_side_by_side(columns: list[list[_Line]]) -> bool:
    """Whether each column shares at least half the height of the shorter neighbour."""
    spans = [(min(n.y0 for n in c), max(n.y1 for n in c)) for c in columns]
    return all(
        min(a[1], b[1]) - max(a[0], b[0]) >= 0.5 * min(a[1] - a[0], b[1] - b[0])
        for a, b in pairwise(spans)
    )


def _blocks(lines: list[_Line]) -> list[list[_Line]]:
    """Cut at every horizontal gap, then join neighbours through which one gutter runs.

    A short line at a border fits two blocks; of joining downwards and upwards the one that
    makes the larger blocks is right more often.
    """
    strips = [(strip, _merged([(n.x0, n.x1) for n in strip])) for strip in _split_y(lines)]
    down = _join(strips)
    if len(down) == len(strips):  # no two neighbours fit, in whichever order they are met
        return down
    up = _join(strips[::-1])[::-1]
    return max(down, up, key=lambda blocks: sum(len(block) ** 2 for block in blocks))


def _beside_margin(lines: list[_Line]) -> list[list[_Line]]:
    """Take what stands in a margin out, where columns of text are what is left.

    A stamp leaves a gutter along the whole page, which ties all blocks together.
    """
    columns = _split_x(lines)
    outer = [c for c in (columns[0], columns[-1]) if len(c) < _MIN_COLUMN_LINES]
    margin = [line for column in outer for line in column]
    rest = [line for line in lines if line not in margin]
    blocks = _blocks(rest) if margin and rest else []
    if not any(len(_columns(block)) > 1 for block in blocks):
        return [lines]
    return sorted([*blocks, *([line] for line in margin)], key=lambda b: min(n.y0 for n in b))


def _join(strips: Iterable[tuple[list[_Line], list[_Span]]]) -> list[list[_Line]]:
    blocks: list[list[_Line]] = []
    spans: list[_Span] = []
    for strip, own in strips:
        joined = _merged([*spans, *own])
        if len(joined) > 1 and _keeps_gutter(spans, joined) and _keeps_gutter(own, joined):
            blocks[-1].extend(strip)
            spans = joined
        else:
            blocks.append(list(strip))
            spans = own
    return blocks


def _keeps_gutter(before: list[_Span], after: list[_Span]) -> bool:
    """Whether one of the gutters that there were is left; a stamp in a margin makes one, too."""
    gutters = _gutters(before)
    left = _gutters(after)
    is_left = any(low < b and a < high for low, high in gutters for a, b in left)
    return is_left or len(before) == 1


def _gutters(spans: list[_Span]) -> list[_Span]:
    return [(a[1], b[0]) for a, b in pairwise(spans)]


def _merged(spans: list[_Span]) -> list[_Span]:
    """Merge spans that overlap or leave less than a gutter between them."""
    merged: list[_Span] = []
    for low, high in sorted(spans):
        if merged and low - merged[-1][1] <= _MIN_GUTTER:
            merged[-1] = merged[-1][0], max(merged[-1][1], high)
        else:
            merged.append((low, high))
    return merged


def _split_x(lines: list[_Line]) -> list[list[_Line]]:
    return _split(((line.x0, line.x1, line) for line in lines), _MIN_GUTTER)


def _split_y(lines: list[_Line]) -> list[list[_Line]]:
    return _split(((line.y0, line.y1, line) for line in lines), 0.0)


def _split(spans: Iterable[tuple[float, float, _Line]], least_gap: float) -> list[list[_Line]]:
    """Group lines whose spans overlap or lie less than `least_gap` apart."""
    groups: list[list[_Line]] = []
    end = float("-inf")
    for low, high, line in sorted(spans):
        if low - end > least_gap or not groups:
            groups.append([])
        groups[-1].append(line)
        end = max(end, high)
    return groups


def _by_rows(lines: list[_Line]) -> list[_Line]:
    """Top to bottom; lines on one baseline from left to right."""
    rows: list[list[_Line]] = []
    for line in sorted(lines, key=lambda line: line.middle):
        # Half of the lower one beside the other is enough: cells hang high or low in their row.
        if rows and line.y0 < rows[-1][0].y1:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.x0)]
