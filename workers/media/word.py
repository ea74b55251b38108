"""DOCX by its own markup: the body in reading order, then what stands beside it.

python-docx shows neither list numbers nor text boxes, formulas, charts and footnotes, and the
general extractors lose or misplace them; `docs/formats.md` has the figures.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from schemas.errors import UnreadableMedia
from workers.media.blocks import Block, inline, markdown, row_blocks
from workers.media.charts import chart_blocks, diagram_texts
from workers.media.grids import Cell, spread
from workers.media.parts import Parts
from workers.media.word_styles import Numberings, Styles, W
from workers.media.word_text import ParagraphText, read_paragraph

if TYPE_CHECKING:
    from lxml.etree import _Element

_ROLES = {"header": "page_header", "footer": "page_footer"}
#: Elements around paragraphs and tables; what was deleted or moved away is not among them.
_AROUND = {"sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag", "body"}


class WordDocument:
    """Reads one DOCX.

    Raises:
        UnreadableMedia: it has no body.
    """

    def __init__(self, parts: Parts, name: str) -> None:
        self._parts = parts
        kinds = {r.kind: r.path for r in reversed(list(parts.relations("").values()))}
        path = kinds.get("officeDocument", "word/document.xml")
        root = parts.find(path)
        if root is None or (body := root.find("{*}body")) is None:
            raise UnreadableMedia(f"{name}: the document has no body")
        self._body = body
        self._relations = parts.relations(path)
        self._styles = Styles(parts.find_beside(self._path("styles")))
        self._numberings = Numberings(parts.find_beside(self._path("numbering")))
        self._notes: list[tuple[str, str]] = []
        self._comments: list[str] = []

    def blocks(self) -> Iterator[Block]:
        """Headers, body, footnotes, comments, footers."""
        yield from self._running("header")
        yield from self._container(self._body)
        yield from self._footnotes()
        yield from self._comment_blocks()
        yield from self._running("footer")

    def _path(self, kind: str) -> str | None:
        return next((r.path for r in self._relations.values() if r.kind == kind), None)

    def _running(self, kind: str) -> Iterator[Block]:
        for path in sorted(r.path for r in self._relations.values() if r.kind == kind):
            root = self._parts.find_beside(path)
            lines = [markdown(block) for block in self._container(root)] if root is not None else []
            yield Block("\n".join(lines), _ROLES[kind])

    def _container(self, container: "_Element") -> Iterator[Block]:
        """Paragraphs and tables of the body, a cell, a text box, a note."""
        for element in container:
            tag = str(element.tag).rpartition("}")[2]
            if tag == "p":
                yield from self._paragraph(element)
            elif tag == "tbl":
                yield from self._table(element)
            elif tag in _AROUND:
                yield from self._container(element)

    def _paragraph(self, paragraph: "_Element") -> Iterator[Block]:
        found = read_paragraph(paragraph)
        if text := found.text:
            yield self._block(paragraph, found, text)
        for box in found.boxes:
            yield from self._container(box)
        yield from self._drawings(found)
        self._notes += found.notes
        self._comments += found.comments

    def _block(self, paragraph: "_Element", found: ParagraphText, text: str) -> Block:
        if found.is_formula:
            return Block(f"${text}$", "formula")
        place = self._styles.list_place(paragraph)
        number = self._numberings.label(place) if place else ""
        if level := self._styles.heading_level(paragraph):
            return Block(f"{number} {text}".strip(), "heading", level=level)
        if place:
            return Block(text, "list_item", level=place.level, number=number)
        return Block(text)

    def _drawings(self, found: ParagraphText) -> Iterator[Block]:
        for text in found.alt_texts:
            yield Block(text, "alt_text")
        for one in found.charts:
            if (root := self._related(one)) is not None:
                yield from chart_blocks(root)
        for one in found.diagrams:
            if (root := self._related(one)) is not None:
                yield from (Block(text) for text in diagram_texts(root))

    def _related(self, relation_id: str) -> "_Element | None":
        relation = self._relations.get(relation_id)
        return self._parts.find_beside(relation.path) if relation else None

    def _table(self, table: "_Element") -> Iterator[Block]:
        rows = [list(self._cells(row)) for row in _rows(table)]
        if len(rows) == 1 and len(rows[0]) == 1 and (cell := table.find(f".//{W}tc")) is not None:
            yield from self._container(cell)  # a frame around text, no table
            return
        yield from row_blocks(spread(_merged(rows)), page=1)

    def _cells(self, row: "_Element") -> Iterator["_Cell"]:
        """The cells of a row; columns that are left out before them are empty cells."""
        if before := _number(row.find(f"{W}trPr/{W}gridBefore")):
            yield "", before, None
        for cell in _below(row, "tc"):
            merge = cell.find(f"{W}tcPr/{W}vMerge")
            state = None if merge is None else merge.get(f"{W}val", "continue")
            n_columns = _number(cell.find(f"{W}tcPr/{W}gridSpan")) or 1
            yield _joined(self._container(cell)), n_columns, state

    def _footnotes(self) -> Iterator[Block]:
        for kind in ("footnotes", "endnotes"):
            root = self._parts.find_beside(self._path(kind))
            notes = {n.get(f"{W}id", ""): n for n in root} if root is not None else {}
            for name in [name for of, name in self._notes if of == kind and name in notes]:
                yield Block(_joined(self._container(notes[name])), "footnote")

    def _comment_blocks(self) -> Iterator[Block]:
        root = self._parts.find_beside(self._path("comments"))
        comments = {c.get(f"{W}id", ""): c for c in root} if root is not None else {}
        for name in dict.fromkeys(self._comments):
            if (comment := comments.get(name)) is not None:
                author = comment.get(f"{W}author", "")
                text = _joined(self._container(comment))
                yield Block(f"{author}: {text}" if author and text else text, "comment")


#: Text, columns that it covers, and how it is merged with the rows around it.
_Cell = tuple[str, int, str | None]


def _rows(table: "_Element") -> Iterator["_Element"]:
    for row in _below(table, "tr"):
        if row.find(f"{W}trPr/{W}del") is None:
            yield row


def _below(element: "_Element", tag: str) -> Iterator["_Element"]:
    """Rows of a table or cells of a row, also those inside content controls."""
    for child in element:
        name = str(child.tag).rpartition("}")[2]
        if name == tag:
            yield child
        elif name in _AROUND:
            yield from _below(child, tag)


def _merged(rows: Iterable[Iterable[_Cell]]) -> Iterator[list[Cell]]:
    """Rows whose merged cells say what the first one above says."""
    above: dict[int, str] = {}
    for row in rows:
        cells, merged, at = [], {}, 0
        for own, n_columns, state in row:
            text = above.get(at, own) if state == "continue" else own
            if state:
                merged[at] = text
            cells.append(Cell(text, n_columns))
            at += n_columns
        above = merged
        yield cells


def _joined(blocks: Iterable[Block]) -> str:
    """Blocks as one line: a cell, a note."""
    return " ".join(inline(block) for block in blocks)


def _number(element: "_Element | None") -> int:
    value = "" if element is None else element.get(f"{W}val", "")
    return int(value) if value.isdigit() else 0
