"""The order in which shapes on a slide are read."""

from collections.abc import Callable, Iterable
from typing import TypeVar

ShapeT = TypeVar("ShapeT")
#: Centimetres; shapes whose tops differ by less stand in one row.
_ROW_CM = 0.127

#: Top and left in centimetres; None for a shape without a place of its own.
Place = tuple[float, float] | None


def in_rows(shapes: Iterable[ShapeT], place_of: Callable[[ShapeT], Place]) -> list[ShapeT]:
    """From top to bottom, within a row from left to right; what has no place comes last.

    Files keep the order of drawing, which says what covers what, not what is read first.
    """
    placed, rest = [], []
    for shape in shapes:
        place = place_of(shape)
        if place is None:
            rest.append(shape)
        else:
            placed.append((*place, shape))
    placed.sort(key=lambda one: one[0])
    rows: list[list[tuple[float, float, ShapeT]]] = []
    for one in placed:
        if rows and one[0] - rows[-1][-1][0] <= _ROW_CM:
            rows[-1].append(one)
        else:
            rows.append([one])
    in_order = [one[2] for row in rows for one in sorted(row, key=lambda one: one[1])]
    return in_order + rest
