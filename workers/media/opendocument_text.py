"""What stands in one paragraph of an OpenDocument file: its text, and what is anchored in it."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workers.media.opendocument_styles import DRAW, OFFICE, TEXT

if TYPE_CHECKING:
    from lxml.etree import _Element

#: Repeated spaces that are kept.
_MOST_SPACES = 200
#: Automatic numbers, and readings above other characters.
_SKIPPED = {f"{TEXT}number", f"{TEXT}ruby-text", f"{TEXT}tracked-changes"}


@dataclass
class ParagraphText:
    """A paragraph's text, and elements that are read on their own."""

    pieces: list[str] = field(default_factory=list)
    #: Frames and shapes.
    drawings: "list[_Element]" = field(default_factory=list)
    notes: "list[_Element]" = field(default_factory=list)
    comments: "list[_Element]" = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of it, without white space at the ends."""
        return "".join(self.pieces).strip()


def read_paragraph(paragraph: "_Element") -> ParagraphText:
    """Text and anchors of one `text:p` or `text:h`."""
    found = ParagraphText()
    _read(paragraph, found)
    return found


def _read(element: "_Element", found: ParagraphText) -> None:
    found.pieces.append(element.text or "")
    for child in element:
        _read_child(child, found)
        found.pieces.append(child.tail or "")


def _read_child(child: "_Element", found: ParagraphText) -> None:
    tag = str(child.tag)
    if tag == f"{TEXT}s":
        count = child.get(f"{TEXT}c", "1")
        found.pieces.append(" " * min(int(count) if count.isdigit() else 1, _MOST_SPACES))
    elif tag == f"{TEXT}tab":
        found.pieces.append("\t")
    elif tag == f"{TEXT}line-break":
        found.pieces.append("\n")
    elif tag == f"{TEXT}note":
        found.notes.append(child)
    elif tag == f"{OFFICE}annotation":
        found.comments.append(child)
    elif tag.startswith(DRAW) and tag != f"{DRAW}a":
        found.drawings.append(child)
    elif tag not in _SKIPPED:
        _read(child, found)
