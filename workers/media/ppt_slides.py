"""PPT (PowerPoint 97 to 2003), from its own records: no library knows its places and tables.

A slide is a page.
"""

import struct
from collections.abc import Iterator, Sequence

from schemas.errors import Failure, UnreadableMedia
from workers.media.blocks import Block, row_blocks
from workers.media.damage import broken_page
from workers.media.ppt_document import PptDocument, Slide
from workers.media.ppt_paragraphs import Text, paragraphs, texts
from workers.media.ppt_records import Kind, Properties, Record
from workers.media.ppt_shapes import Shape, shapes_of
from workers.media.ppt_tables import PlacedCell, table_rows

_OUTLINE_REF, _PLACEHOLDER = struct.Struct("<i"), struct.Struct("<4xB")
_TITLES, _NOTES = {0, 6}, 2
#: Kinds of placeholders that say the same on every slide, or only its number.
_RUNNING = {7: "page_footer", 9: "page_footer", 10: "page_header"}
_NUMBER = 8
#: Properties of a shape: the number of its picture, and what that shows.
PICTURE, _DESCRIPTION = 0x104, 0x381


class PptReader:
    """Reads slides one by one; a slide that is broken becomes a failure."""

    def __init__(self, document: PptDocument) -> None:
        self._document = document
        self.failures: list[Failure] = []
        #: Pages that are not shown.
        self.hidden: list[int] = []

    def __len__(self) -> int:
        return len(self._document)

    def blocks(self) -> Iterator[Block]:
        """The title, all other shapes from top to bottom, the speaker's notes."""
        for page in range(1, len(self) + 1):
            try:
                slide = self._document.slide(page - 1)
                is_hidden = slide.is_hidden
                if is_hidden:
                    self.hidden.append(page)
                for block in _slide_blocks(slide, page):
                    yield block._replace(is_hidden=is_hidden)
            except (UnreadableMedia, struct.error) as exc:
                self.failures.append(broken_page(page, f"slide {page}: {exc}"))


def _slide_blocks(slide: Slide, page: int) -> Iterator[Block]:
    outline = list(texts(slide.outline))
    blocks = [block for shape in shapes_of(slide.record) for block in _blocks(shape, outline, page)]
    yield from sorted(blocks, key=lambda block: block.role != "heading")
    for shape in shapes_of(slide.notes) if slide.notes else ():
        for text in _texts(shape.record):
            if text.kind == _NOTES:
                yield from (Block(one.text, "notes", page) for one in paragraphs(text))


def _blocks(shape: Shape, outline: Sequence[Text], page: int) -> Iterator[Block]:
    if shape.is_table:
        yield from row_blocks(table_rows(list(_cells(shape))), page)
        return
    yield from _text_blocks(shape.record, outline, page)
    drawn = Properties(shape.record)
    if drawn.number(PICTURE) and (description := drawn.text(_DESCRIPTION).strip()):
        yield Block(description, "alt_text", page)


def _cells(table: Shape) -> Iterator[PlacedCell]:
    """Cells have a text, if an empty one; the lines between them have none."""
    for shape in table.cells:
        if shape.corners and shape.record.child(Kind.TEXT_BOX):
            said = (one.text for text in _texts(shape.record) for one in paragraphs(text))
            yield PlacedCell(*shape.corners, "\n".join(said))


def _text_blocks(shape: Record, outline: Sequence[Text], page: int) -> Iterator[Block]:
    placeholder = shape.child(Kind.CLIENT_DATA, Kind.PLACEHOLDER)
    kind = _PLACEHOLDER.unpack_from(placeholder.body)[0] if placeholder else 0
    if kind == _NUMBER:
        return
    numbering = _numbering(shape)
    for text in _texts(shape, outline):
        if text.kind in _TITLES:
            title = " ".join(one.text for one in paragraphs(text))
            yield Block(title, "heading", page, level=1)
            continue
        for one in paragraphs(text, numbering):
            role = _RUNNING.get(kind, "paragraph" if one.mark is None else "list_item")
            yield Block(one.text, role, page, level=one.level, number=one.mark or "")


def _texts(shape: Record, outline: Sequence[Text] = ()) -> Iterator[Text]:
    """A shape's own text, or the one of the outline that it refers to."""
    box = shape.child(Kind.TEXT_BOX)
    if box is None:
        return
    yield from texts(box.children())
    if reference := box.child(Kind.OUTLINE_TEXT_REF):
        index = _OUTLINE_REF.unpack_from(reference.body)[0]
        if 0 <= index < len(outline):
            yield outline[index]


def _numbering(shape: Record) -> memoryview:
    """How the lists of a shape are numbered, which newer versions keep in tags of their own."""
    tags = shape.child(Kind.CLIENT_DATA, Kind.PROGRAM_TAGS)
    for tag in tags.children() if tags else ():
        if found := tag.child(Kind.PROGRAM_TAG_DATA, Kind.STYLE_TEXT_9):
            return found.body
    return memoryview(b"")
