"""Presentations of PowerPoint 97 ([MS-PPT]) made for one test each."""

import struct
from collections.abc import Sequence

from tests.workers.media.tiny_compound import compound
from workers.media.ppt_records import Kind

TITLE, BODY, NOTES, OTHER = 0, 1, 2, 4
#: `OfficeArtFSP`, and a drawing's own record, say nothing that is read.
FSP, FDG, LINE = 0xF00A, 0xF008, 20
TABLE = 0x39F
FOOTER, NUMBER = 9, 8


def atom(kind: int, body: bytes = b"", instance: int = 0) -> bytes:
    return struct.pack("<HHI", instance << 4, kind, len(body)) + body


def container(kind: int, *children: bytes, instance: int = 0) -> bytes:
    body = b"".join(children)
    return struct.pack("<HHI", instance << 4 | 0xF, kind, len(body)) + body


def text(said: str, kind: int = OTHER, style: bytes = b"") -> bytes:
    """A header, characters and a style."""
    narrow = all(ord(character) < 256 for character in said)
    chars = (
        atom(Kind.TEXT_BYTES, said.encode("latin-1"))
        if narrow
        else atom(Kind.TEXT_CHARS, said.encode("utf-16-le"))
    )
    header = atom(Kind.TEXT_HEADER, struct.pack("<I", kind))
    return header + chars + (atom(Kind.STYLE_TEXT, style) if style else b"")


def shape(
    *texts: bytes,
    at: tuple[int, int] | None = None,
    corners: tuple[int, int, int, int] | None = None,
    placeholder: int = 0,
    numbering: bytes = b"",
    properties: bytes = b"",
) -> bytes:
    """A shape; `at` is its left and top on the slide, `corners` those within a group."""
    anchor = b""
    if at:
        left, top = at
        anchor = atom(Kind.ANCHOR, struct.pack("<4h", top, left, left + 500, top + 100))
    if corners:
        anchor = atom(Kind.CHILD_ANCHOR, struct.pack("<4i", *corners))
    data = (
        atom(Kind.PLACEHOLDER, struct.pack("<IBBH", 0, placeholder, 0, 0)) if placeholder else b""
    )
    if numbering:
        tag = container(Kind.PROGRAM_TAG_DATA, atom(Kind.STYLE_TEXT_9, numbering))
        data += container(Kind.PROGRAM_TAGS, container(Kind.PROGRAM_TAG, tag))
    box = container(Kind.TEXT_BOX, *texts) if texts else b""
    return container(
        Kind.SHAPE, atom(FSP), properties, anchor, container(Kind.CLIENT_DATA, data), box
    )


def properties(*entries: tuple[int, int | bytes]) -> bytes:
    """Numbers, and long values, whose entries only hold their length."""
    table, behind = b"", b""
    for number, value in entries:
        if isinstance(value, bytes):
            table += struct.pack("<HI", number | 0x8000, len(value))
            behind += value
        else:
            table += struct.pack("<HI", number, value)
    return atom(Kind.PROPERTIES, table + behind, instance=len(entries))


def group(*shapes: bytes, at: tuple[int, int], first: bytes = b"") -> bytes:
    left, top = at
    anchor = atom(Kind.ANCHOR, struct.pack("<4h", top, left, left + 900, top + 400))
    return container(Kind.GROUP, container(Kind.SHAPE, atom(FSP), first, anchor), *shapes)


def table(*cells: tuple[tuple[int, int, int, int], str], at: tuple[int, int]) -> bytes:
    """A table of cells with their corners, and a line between them."""
    shapes = [shape(text(said), corners=corners) for corners, said in cells]
    line = shape(corners=(0, 0, 100, 0))
    return group(*shapes, line, at=at, first=properties((TABLE, 1)))


def drawing(*shapes: bytes) -> bytes:
    frame = container(Kind.GROUP, container(Kind.SHAPE, atom(FSP)), *shapes)
    return container(Kind.DRAWING, container(Kind.DRAWING_CONTAINER, atom(FDG), frame))


def slide(*shapes: bytes, notes: int = 0, is_hidden: bool = False) -> bytes:
    """A slide; `notes` is the identifier of its notes."""
    info = atom(Kind.SLIDE_SHOW_INFO, struct.pack("<10xHI", 4 * is_hidden, 0))
    slide_atom = atom(Kind.SLIDE_ATOM, struct.pack("<12xIIHH", 0, notes, 0, 0))
    return container(Kind.SLIDE, slide_atom, info, drawing(*shapes))


def notes(said: str) -> bytes:
    return container(Kind.NOTES, drawing(shape(text(said, NOTES), at=(0, 500))))


def presentation(
    *slides: bytes,
    notes: tuple[bytes, ...] = (),
    outlines: dict[int, bytes] | None = None,
    pictures: Sequence[bytes] = (),
    edits: Sequence[bytes] = (),
    document: int = 1,
    n_showings: int = 1,
    token: int = 0xE391C05F,
) -> bytes:
    """A file.

    Identifiers of notes count from 256; `outlines` are texts kept apart, by slide; `edits` are
    first slides that replace the one before; `document` is the number of the main object;
    the first slide is shown `n_showings` times.
    """
    outlines = outlines or {}
    listed = b"".join(
        atom(Kind.SLIDE_PERSIST, struct.pack("<I8xI4x", 2 + n, 1000 + n)) + outlines.get(n, b"")
        for n in range(len(slides))
    )
    listed += (n_showings - 1) * atom(Kind.SLIDE_PERSIST, struct.pack("<I8xI4x", 2, 1000))
    listed_notes = b"".join(
        atom(Kind.SLIDE_PERSIST, struct.pack("<I8xI4x", 2 + len(slides) + n, 256 + n))
        for n in range(len(notes))
    )
    stored, entries = b"", b""
    for picture in pictures:
        entries += atom(Kind.PICTURE, struct.pack("<28xI4x", len(stored)))
        stored += picture
    store = container(Kind.DRAWINGS_CONTAINER, container(Kind.PICTURES, entries))
    main = container(
        Kind.DOCUMENT,
        container(Kind.DRAWINGS, store),
        container(Kind.SLIDE_LIST, listed),
        container(Kind.SLIDE_LIST, listed_notes, instance=2),
    )
    stream, offsets = b"", []
    for one in (main, *slides, *notes):
        offsets.append(len(stream))
        stream += one
    edit_at = 0
    changes = [(1, offsets)]
    for edit in edits:
        changes.append((2, [len(stream)]))
        stream += edit
    for first, moved in changes:
        directory = struct.pack(f"<I{len(moved)}I", first | len(moved) << 20, *moved)
        before, directory_at = edit_at, len(stream)
        stream += atom(Kind.PERSIST_DIRECTORY, directory)
        edit_at = len(stream)
        stream += atom(Kind.USER_EDIT, struct.pack("<8xIII8x", before, directory_at, document))
    user = atom(0x0FF6, struct.pack("<III", 0x14, token, edit_at))
    streams = {"PowerPoint Document": stream, "Current User": user}
    return compound(streams | ({"Pictures": stored} if stored else {}))
