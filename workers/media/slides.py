"""PPTX through python-pptx: a slide is a page."""

import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from schemas.errors import Failure, UnreadableMedia
from workers.media.blocks import Block, row_blocks
from workers.media.bullets import Bullets
from workers.media.charts import alt_text, chart_blocks, diagram_texts, drawing_text
from workers.media.damage import broken_page
from workers.media.grids import Cell, spread
from workers.media.media_file import MediaFile
from workers.media.parts import relation_id
from workers.media.shape_order import Place, in_rows

if TYPE_CHECKING:
    from lxml.etree import _Element
    from pptx.presentation import Presentation

#: Groups nested deeper than this are no slide a person made.
_MAX_DEPTH = 20
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
#: Placeholders that say the same on every slide, or only its number.
_RUNNING = {"ftr": "page_footer", "dt": "page_footer", "hdr": "page_header"}
_NUMBER = "sldNum"
_EMU_PER_CM = 360_000


def open_presentation(media: MediaFile) -> "Presentation":
    """Open a PPTX.

    Raises:
        UnreadableMedia: it is broken.
    """
    import pptx
    from lxml.etree import XMLSyntaxError
    from pptx.exc import PythonPptxError

    try:
        return pptx.Presentation(str(media.path))
    except (PythonPptxError, XMLSyntaxError, zipfile.BadZipFile, zlib.error) as exc:
        raise UnreadableMedia(f"{media.name}: not a readable presentation: {exc}") from exc
    except (KeyError, ValueError, AttributeError) as exc:  # parts or relations are missing
        raise UnreadableMedia(f"{media.name}: a broken presentation: {exc!r}") from exc


class SlideReader:
    """Reads slides one by one; a slide that is broken becomes a failure."""

    def __init__(self, presentation: "Presentation") -> None:
        self._slides = presentation.slides
        self.failures: list[Failure] = []
        #: Pages that are not shown.
        self.hidden: list[int] = []

    def __len__(self) -> int:
        return len(self._slides)

    def blocks(self) -> Iterator[Block]:
        """The title, all other shapes from top to bottom, the speaker's notes, comments."""
        from lxml.etree import XMLSyntaxError
        from pptx.exc import PythonPptxError

        broken = (PythonPptxError, XMLSyntaxError, KeyError, ValueError, AttributeError)
        for page in range(1, len(self) + 1):
            try:
                yield from self._slide(self._slides[page - 1], page)
            except broken as exc:
                self.failures.append(broken_page(page, f"slide {page}: {exc!r}"))

    def _slide(self, slide: Any, page: int) -> Iterator[Block]:
        is_hidden = slide.element.get("show") in {"0", "false"}
        if is_hidden:
            self.hidden.append(page)
        for block in _slide_blocks(slide, page):
            yield block._replace(is_hidden=is_hidden)


def _slide_blocks(slide: Any, page: int) -> Iterator[Block]:
    title = slide.shapes.title
    if title is not None and (text := " ".join(title.text_frame.text.split())):
        yield Block(text, "heading", page, level=1)
    for shape in in_rows(slide.shapes, _place):
        if title is None or shape.shape_id != title.shape_id:
            yield from _shape_blocks(shape, page)
    if slide.has_notes_slide and (frame := slide.notes_slide.notes_text_frame):
        yield from _frame_blocks(frame, page, "notes")
    for relation in slide.part.rels.values():
        if relation.reltype.endswith("/comments") and not relation.is_external:
            yield from _comment_blocks(relation.target_part.blob, page)


def _place(shape: Any) -> Place:
    return None if shape.top is None else (shape.top / _EMU_PER_CM, (shape.left or 0) / _EMU_PER_CM)


def _shape_blocks(shape: Any, page: int, depth: int = 0) -> Iterator[Block]:
    from pptx.shapes.group import GroupShape

    kind = _placeholder_kind(shape)
    if kind == _NUMBER:
        return
    if isinstance(shape, GroupShape) and depth < _MAX_DEPTH:
        for inner in in_rows(shape.shapes, _place):
            yield from _shape_blocks(inner, page, depth + 1)
    elif shape.has_text_frame:
        yield from _frame_blocks(shape.text_frame, page, _RUNNING.get(kind, ""), Bullets(shape))
    elif shape.has_table:
        yield from row_blocks(spread(_cells(row) for row in shape.table.rows), page)
    elif shape.has_chart:
        yield from chart_blocks(_parsed(shape.chart.part.blob), page)
    else:
        yield from _other_blocks(shape, page)


def _placeholder_kind(shape: Any) -> str:
    placeholder = shape.element.find(".//{*}nvPr/{*}ph")
    return "" if placeholder is None else str(placeholder.get("type", "obj"))


def _frame_blocks(
    frame: Any, page: int, role: str = "", bullets: Bullets | None = None
) -> Iterator[Block]:
    for paragraph in frame.paragraphs:
        text = paragraph.text.replace("\v", "\n").strip()
        if not text:
            continue
        mark = bullets.mark(paragraph) if bullets and not role else None
        if mark is None:
            yield Block(text, role or "paragraph", page)
        else:
            yield Block(text, "list_item", page, level=paragraph.level, number=mark)


def _cells(row: Any) -> Iterator[Cell]:
    """Cells that are not covered by others."""
    for cell in row.cells:
        if not cell.is_spanned:
            yield Cell(cell.text, *_spans(cell))


def _spans(cell: Any) -> tuple[int, int]:
    return (cell.span_width, cell.span_height) if cell.is_merge_origin else (1, 1)


def _other_blocks(shape: Any, page: int) -> Iterator[Block]:
    """SmartArt, and what the author says a picture shows."""
    for relation in shape.element.iter(f"{{{_DIAGRAM}}}relIds"):
        part = shape.part.related_part(relation_id(relation, "dm"))
        for text in diagram_texts(_parsed(part.blob)):
            yield Block(text, "list_item", page)
    if text := alt_text(shape.element.find(".//{*}cNvPr")):
        yield Block(text, "alt_text", page)


def _comment_blocks(data: bytes, page: int) -> Iterator[Block]:
    """Comments of both kinds: plain ones, and the threads of newer programs."""
    root = _parsed(data)
    for text in root.iter("{*}text"):
        yield Block(text.text or "", "comment", page)
    for body in root.iter("{*}txBody"):
        yield Block(drawing_text(body), "comment", page)


def _parsed(data: bytes) -> "_Element":
    from lxml import etree

    return etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
