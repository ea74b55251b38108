"""Records of PPT and its drawings: [MS-PPT] 2.3.1, [MS-ODRAW] 2.2.1."""

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import NamedTuple

from schemas.errors import UnreadableMedia

#: Version and instance in one, kind, length of the body.
_HEADER = Struct("<HHI")
_PROPERTY = Struct("<HI")
_PROPERTY_ID, _IS_LONG = 0x3FFF, 0x8000


class Kind(IntEnum):
    """Kinds of records that are looked for, by their names in the specifications."""

    DOCUMENT = 0x03E8
    SLIDE = 0x03EE
    SLIDE_ATOM = 0x03EF
    NOTES = 0x03F0
    SLIDE_PERSIST = 0x03F3
    SLIDE_SHOW_INFO = 0x03F9
    DRAWINGS = 0x040B
    DRAWING = 0x040C
    PLACEHOLDER = 0x0BC3
    OUTLINE_TEXT_REF = 0x0F9E
    TEXT_HEADER = 0x0F9F
    TEXT_CHARS = 0x0FA0
    STYLE_TEXT = 0x0FA1
    TEXT_BYTES = 0x0FA8
    STYLE_TEXT_9 = 0x0FAC
    SLIDE_LIST = 0x0FF0
    USER_EDIT = 0x0FF5
    PROGRAM_TAGS = 0x1388
    PROGRAM_TAG = 0x138A
    PROGRAM_TAG_DATA = 0x138B
    PERSIST_DIRECTORY = 0x1772
    DRAWINGS_CONTAINER = 0xF000
    PICTURES = 0xF001
    DRAWING_CONTAINER = 0xF002
    GROUP = 0xF003
    SHAPE = 0xF004
    PICTURE = 0xF007
    PROPERTIES = 0xF00B
    TEXT_BOX = 0xF00D
    CHILD_ANCHOR = 0xF00F
    ANCHOR = 0xF010
    CLIENT_DATA = 0xF011
    JPEG = 0xF01D
    PNG = 0xF01E
    TIFF = 0xF029
    JPEG_2 = 0xF02A
    MORE_PROPERTIES = 0xF122


class Record(NamedTuple):
    """One record; the body of a container is records again."""

    kind: int
    instance: int
    body: memoryview

    def children(self) -> Iterator["Record"]:
        """Records in a container, in order."""
        return records(self.body)

    def child(self, *path: Kind) -> "Record | None":
        """The first record along a path of kinds."""
        found: Record | None = self
        for kind in path:
            if found is None:
                return None
            found = next((one for one in found.children() if one.kind == kind), None)
        return found


def records(data: memoryview) -> Iterator[Record]:
    """Records that stand one after the other; the last may be cut off."""
    at = 0
    while at + _HEADER.size <= len(data):
        flags, kind, length = _HEADER.unpack_from(data, at)
        at += _HEADER.size
        yield Record(kind, flags >> 4, data[at : at + length])
        at += length


def record_at(data: memoryview, offset: int, kind: Kind) -> Record:
    """The record at an offset.

    Raises:
        UnreadableMedia: there is none, or one of another kind.
    """
    found = next(records(data[offset:]), None)
    if found is None or found.kind != kind:
        what = "nothing" if found is None else f"a record of kind {found.kind:#06x}"
        raise UnreadableMedia(f"{kind.name} is expected at byte {offset}, there is {what}")
    return found


class Properties:
    """How a shape is drawn: numbers, and some texts ([MS-ODRAW] 2.2.7)."""

    def __init__(self, shape: Record) -> None:
        self._numbers: dict[int, int] = {}
        self._long: dict[int, memoryview] = {}
        for table in shape.children():
            if table.kind in {Kind.PROPERTIES, Kind.MORE_PROPERTIES}:
                self._add(table)

    def number(self, property_id: int) -> int:
        """A property's value, 0 without it."""
        return self._numbers.get(property_id, 0)

    def text(self, property_id: int) -> str:
        """A long property's text, empty without it."""
        data = self._long.get(property_id, b"")
        return str(data, "utf-16-le", "replace").rstrip("\0")

    def _add(self, table: Record) -> None:
        """Fixed entries come first, then what the long ones of them hold."""
        behind = table.instance * _PROPERTY.size
        for at in range(0, min(behind, len(table.body) - _PROPERTY.size + 1), _PROPERTY.size):
            number, value = _PROPERTY.unpack_from(table.body, at)
            self._numbers[number & _PROPERTY_ID] = value
            if number & _IS_LONG:
                self._long[number & _PROPERTY_ID] = table.body[behind : behind + value]
                behind += value
