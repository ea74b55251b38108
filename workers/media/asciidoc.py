"""AsciiDoc as blocks, line by line: Python has no maintained reader of it."""

import re
from collections.abc import Iterator

from workers.media.blocks import Block, row_blocks
from workers.media.grids import Cell, spread

_HEADING = re.compile(r"(={1,6})\s+(.+)$")
_BULLET = re.compile(r"\s*(\*{1,5}|-)\s+(?:\[[ xX*]\]\s+)?(\S.*)")
_NUMBERED = re.compile(r"\s*(\.{1,5})\s+(\S.*)")
_COUNTED = re.compile(r"\s*(\d+[.)])\s+(\S.*)")
_TITLE = re.compile(r"\.([^\s.].*)")
_IMAGE = re.compile(r"image::?[^\s\[]+\[([^\],]*)[^\]]*\]")
_LINK = re.compile(r"(?:link:|xref:)?(?:https?://|(?<=link:)|(?<=xref:))[^\s\[]*\[([^\]]+)\]")
_FENCE = re.compile(r"(-{4,}|\.{4,}|`{3})\s*$")
#: Attributes, comments, block attributes, macros without text, borders of blocks.
_SKIPPED = re.compile(
    r"//(?!/)|\[.*\]\s*$|:!?[\w-]+!?:|(?:include|toc|ifdef|ifndef|endif|ifeval)::"
    r"|(?:={4,}|\*{4,}|_{4,}|\+{4,}|--|<<<|'''|\+)\s*$"
)
_TABLE = re.compile(r"[|,:!]===+\s*$")
#: What stands before a cell's border: how often it is repeated or spanned, how it looks.
_CELL = re.compile(
    r"(?:(?:^|(?<=\s))(?:(\d*)(?:\.(\d+))?([*+]))?[<^>]?(?:\.[<^>])?[adehlmsv]?)?(?<!\\)\|"
)
_COLUMNS = re.compile(r"cols=\"?([^\"\]]*)\"?")


def asciidoc_blocks(text: str) -> Iterator[Block]:
    """Headings, list items, tables, listings, descriptions of pictures and paragraphs."""
    reader = _Reader()
    for line in text.split("\n"):
        yield from reader.read(line.rstrip())
    yield from reader.end()


class _Reader:
    """The lines of the block that is being read."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._block = Block("")
        self._fence = ""
        self._is_table = False
        self._n_columns = 0
        #: Last number of each level of the list.
        self._counts: dict[int, int] = {}

    def read(self, line: str) -> Iterator[Block]:
        """Take a line; what ends before it comes out."""
        if self._fence or self._is_table:
            yield from self._read_inside(line)
        elif _TABLE.match(line) or _FENCE.match(line):
            yield from self.end()
            self._is_table = _TABLE.match(line) is not None
            self._fence = "" if self._is_table else line.strip()
        elif not line.strip():
            yield from self.end()
        elif _SKIPPED.match(line):
            if columns := _COLUMNS.search(line):
                self._n_columns = _n_columns(columns.group(1))
        else:
            yield from self._read_text(line)

    def _read_inside(self, line: str) -> Iterator[Block]:
        """Lines up to the border that opened the listing or the table."""
        if self._is_table and _TABLE.match(line):
            rows = spread(_rows(self._lines, self._n_columns))
            self._lines, self._is_table, self._n_columns = [], False, 0
            yield from row_blocks(rows, page=1)
        elif self._fence and line.strip() == self._fence:
            self._fence, self._block = "", Block("", "code")
            yield from self.end()
        else:
            self._lines.append(line)

    def _read_text(self, line: str) -> Iterator[Block]:
        if heading := _HEADING.match(line):
            yield from self.end()
            self._counts.clear()
            yield Block(_plain(heading.group(2)), "heading", level=len(heading.group(1)))
        elif image := re.fullmatch(_IMAGE, line.strip()):
            yield from self.end()
            yield Block(image.group(1), "alt_text")
        elif item := self._item(line):
            yield from self.end()
            self._block, self._lines = item, [item.text]
        elif title := _TITLE.match(line):
            yield from self.end()
            yield Block(_plain(title.group(1)))
        else:
            if not self._lines:
                self._counts.clear()
            self._lines.append(line.strip())

    def _item(self, line: str) -> Block | None:
        if bullet := _BULLET.match(line):
            mark, text = bullet.groups()
            level = 0 if mark == "-" else len(mark) - 1
            # Indentation means nothing to AsciiDoc, but much to those who indent.
            level += (len(line) - len(line.lstrip())) // 2
            return Block(text, "list_item", level=level)
        if numbered := _NUMBERED.match(line):
            level = len(numbered.group(1)) - 1
            self._counts = {at: n for at, n in self._counts.items() if at <= level}
            self._counts[level] = self._counts.get(level, 0) + 1
            number = f"{self._counts[level]}."
            return Block(numbered.group(2), "list_item", level=level, number=number)
        if counted := _COUNTED.match(line):
            return Block(counted.group(2), "list_item", number=counted.group(1))
        return None

    def end(self) -> Iterator[Block]:
        """The block that is being read."""
        text = "\n".join(self._lines)
        if self._is_table:  # the border at its end is missing
            rows = spread(_rows(self._lines, self._n_columns))
            yield from row_blocks(rows, page=1)
        elif text.strip():
            is_code = self._fence or self._block.role == "code"
            role = "code" if is_code else self._block.role
            yield self._block._replace(text=text if is_code else _plain(text), role=role)
        self._lines, self._block, self._is_table = [], Block(""), False


def _plain(text: str) -> str:
    return _LINK.sub(r"\1", _IMAGE.sub(r"\1", text))


def _n_columns(text: str) -> int:
    """Number of columns that `cols="1,3*,a"` states."""
    number = 0
    for one in re.split(r"[,;]", text):
        times = re.match(r"\s*(\d+)\*", one)
        number += min(int(times.group(1)), 1_000) if times else 1
    return number


def _rows(lines: list[str], n_columns: int) -> Iterator[list[Cell]]:
    """Rows of a table: a line is a row where it holds several cells, else cells are counted."""
    found = [list(_cells(line)) for line in lines]
    rows = [row for row in found if row]
    n_columns = n_columns or len(rows[0]) if rows else 0
    if n_columns == 1 or all(len(row) > 1 for row in rows):
        yield from rows
        return
    row: list[Cell] = []
    for cell in (cell for cells in rows for cell in cells):
        row.append(cell)
        if sum(one.n_columns for one in row) >= n_columns:
            yield row
            row = []
    if row:
        yield row


def _cells(line: str) -> Iterator[Cell]:
    borders = list(_CELL.finditer(line))
    ends = [border.start() for border in borders[1:]] + [len(line)]
    for border, end in zip(borders, ends, strict=True):
        text = _plain(line[border.end() : end].replace("\\|", "|").strip())
        columns, rows, kind = border.groups()
        if kind == "*":
            yield from [Cell(text)] * min(int(columns or 1), 1_000)
        else:
            yield Cell(text, int((columns or "1")[:4]), int((rows or "1")[:4]))
