"""Paragraphs of a PPT's text, and which of them are list items: [MS-PPT] 2.9."""

from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from workers.media.bullets import ListNumbers
from workers.media.ppt_records import Kind, Record
from workers.media.ppt_styles import TextStyle

_KIND_OF_TEXT = Struct("<I")
#: Kinds of text whose paragraphs are list items unless something says otherwise.
_LISTS = {1, 7, 8}
#: A line within a paragraph, and the paragraph, end with these.
_LINE_END, _PARAGRAPH_END = "\v", "\r"
_NOTHING = memoryview(b"")


class Text(NamedTuple):
    """The text of one shape."""

    #: `TextTypeEnum`: 0 and 6 are titles, 1, 5, 7 and 8 bodies, 2 notes, 4 all else.
    kind: int
    text: str = ""
    style: memoryview = _NOTHING


class Paragraph(NamedTuple):
    """One paragraph; `mark` is the number of a list item, empty for a bullet, else None."""

    text: str
    level: int
    mark: str | None


def texts(records: Iterable[Record]) -> Iterator[Text]:
    """Texts in a row of records: of a text box, or of an outline."""
    found: Text | None = None
    for record in records:
        if record.kind == Kind.TEXT_HEADER:
            if found:
                yield found
            found = Text(_KIND_OF_TEXT.unpack_from(record.body)[0])
        elif found and record.kind == Kind.TEXT_CHARS:
            found = found._replace(text=str(record.body, "utf-16-le", "replace"))
        elif found and record.kind == Kind.TEXT_BYTES:
            found = found._replace(text=str(record.body, "latin-1"))
        elif found and record.kind == Kind.STYLE_TEXT:
            found = found._replace(style=record.body)
    if found:
        yield found


def paragraphs(text: Text, numbering: memoryview = _NOTHING) -> Iterator[Paragraph]:
    """Paragraphs that say something, in order.

    Args:
        text: what is said, and how.
        numbering: body of the shape's `StyleTextProp9Atom`.
    """
    style = TextStyle(text.style, numbering, len(text.text) + 1)
    numbers, at = ListNumbers(), 0
    for line in text.text.split(_PARAGRAPH_END):
        level, has_bullet = style.paragraph(at)
        kind = style.numbering(at)
        at += len(line) + 1
        if not line.strip():
            continue
        numbers.end_below(level)
        is_item = text.kind in _LISTS if has_bullet is None else has_bullet
        mark = numbers.next(level, *kind) if is_item and kind else ""
        if not mark:
            numbers.end(level)
        yield Paragraph(line.replace(_LINE_END, "\n").strip(), level, mark if is_item else None)
