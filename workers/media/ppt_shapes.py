"""Shapes of a PPT's slide, in the order in which they are read."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from workers.media.ppt_records import Kind, Properties, Record
from workers.media.shape_order import in_rows

#: Groups nested deeper than this are no slide a person made.
_MAX_DEPTH = 20
#: Units of a slide.
_UNITS_PER_CM = 576 / 2.54
_ANCHOR, _LARGE_ANCHOR = struct.Struct("<4h"), struct.Struct("<4i")
#: A property of groups, and its bit that says that the group is a table.
_TABLE, _IS_TABLE = 0x39F, 1

#: Left, top, right, bottom in units of the slide, 1/576 inch.
Corners = tuple[int, int, int, int]


class Shape(NamedTuple):
    """A shape, or a table: the group of its cells."""

    record: Record
    corners: Corners | None
    is_table: bool = False

    @property
    def cells(self) -> "list[Shape]":
        """Shapes of a table: its cells, and the lines between them."""
        return list(_members(self.record))


def shapes_of(slide: Record) -> Iterator[Shape]:
    """Shapes of a slide or its notes; those of groups, but not the cells of tables, one by one."""
    group = slide.child(Kind.DRAWING, Kind.DRAWING_CONTAINER, Kind.GROUP)
    if group:
        yield from _in_order(group, 0)


def _in_order(group: Record, depth: int) -> Iterator[Shape]:
    for shape in in_rows(_members(group), _place):
        if shape.is_table or shape.record.kind == Kind.SHAPE:
            yield shape
        elif depth < _MAX_DEPTH:
            yield from _in_order(shape.record, depth + 1)


def _members(group: Record) -> Iterator[Shape]:
    """What is in a group; its own first shape only tells of the group."""
    for number, record in enumerate(group.children()):
        if record.kind == Kind.SHAPE and number:
            yield Shape(record, _corners(record))
        elif record.kind == Kind.GROUP and (first := record.child(Kind.SHAPE)):
            is_table = bool(Properties(first).number(_TABLE) & _IS_TABLE)
            yield Shape(record, _corners(first), is_table)


def _place(shape: Shape) -> tuple[float, float] | None:
    if shape.corners is None:
        return None
    left, top, _, _ = shape.corners
    return top / _UNITS_PER_CM, left / _UNITS_PER_CM


def _corners(shape: Record) -> Corners | None:
    if anchor := shape.child(Kind.CHILD_ANCHOR):
        left, top, right, bottom = _LARGE_ANCHOR.unpack_from(anchor.body)
    elif anchor := shape.child(Kind.ANCHOR):
        kind = _LARGE_ANCHOR if len(anchor.body) >= _LARGE_ANCHOR.size else _ANCHOR
        top, left, right, bottom = kind.unpack_from(anchor.body)
    else:
        return None
    return left, top, right, bottom
