"""Tables of a PPT: a group of cells that know their corners only."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from workers.media.grids import Cell, spread

#: Corners this close, in 1/576 inch, are one edge.
_NEAR = 4
#: PowerPoint makes 75 columns and rows at most; cells with more edges are no table.
_MOST_EDGES = 200


class PlacedCell(NamedTuple):
    """A cell's text and corners, in units of the slide."""

    left: int
    top: int
    right: int
    bottom: int
    text: str


def table_rows(cells: Sequence[PlacedCell]) -> Iterator[list[str]]:
    """Rows of texts, those of merged cells repeated."""
    columns = _edges(edge for cell in cells for edge in (cell.left, cell.right))
    rows = _edges(edge for cell in cells for edge in (cell.top, cell.bottom))
    if max(len(columns), len(rows)) > _MOST_EDGES:
        return ([cell.text] for cell in cells)
    placed: list[list[tuple[int, Cell]]] = [[] for _ in rows]
    for cell in cells:
        left, right = _index(columns, cell.left), _index(columns, cell.right)
        top, bottom = _index(rows, cell.top), _index(rows, cell.bottom)
        placed[top].append((left, Cell(cell.text, right - left, bottom - top)))
    # The lowest edge begins a row only of cells without a height.
    last = len(placed) if placed and placed[-1] else len(placed) - 1
    return spread([cell for _, cell in sorted(row)] for row in placed[:last])


def _edges(corners: Iterable[int]) -> list[int]:
    edges: list[int] = []
    for corner in sorted(corners):
        if not edges or corner - edges[-1] > _NEAR:
            edges.append(corner)
    return edges


def _index(edges: Sequence[int], corner: int) -> int:
    return bisect_right(edges, corner) - 1
