"""Tables with merged cells: what a cell says stands in every cell that it covers."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

#: Wider and higher claims are mistakes, or meant to fill the memory.
_MOST_COLUMNS, _MOST_ROWS = 1_000, 65_534


class Cell(NamedTuple):
    """A cell and how many columns and rows it covers."""

    text: str
    n_columns: int = 1
    n_rows: int = 1


class _Pending(NamedTuple):
    """A cell that covers so many rows more."""

    text: str
    n_rows: int


def spread(rows: Iterable[Iterable[Cell]]) -> Iterator[list[str]]:
    """Rows of plain cells; the text of a merged cell is repeated, so that every row says it all.

    A cell that is alone in its row is a title of the table: it stands there once. A row all of
    whose cells reach further down says nothing of its own. HTML's algorithm (12.1 forming a
    table): cells that reach down push those of lower rows right.
    """
    below: dict[int, _Pending] = {}
    held: list[str] = []
    for row in rows:
        texts, below = _placed(row, below)
        line = [texts.get(column, "") for column in range(max(texts, default=-1) + 1)]
        if any(line) and all(column in below for column, text in texts.items() if text):
            held = line
            continue
        held = []
        yield line[:1] if len(set(line)) == 1 else line
    if held:  # what reaches down ends with the table
        yield held


def _placed(
    row: Iterable[Cell], above: dict[int, _Pending]
) -> tuple[dict[int, str], dict[int, _Pending]]:
    """Texts of a row by column, and what reaches into the next one."""
    texts = {column: pending.text for column, pending in above.items()}
    below = {
        column: _Pending(pending.text, pending.n_rows - 1)
        for column, pending in above.items()
        if pending.n_rows > 1
    }
    at = 0
    for cell in row:
        while at in texts:
            at += 1
        end = at + min(max(cell.n_columns, 1), _MOST_COLUMNS)
        for column in range(at, end):
            texts[column] = cell.text
            if cell.n_rows > 1:
                below[column] = _Pending(cell.text, min(cell.n_rows, _MOST_ROWS) - 1)
        at = end
    return texts, below
