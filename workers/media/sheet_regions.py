"""The tables of a sheet: rows between empty rows, cut where tables stand side by side."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from workers.media.parts import Parts

#: A region is cut into tables by its first rows; longer ones go on as they began.
_ROWS = 500
_MERGED = re.compile(rb"mergeCell\s[^>]*?ref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']")
_CHUNK_BYTES = 1 << 20
_MATCH_BYTES = 200
_MOST_MERGED = 20_000
_MOST_COLUMNS = 1_000
#: Tables side by side have at least so many columns and rows each; narrower ones are a form,
#: whose labels and values are one text.
_TABLE_COLUMNS, _TABLE_ROWS = 2, 2

Row = list[str]


class Merged(NamedTuple):
    """Merged cells; rows and columns from 0, the last ones included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


class Region(NamedTuple):
    """A table and its first row, from 0."""

    first_row: int
    rows: Sequence[Row]


def merged_cells(parts: Parts, path: str) -> list[Merged]:
    """Merged cells of a sheet, in the order of their rows.

    They stand behind all rows, so the part is searched, not parsed.
    """
    found: list[Merged] = []
    with parts.opened(path) as stream:
        rest = b""
        while chunk := stream.read(_CHUNK_BYTES):
            data, start = rest + chunk, 0
            for match in _MERGED.finditer(data):
                found.append(_merged(match))
                start = match.end()
            rest = data[max(start, len(data) - _MATCH_BYTES) :]
            if len(found) > _MOST_MERGED:
                break
    return sorted(found)


def _merged(match: re.Match[bytes]) -> Merged:
    first, first_row, last, last_row = match.groups()
    return Merged(int(first_row) - 1, _column(first), int(last_row) - 1, _column(last))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number - 1


def filled(rows: Iterable[Row], merged: Sequence[Merged]) -> Iterator[Row]:
    """Rows in which every cell of a merged area says what its first one says.

    An area that is alone in its only row is a title: it stands there once.
    """
    waiting = list(reversed(merged))
    open_areas: list[tuple[Merged, str]] = []
    for number, row in enumerate(rows):
        while waiting and waiting[-1].first_row <= number:
            area = waiting.pop()
            text = row[area.first_column] if area.first_column < len(row) else ""
            if text and not _is_title(area, row, text):
                open_areas.append((area, text))
        for area, text in open_areas:
            _fill(row, area, text)
        open_areas = [one for one in open_areas if one[0].last_row > number]
        yield row


def _is_title(area: Merged, row: Row, text: str) -> bool:
    is_alone = sum(map(bool, row)) == 1
    return is_alone and area.first_row == area.last_row and bool(text)


def _fill(row: Row, area: Merged, text: str) -> None:
    last = min(area.last_column, area.first_column + _MOST_COLUMNS)
    row.extend([""] * (last + 1 - len(row)))
    row[area.first_column : last + 1] = [text] * (last + 1 - area.first_column)


def regions(rows: Iterable[Row]) -> Iterator[Region]:
    """Tables in the order of their first rows."""
    gathered: list[Row] = []
    first_row = 0
    for number, row in enumerate(rows):
        if any(row):
            first_row = first_row if gathered else number
            gathered.append(row)
        if gathered and (not any(row) or len(gathered) == _ROWS):
            yield from _side_by_side(gathered, first_row)
            gathered = []
    if gathered:
        yield from _side_by_side(gathered, first_row)


def _side_by_side(rows: list[Row], first_row: int) -> Iterator[Region]:
    runs = _runs(rows)
    tables = [[row[first:end] for row in rows] for first, end in runs]
    widths = [end - first for first, end in runs]
    heights = [sum(map(any, table)) for table in tables]
    are_tables = min(widths) >= _TABLE_COLUMNS and min(heights) >= _TABLE_ROWS
    if len(runs) < 2 or not are_tables:  # noqa: PLR2004
        yield Region(first_row, [row[runs[0][0] :] for row in rows])
        return
    found = [_trimmed(table, first_row) for table in tables]
    yield from sorted(found, key=lambda region: region.first_row)


def _trimmed(rows: list[Row], first_row: int) -> Region:
    first = next(number for number, row in enumerate(rows) if any(row))
    return Region(first_row + first, [row for row in rows if any(row)])


def _runs(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Columns between columns that are empty in all rows: first, and the one behind the last."""
    width = max(map(len, rows))
    used = [any(column < len(row) and row[column] for row in rows) for column in range(width)]
    runs: list[tuple[int, int]] = []
    start = 0
    for column in range(width + 1):
        is_used = column < width and used[column]
        if not is_used:
            if column > start:
                runs.append((start, column))
            start = column + 1
    return runs
