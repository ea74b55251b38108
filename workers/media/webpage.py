"""HTML: what a reader of the page sees, in order; nothing is fetched or run."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from workers.media.blocks import Block, row_blocks
from workers.media.grids import Cell, spread
from workers.media.numerals import numeral

if TYPE_CHECKING:
    from lxml.etree import _Element

_HIDDEN = set(
    "script style noscript template head title svg math iframe object datalist".split()  # noqa: SIM905
)
_INLINE = set(
    "a abbr b bdi bdo cite code data del dfn em font i ins kbd label mark q s samp small span "  # noqa: SIM905
    "strike strong sub sup time tt u var wbr".split()
)
_CELLS = {"td", "th", "caption"}
_LISTS = {"ul", "ol", "menu", "dir"}
_ROLES = {"li": "list_item", "dd": "list_item", "dt": "list_item", "pre": "code"}
_ROLES |= {f"h{level}": "heading" for level in range(1, 7)}
_MOST_SPANNED = 1_000


#: Browsers look for the declaration this far.
_DECLARED = re.compile(
    rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^>]+encoding=[\"']([\w.:-]+)",
    re.IGNORECASE,
)
_DECLARED_BYTES = 1024
#: Names of `<meta>` elements, in lower case, and the facts that they state.
_FACTS = {
    "author": "author",
    "dc.creator": "author",
    "article:author": "author",
    "description": "subject",
    "keywords": "keywords",
    "dc.date": "created",
    "article:published_time": "created",
    "article:modified_time": "modified",
}


def declared_encoding(data: bytes) -> str | None:
    """The encoding that the page states in its first bytes."""
    found = _DECLARED.search(data[:_DECLARED_BYTES])
    return (found.group(1) or found.group(2)).decode("ascii") if found else None


def parse(data: bytes, encoding: str | None) -> "_Element | None":
    """Parse HTML or XHTML, however broken; None if it holds no element.

    Args:
        data: the bytes of the page.
        encoding: None leaves it to the page's own declaration.
    """
    from lxml import html
    from lxml.etree import ParserError

    parser = html.HTMLParser(
        encoding=encoding, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        root: _Element = html.document_fromstring(data, parser=parser)
    except ParserError:
        return None
    return root


def facts(root: "_Element") -> dict[str, str]:
    """Title, author, dates and language, where the page states them."""
    found = {"title": root.findtext(".//title") or "", "language": root.get("lang") or ""}
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower()
        if fact := _FACTS.get(name):
            found.setdefault(fact, meta.get("content") or "")
    stated = {name: " ".join(text.split()) for name, text in found.items()}
    return {name: text for name, text in stated.items() if text}


def blocks(root: "_Element", page: int = 1) -> Iterator[Block]:
    """Headings, paragraphs, list items and tables that are not hidden."""
    from lxml.etree import iterwalk

    walk = _Walk(page)
    walker: Any = iterwalk(root, events=("start", "end"))
    for event, element in walker:
        if event == "start":
            if walk.is_hidden(element):
                walker.skip_subtree()
                continue
            yield from walk.enter(element)
        else:
            yield from walk.leave(element)
    yield from walk.flush()


class _Shape(NamedTuple):
    """What the next block is."""

    role: str
    level: int = 0
    number: str = ""


class _List:
    """A list that is being read."""

    def __init__(self, element: "_Element") -> None:
        self._kind = element.get("type", "1") if element.tag == "ol" else ""
        start = element.get("start", "1")
        self._next = int(start) if start.isdigit() else 1

    def number(self, item: "_Element") -> str:
        """The next number; empty for a bullet."""
        if not self._kind:
            return ""
        value = item.get("value", "")
        number = int(value) if value.isdigit() else self._next
        self._next = number + 1
        return f"{numeral(number, self._kind)}."


class _Walk:
    """Text gathered since the last border of a block."""

    def __init__(self, page: int) -> None:
        self._page = page
        self._pieces: list[str] = []
        self._shapes: list[_Shape] = []
        self._lists: list[_List] = []
        self._alt_texts: list[str] = []
        #: Rows of the table being read; cells of its last row.
        self._rows: list[list[Cell]] | None = None

    def is_hidden(self, element: "_Element") -> bool:
        style = (element.get("style") or "").replace(" ", "").lower()
        return element.tag in _HIDDEN or "hidden" in element.attrib or "display:none" in style

    def enter(self, element: "_Element") -> Iterator[Block]:
        tag = str(element.tag)
        if tag == "br":
            self._pieces.append("\n")
        elif tag == "img":
            self._alt_texts.append(" ".join((element.get("alt") or "").split()))
        elif self._rows is not None:
            self._enter_in_table(element)
        elif tag not in _INLINE:
            yield from self.flush()
            # Tables around tables are layout, not rows of data.
            if tag == "table" and element.find(".//table") is None:
                self._rows = []
            self._open(element)
        self._pieces.append(element.text or "")

    def _open(self, element: "_Element") -> None:
        tag = str(element.tag)
        if tag in _LISTS:
            self._lists.append(_List(element))
        if tag in _ROLES:
            self._shapes.append(self._shape(element, _ROLES[tag]))

    def _shape(self, element: "_Element", role: str) -> _Shape:
        if role == "heading":
            return _Shape(role, int(element.tag[1]))
        depth = max(len(self._lists) - 1, 0)
        is_item = element.tag == "li" and self._lists
        return _Shape(role, depth, self._lists[-1].number(element) if is_item else "")

    def leave(self, element: "_Element") -> Iterator[Block]:
        tag = element.tag
        if not self.is_hidden(element) and tag not in _INLINE and tag not in {"br", "img"}:
            if self._rows is None:
                yield from self.flush()
                if tag in _ROLES:
                    self._shapes.pop()
                if tag in _LISTS:
                    self._lists.pop()
            else:
                yield from self._leave_in_table(element)
        self._pieces.append(element.tail or "")

    def _enter_in_table(self, element: "_Element") -> None:
        assert self._rows is not None
        tag = element.tag
        if tag == "tr":
            self._rows.append([])
        elif tag in _LISTS:
            self._lists.append(_List(element))
            self._pieces.append(" ")
        elif tag == "li" and self._lists:
            self._pieces.append(f" {self._lists[-1].number(element) or '-'} ")
        elif tag not in _INLINE and tag not in _CELLS:
            self._pieces.append(" ")

    def _leave_in_table(self, element: "_Element") -> Iterator[Block]:
        """Text between cells is kept: it falls into the next one."""
        assert self._rows is not None
        tag = element.tag
        if tag in _CELLS:
            if not self._rows:
                self._rows.append([])
            text = " ".join("".join(self._pieces).split())
            self._rows[-1].append(Cell(text, _span(element, "col"), _span(element, "row")))
            self._pieces.clear()
        elif tag == "table":
            rows, self._rows = self._rows, None
            yield from row_blocks(spread(rows), self._page)
            yield from self._described()
        else:
            if tag in _LISTS and self._lists:
                self._lists.pop()
            self._pieces.append(" ")

    def flush(self) -> Iterator[Block]:
        """The block that ends here, and descriptions of the pictures in it."""
        shape = self._shapes[-1] if self._shapes else _Shape("paragraph")
        text = "".join(self._pieces)
        self._pieces.clear()
        if shape.role != "code":
            lines = (" ".join(line.split()) for line in text.split("\n"))
            text = "\n".join(filter(None, lines))
        if text.strip():
            yield Block(text, shape.role, self._page, shape.level, shape.number)
            if shape.role == "list_item":  # further paragraphs of an item are no items
                self._shapes[-1] = _Shape("paragraph")
        yield from self._described()

    def _described(self) -> Iterator[Block]:
        for text in filter(None, self._alt_texts):
            yield Block(text, "alt_text", self._page)
        self._alt_texts.clear()


def _span(cell: "_Element", axis: str) -> int:
    """How many columns or rows a cell covers; 0 rows are all that are left."""
    text = cell.get(f"{axis}span", "1").strip()
    number = int(text) if text.isdigit() and len(text) < 6 else 1  # noqa: PLR2004
    return min(number or (_MOST_SPANNED if axis == "row" else 1), _MOST_SPANNED)
