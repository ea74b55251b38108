"""From blocks of text that a reader finds, in order, to the segments of a document.

Segments hold Markdown: `#` before headings, marks before list items, tables with a rule below
their first row. Joined with line feeds, the segments of a page are the page.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from schemas.segment import Page, Segment

#: A retry of a later stage costs one part; both bounds keep its rows and messages small.
_PART_SEGMENTS = 200
_PART_CHARS = 100_000
#: Longer blocks are cut at line ends; a whole sheet as one segment finds nothing.
_BLOCK_CHARS = 4_000
_HIGHEST, _LOWEST = 1, 6
#: Numbers that are Markdown's own marks; others (`a)`, `1.2.`) follow a dash.
_NUMBER = re.compile(r"\d{1,9}[.)]")
#: Borders of cells; a bar within a cell is escaped.
_BORDER = re.compile(r"(?<!\\)\|")
#: Text that is repeated on every page; it can be found where it stands first.
_RUNNING = frozenset({"page_header", "page_footer"})


class Block(NamedTuple):
    """One paragraph, heading, list item or table, on a 1-based page, slide, sheet or chapter.

    Text beside the body has a role of its own: `notes` (a speaker's), `comment`, `footnote`,
    `page_header`, `page_footer`, `alt_text` (of a picture), `chart` (numbers behind a drawing).
    """

    text: str
    role: str = "paragraph"
    page: int = 1
    #: Of a heading from 1, the highest; of a list item from 0, the outermost.
    level: int = 0
    #: Number of a list item as it is shown (`3.`, `b)`); empty for a bullet.
    number: str = ""
    #: Kept in the record, out of search: hidden slides and sheets.
    is_hidden: bool = False


def markdown(block: Block) -> str:
    """The block's text with the marks of its role."""
    text = block.text.replace("\0", "").strip("\n")
    if not text.strip():
        return ""
    if block.role == "heading":
        level = min(max(block.level, _HIGHEST), _LOWEST)
        return f"{'#' * level} {' '.join(text.split())}"
    if block.role == "list_item":
        mark = block.number if _NUMBER.fullmatch(block.number) else f"- {block.number}".strip()
        return f"{'  ' * block.level}{mark} {text.strip()}"
    return text if block.role == "code" else text.strip()


def inline(block: Block) -> str:
    """The block within a line of others: in the cell of a table, in a note."""
    if block.role == "formula":
        return block.text.removeprefix("$").removesuffix("$")
    if block.role == "table":
        rows = (line for line in block.text.split("\n") if not line.startswith("| ---"))
        return " ".join(" ".join(_BORDER.sub(" ", row).split()) for row in rows)
    return " ".join(block.text.split()) if block.role == "heading" else markdown(block).strip()


def row_text(cells: Sequence[str]) -> str:
    """One row of a table; empty if no cell holds text."""
    texts = [" ".join(cell.split()).replace("|", "\\|") for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    return f"| {' | '.join(texts)} |" if texts else ""


def row_blocks(rows: Iterable[Sequence[str]], page: int, role: str = "table") -> Iterator[Block]:
    """Tables of neighbouring rows from a stream of rows; a long one goes on in further blocks."""
    lines: list[str] = []
    n_chars = 0
    is_ruled = False
    for line in filter(None, map(row_text, rows)):
        if lines and n_chars + len(line) > _BLOCK_CHARS:
            yield Block("\n".join(lines), role, page)
            lines, n_chars = [], 0
        # Markdown's readers know a table by the rule below its first row.
        new = [line] if is_ruled else [line, _rule(line)]
        is_ruled = True
        lines += new
        n_chars += sum(map(len, new)) + len(new)
    if lines:
        yield Block("\n".join(lines), role, page)


def _rule(line: str) -> str:
    n_cells = len(_BORDER.findall(line)) - 1
    return f"|{' --- |' * n_cells}"


class Segments:
    """Collects blocks into parts, up to a number of characters."""

    def __init__(self, n_chars: int) -> None:
        self.parts: dict[int, list[Segment]] = {}
        self.is_full = False
        self._left = n_chars
        self._part_chars = 0
        self._running: set[str] = set()

    def add(self, blocks: Iterable[Block]) -> "Segments":
        """Take blocks until the limit is reached; the source is then not read further."""
        for block in blocks:
            for text in _pieces(markdown(block)):
                self._append(text[: self._left], block)
                self._left -= len(text)
                if self._left <= 0:
                    self.is_full = True
                    return self
        return self

    def _append(self, text: str, block: Block) -> None:
        part = max(len(self.parts) - 1, 0)
        is_crowded = self._part_chars + len(text) > _PART_CHARS
        if part in self.parts and (is_crowded or len(self.parts[part]) == _PART_SEGMENTS):
            part += 1
            self._part_chars = 0
        segments = self.parts.setdefault(part, [])
        self._part_chars += len(text)
        segments.append(
            Segment(
                ordinal=len(segments),
                locator=Page(page=block.page),
                text=text,
                role=block.role,
                searchable=not (block.is_hidden or self._is_repeated(text, block.role)),
            )
        )

    def _is_repeated(self, text: str, role: str) -> bool:
        """Whether a running header or footer stood on an earlier page already."""
        is_repeated = role in _RUNNING and text in self._running
        if role in _RUNNING:
            self._running.add(text)
        return is_repeated


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text at line ends, or at spaces where a line is long."""
    while len(text) > _BLOCK_CHARS:
        end = text.rfind("\n", 1, _BLOCK_CHARS)
        if end < 0:
            end = text.rfind(" ", 1, _BLOCK_CHARS)
        if end < 0:
            end = _BLOCK_CHARS
        yield text[:end]
        text = text[end:].lstrip()
    if text:
        yield text
