"""OpenDocument (ODT, ODS, ODP) by its own markup; a sheet or a slide is a page."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from schemas.errors import EncryptedMedia, UnreadableMedia
from workers.media.blocks import Block, inline, row_blocks
from workers.media.grids import Cell, spread
from workers.media.media_file import MediaFile
from workers.media.opendocument_styles import (
    CHART,
    DRAW,
    OFFICE,
    OUTLINE,
    PRESENTATION,
    TABLE,
    TEXT,
    ListStyles,
    hidden_styles,
)
from workers.media.opendocument_text import ParagraphText, read_paragraph
from workers.media.parts import Parts
from workers.media.shape_order import Place, in_rows

if TYPE_CHECKING:
    from lxml.etree import _Element

_OPENDOCUMENT = "application/vnd.oasis.opendocument"
OPENDOCUMENT_TYPES = tuple(
    f"{_OPENDOCUMENT}.{kind}" for kind in ("text", "spreadsheet", "presentation")
)
#: Elements that hold no text of the page.
_SKIPPED = set(
    "tracked-changes forms sequence-decls variable-decls user-field-decls notes title desc "  # noqa: SIM905
    "table-column table-columns shapes named-expressions calculation-settings settings".split()
)
#: A row or a cell that is repeated more often is the empty rest of the sheet.
_MOST_REPEATS = 1_000
_LENGTH = re.compile(r"(-?\d+(?:\.\d+)?)(cm|mm|in|pt)?")
_CM = {"mm": 0.1, "in": 2.54, "pt": 2.54 / 72}
_RUNNING = {"footer": "page_footer", "date-time": "page_footer", "header": "page_header"}


class OpenDocument:
    """Reads one file.

    Raises:
        EncryptedMedia: it needs a password.
        UnreadableMedia: it has no body.
    """

    def __init__(self, parts: Parts, media: MediaFile) -> None:
        manifest = parts.find_beside("META-INF/manifest.xml")
        if manifest is not None and manifest.find(".//{*}encryption-data") is not None:
            raise EncryptedMedia(f"{media.name}: the file needs a password")
        self._parts = parts
        root, self._common = parts.find("content.xml"), parts.find_beside("styles.xml")
        body = None if root is None else root.find(f"{OFFICE}body")
        if root is None or body is None or not len(body):
            raise UnreadableMedia(f"{media.name}: the document has no body")
        self._body = body[-1]
        self._lists = ListStyles(root, self._common)
        self._comments: list[_Element] = []
        self._notes: list[_Element] = []
        self._hidden_styles = hidden_styles(root)
        self._pages = self._body.findall(f"{DRAW}page")
        if self._body.tag == f"{OFFICE}spreadsheet":
            self._pages = self._body.findall(f"{TABLE}table")
        self.n_pages = len(self._pages) or None

    @property
    def facts(self) -> dict[str, Any]:
        """Names of sheets, and pages that are hidden."""
        names = [page.get(f"{TABLE}name") for page in self._pages if page.tag == f"{TABLE}table"]
        hidden = [n for n, page in enumerate(self._pages, start=1) if self._is_hidden(page)]
        return {"sheets": names, "hidden_pages": hidden}

    def blocks(self) -> Iterator[Block]:
        """Body, page after page, each with its notes; headers and footers around a text."""
        if not self._pages:
            yield from self._running("header")
            yield from self._container(self._body, 1)
            yield from self._beside(1)
            yield from self._running("footer")
        for number, page in enumerate(self._pages, start=1):
            read = self._slide if page.tag == f"{DRAW}page" else self._sheet
            for block in (*read(page, number), *self._beside(number)):
                yield block._replace(is_hidden=self._is_hidden(page))

    def _is_hidden(self, page: "_Element") -> bool:
        names = (page.get(f"{TABLE}style-name"), page.get(f"{DRAW}style-name"))
        return any(name in self._hidden_styles for name in names)

    def _slide(self, slide: "_Element", page: int) -> Iterator[Block]:
        for shape in in_rows(slide, _place):
            kind = shape.get(f"{PRESENTATION}class", "")
            if kind == "page-number":
                continue
            for block in self._element(shape, page):
                if kind == "title":
                    yield Block(block.text, "heading", page, level=1)
                else:
                    yield block._replace(role=_RUNNING.get(kind, block.role))
        for notes in slide.iterfind(f"{PRESENTATION}notes"):
            for text in notes.iter(f"{TEXT}p", f"{TEXT}h"):
                yield Block(read_paragraph(text).text, "notes", page)

    def _sheet(self, sheet: "_Element", page: int) -> Iterator[Block]:
        yield Block(sheet.get(f"{TABLE}name", ""), "heading", page, level=2)
        yield from row_blocks(spread(self._rows(sheet, page)), page)
        for shapes in sheet.iterfind(f"{TABLE}shapes"):
            yield from self._container(shapes, page)

    def _container(self, container: "_Element", page: int) -> Iterator[Block]:
        for element in container:
            yield from self._element(element, page)

    def _element(self, element: "_Element", page: int) -> Iterator[Block]:
        namespace, _, tag = str(element.tag)[1:].partition("}")
        if tag in _SKIPPED:
            return
        if tag in {"p", "h"} and f"{{{namespace}}}" == TEXT:
            yield from self._paragraph(element, page)
        elif tag == "list":
            yield from self._list(element, page)
        elif element.tag == f"{TABLE}table":
            yield from row_blocks(spread(self._rows(element, page)), page)
        elif tag == "frame":
            yield from self._frame(element, page)
        elif tag == "annotation":
            self._comments.append(element)
        else:
            yield from self._container(element, page)

    def _paragraph(
        self, element: "_Element", page: int, number: str | None = None, depth: int = -1
    ) -> Iterator[Block]:
        """A paragraph; with a depth it is an item of a list."""
        found = read_paragraph(element)
        if element.tag == f"{TEXT}h":
            yield self._heading(element, found.text, page, number)
        elif depth < 0 or number is None:
            yield Block(found.text, "paragraph", page)
        else:
            yield Block(found.text, "list_item", page, level=depth, number=number)
        yield from self._anchored(found, page)

    def _heading(self, element: "_Element", text: str, page: int, number: str | None) -> Block:
        outline = element.get(f"{TEXT}outline-level", "1")
        level = int(outline) if outline.isdigit() else 1
        if number is None and element.get(f"{TEXT}is-list-header") != "true" and text:
            number = self._lists.label(OUTLINE, level - 1)
        return Block(f"{number or ''} {text}".strip(), "heading", page, level=level)

    def _anchored(self, found: ParagraphText, page: int) -> Iterator[Block]:
        for drawing in found.drawings:
            yield from self._element(drawing, page)
        self._notes += found.notes
        self._comments += found.comments

    def _list(
        self, element: "_Element", page: int, style: str = "", depth: int = 0
    ) -> Iterator[Block]:
        style = element.get(f"{TEXT}style-name") or style
        goes_on = element.get(f"{TEXT}continue-numbering") == "true"
        if not depth and not goes_on and f"{TEXT}continue-list" not in element.attrib:
            self._lists.restart(style)
        for item in element:
            number: str | None = None
            if item.tag == f"{TEXT}list-item" and len(item) and item[0].tag != f"{TEXT}list":
                start = item.get(f"{TEXT}start-value", "")
                number = self._lists.label(style, depth, start)
            for child in item:
                if child.tag == f"{TEXT}list":
                    yield from self._list(child, page, style, depth + 1)
                elif child.tag in {f"{TEXT}p", f"{TEXT}h"}:
                    yield from self._paragraph(child, page, number, depth)
                    number = None  # what follows in the item is text below it

    def _rows(self, table: "_Element", page: int) -> Iterator[list[Cell]]:
        """Rows of a table, header rows and groups of rows included."""
        for child in table:
            if child.tag == f"{TABLE}table-row":
                cells = list(self._cells(child, page))
                times = _repeats(child, "rows") if any(cell.text for cell in cells) else 1
                for _ in range(times):
                    yield cells
            elif child.tag != f"{TABLE}shapes" and str(child.tag).startswith(f"{TABLE}table-"):
                yield from self._rows(child, page)

    def _cells(self, row: "_Element", page: int) -> Iterator[Cell]:
        """Cells that are not covered by others."""
        last = len(row) - 1
        for number, cell in enumerate(row):
            if cell.tag != f"{TABLE}table-cell":
                continue
            text = " ".join(filter(None, map(inline, self._container(cell, page))))
            spans = (cell.get(f"{TABLE}number-{of}-spanned", "1") for of in ("columns", "rows"))
            n_columns, n_rows = (int(span) if span.isdigit() else 1 for span in spans)
            times = _repeats(cell, "columns") if text or number < last else 1
            for _ in range(times):
                yield Cell(text, n_columns, n_rows)

    def _frame(self, frame: "_Element", page: int) -> Iterator[Block]:
        """The first kind of content that is text, and what it is said to show."""
        for link in frame.iterfind(f"{DRAW}object"):
            href = link.get("{http://www.w3.org/1999/xlink}href", "").removeprefix("./")
            root = self._parts.find_beside(f"{href}/content.xml")
            if root is not None:
                yield from self._object(root, page)
        yield from self._container(frame, page)
        for tag in ("title", "desc"):
            if text := " ".join((frame.findtext(f"{{*}}{tag}") or "").split()):
                yield Block(text, "alt_text", page)

    def _object(self, root: "_Element", page: int) -> Iterator[Block]:
        """A chart with its numbers, or a formula."""
        chart = root.find(f".//{CHART}chart")
        if chart is not None:
            for title in chart.iterfind(f"{CHART}title"):
                yield from self._container(title, page)
            kind = chart.get(f"{CHART}class", "").rpartition(":")[2]
            yield Block(f"{kind.capitalize()} chart".strip(), "chart", page)
            for table in chart.iterfind(f"{TABLE}table"):
                yield from row_blocks(spread(self._rows(table, page)), page, "chart")
        elif str(root.tag).endswith("}math"):
            source = root.findtext(".//{*}annotation")
            yield Block(" ".join((source or "".join(root.itertext())).split()), "formula", page)

    def _beside(self, page: int) -> Iterator[Block]:
        for note in self._notes:
            body = note.find(f"{TEXT}note-body")
            yield Block(self._joined(body if body is not None else (), page), "footnote", page)
        for comment in self._comments:
            author = comment.findtext("{*}creator") or ""
            text = self._joined(comment.iterfind(f"{TEXT}*"), page)
            yield Block(f"{author}: {text}" if author and text else text, "comment", page)
        self._notes, self._comments = [], []

    def _joined(self, elements: "Iterable[_Element]", page: int) -> str:
        return " ".join(inline(block) for one in elements for block in self._element(one, page))

    def _running(self, kind: str) -> Iterator[Block]:
        if self._common is not None:
            for master in self._common.iter(f"{{*}}{kind}"):
                yield Block(self._joined(master, 1), f"page_{kind}")


def _repeats(element: "_Element", of: str) -> int:
    times = element.get(f"{TABLE}number-{of}-repeated", "1")
    return min(int(times), _MOST_REPEATS) if times.isdigit() else 1


def _place(shape: "_Element") -> Place:
    top, left = _cm(shape, "y"), _cm(shape, "x")
    return None if top is None else (top, left or 0.0)


def _cm(shape: "_Element", axis: str) -> float | None:
    names = (key for key in shape.attrib if str(key).endswith(f"compatible:1.0}}{axis}"))
    found = _LENGTH.match(next((shape.get(name, "") for name in names), ""))
    return float(found.group(1)) * _CM.get(found.group(2), 1.0) if found else None
