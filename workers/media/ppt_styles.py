"""How text in a PPT is styled, as far as lists go: [MS-PPT] 2.9.20 and on.

Styles are runs: a number of characters, and fields that a mask announces. What comes first in a
record says where the next begins, so all fields must be stepped over; a record that is cut off
says no more from there on.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from operator import itemgetter
from struct import Struct, error
from typing import NamedTuple, TypeVar

ValueT = TypeVar("ValueT")
#: Bits of a mask, and bytes that are there if one of them is set; in order.
_Fields = Sequence[tuple[int, int]]

_U16, _U32 = Struct("<H"), Struct("<I")
_HAS_BULLET, _TAB_STOPS, _HAS_STYLE = 0x1, 0x100000, 0x3C00
_BULLET, _STYLE = 0xF, 0x3EB7
_PARAGRAPH: _Fields = (
    *((0x80, 2), (0x10, 2), (0x40, 2), (0x20, 4), (0x800, 2), (0x1000, 2), (0x2000, 2)),
    *((0x4000, 2), (0x100, 2), (0x400, 2), (0x8000, 2)),
)
_BEHIND_TABS: _Fields = ((0x10000, 2), (0xE0000, 2), (0x200000, 2))
_CHARACTERS: _Fields = (
    *((0x10000, 2), (0x200000, 2), (0x400000, 2), (0x800000, 2), (0x20000, 2), (0x40000, 4)),
    (0x80000, 2),
)
#: Of `StyleTextProp9`: a picture as a bullet, whether there are numbers, how they look.
_PICTURE: _Fields = ((0x800000, 2),)
_HAS_NUMBERS, _SCHEME = 0x2000000, 0x1000000
_CHARACTERS_9: _Fields = ((0x100000, 4),)
_LANGUAGE: _Fields = ((0x1, 2), (0x2, 2), (0x4, 2), (0x40, 2), (0x20, 4))
_SMART_TAGS = 0x200
#: `TextAutoNumberSchemeEnum` by the names of Office Open XML; later ones are of other scripts.
_SCHEMES = (
    *("alphaLcPeriod", "alphaUcPeriod", "arabicParenR", "arabicPeriod", "romanLcParenBoth"),
    *("romanLcParenR", "romanLcPeriod", "romanUcPeriod", "alphaLcParenBoth", "alphaLcParenR"),
    *("alphaUcParenBoth", "alphaUcParenR", "arabicParenBoth", "arabicPlain", "romanUcParenBoth"),
    "romanUcParenR",
)
_USUAL_SCHEME = "arabicPeriod"


class Numbering(NamedTuple):
    """How list items are numbered."""

    kind: str
    start: int


class ParagraphStyle(NamedTuple):
    """Of a run of paragraphs; without a bullet of its own, the master's counts."""

    level: int = 0
    has_bullet: bool | None = None


class TextStyle:
    """The styles of one text."""

    def __init__(self, style: memoryview, numbering: memoryview, n_chars: int) -> None:
        """Read them.

        Args:
            style: body of the text's `StyleTextPropAtom`; may be empty.
            numbering: body of the shape's `StyleTextProp9Atom`; may be empty.
            n_chars: characters of the text, and one for its end.
        """
        cursor = _Cursor(style)
        self._paragraphs = list(_runs(cursor, n_chars, _paragraph_style))
        self._characters = list(_runs(cursor, n_chars, _number_of_style))
        self._numberings = list(_numberings(_Cursor(numbering)))

    def paragraph(self, character: int) -> ParagraphStyle:
        """The style of the paragraph in which a character is."""
        return _at(self._paragraphs, character) or ParagraphStyle()

    def numbering(self, character: int) -> Numbering | None:
        """How the paragraph that begins with a character is numbered; None if it is not."""
        number = _at(self._characters, character) or 0
        return self._numberings[number] if number < len(self._numberings) else None


class _Cursor:
    """Steps through fields; raises `struct.error` at the end."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._at = 0

    def u16(self) -> int:
        return self._next(_U16)

    def u32(self) -> int:
        return self._next(_U32)

    def skip(self, mask: int, fields: _Fields) -> None:
        self._at += sum(n_bytes for bits, n_bytes in fields if mask & bits)

    def skip_list(self, n_items: int, item_bytes: int) -> None:
        self._at += n_items * item_bytes

    @property
    def is_at_end(self) -> bool:
        return self._at >= len(self._data)

    def _next(self, kind: Struct) -> int:
        value: int = kind.unpack_from(self._data, self._at)[0]
        self._at += kind.size
        return value


def _runs(
    cursor: _Cursor, n_chars: int, read: Callable[[_Cursor], ValueT]
) -> Iterator[tuple[int, ValueT]]:
    """The character at which a run ends, and what it says."""
    end = 0
    with suppress(error):
        while end < n_chars and not cursor.is_at_end:
            end += max(cursor.u32(), 1)
            yield end, read(cursor)


def _at(runs: Sequence[tuple[int, ValueT]], character: int) -> ValueT | None:
    index = bisect_right(runs, character, key=itemgetter(0))
    return runs[index][1] if index < len(runs) else None


def _paragraph_style(cursor: _Cursor) -> ParagraphStyle:
    level, mask = cursor.u16(), cursor.u32()
    flags = cursor.u16() if mask & _BULLET else 0
    cursor.skip(mask, _PARAGRAPH)
    if mask & _TAB_STOPS:
        cursor.skip_list(cursor.u16(), 4)
    cursor.skip(mask, _BEHIND_TABS)
    return ParagraphStyle(level, bool(flags & 1) if mask & _HAS_BULLET else None)


def _number_of_style(cursor: _Cursor) -> int:
    """Which of the shape's `StyleTextProp9` belongs to a run of characters."""
    mask = cursor.u32()
    flags = cursor.u16() if mask & _STYLE else 0
    cursor.skip(mask, _CHARACTERS)
    return flags >> 10 & 0xF if mask & _HAS_STYLE else 0


def _numberings(cursor: _Cursor) -> Iterator[Numbering | None]:
    with suppress(error):
        while not cursor.is_at_end:
            mask = cursor.u32()
            cursor.skip(mask, _PICTURE)
            is_numbered = bool(cursor.u16()) if mask & _HAS_NUMBERS else False
            scheme = (cursor.u16(), cursor.u16()) if mask & _SCHEME else None
            yield _numbering(scheme) if is_numbered else None
            cursor.skip(cursor.u32(), _CHARACTERS_9)
            mask = cursor.u32()
            cursor.skip(mask, _LANGUAGE)
            if mask & _SMART_TAGS:
                cursor.skip_list(cursor.u32(), 4)


def _numbering(scheme: tuple[int, int] | None) -> Numbering:
    if scheme is None:
        return Numbering(_USUAL_SCHEME, 1)
    number, start = scheme
    return Numbering(_SCHEMES[number] if number < len(_SCHEMES) else _USUAL_SCHEME, start)
