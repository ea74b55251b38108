"""XLSX, row by row: a sheet is a page. Cells through openpyxl, what lies on them by its markup."""

import warnings
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from schemas.errors import Failure, UnreadableMedia
from workers.media.blocks import Block, row_blocks
from workers.media.damage import broken_page
from workers.media.media_file import MediaFile
from workers.media.parts import Parts, relation_id
from workers.media.sheet_drawings import comments, drawings
from workers.media.sheet_regions import filled, merged_cells, regions

if TYPE_CHECKING:
    from openpyxl import Workbook

#: What openpyxl raises on broken workbooks; it has no exception of its own for them.
_BROKEN = (BadZipFile, ParseError, zlib.error, KeyError, ValueError, TypeError, EOFError)


@contextmanager
def opened(media: MediaFile) -> Iterator["Workbook"]:
    """Open a workbook for streaming, with the values that were last computed.

    Raises:
        UnreadableMedia: it is broken.
    """
    # openpyxl judges paths by their endings; ours are neutral, so it gets the open file.
    with media.path.open("rb") as file, closing(_load(media, file)) as workbook:
        yield workbook


def _load(media: MediaFile, file: BinaryIO) -> "Workbook":
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles and extensions that are not kept
            return load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except _BROKEN as exc:
        raise UnreadableMedia(f"{media.name}: not a readable workbook: {exc}") from exc


class _Sheet(NamedTuple):
    name: str
    page: int
    path: str
    is_hidden: bool


class SheetReader:
    """Reads sheets one by one; of a broken sheet, the rows before the break."""

    def __init__(self, workbook: "Workbook", parts: Parts) -> None:
        self._workbook = workbook
        self._parts = parts
        #: Of sheets, and of what lies on them.
        self.failures: list[Failure] = parts.failures
        kinds = {r.kind: r.path for r in reversed(list(parts.relations("").values()))}
        self._path = kinds.get("officeDocument", "xl/workbook.xml")
        self._sheets = list(self._found())

    def __len__(self) -> int:
        return len(self._sheets)

    @property
    def facts(self) -> dict[str, Any]:
        """Names of the sheets, and those that are hidden."""
        hidden = [sheet.page for sheet in self._sheets if sheet.is_hidden]
        return {"sheets": [sheet.name for sheet in self._sheets], "hidden_pages": hidden}

    def blocks(self) -> Iterator[Block]:
        """Each sheet's name, its tables and drawings from top to bottom, and comments."""
        for sheet in self._sheets:
            for block in self._sheet(sheet):
                yield block._replace(is_hidden=sheet.is_hidden)

    def _found(self) -> Iterator[_Sheet]:
        """The sheets in their order; openpyxl keeps chart sheets apart."""
        relations = self._parts.relations(self._path)
        root = self._parts.find(self._path)
        listed = root.iterfind("{*}sheets/{*}sheet") if root is not None else ()
        for page, sheet in enumerate(listed, start=1):
            relation = relations.get(relation_id(sheet))
            is_hidden = sheet.get("state", "visible") != "visible"
            path = relation.path if relation else ""
            yield _Sheet(sheet.get("name", ""), page, path, is_hidden)

    def _sheet(self, sheet: _Sheet) -> Iterator[Block]:
        n_broken = len(self.failures)
        inside = self._inside(sheet)
        first = list(islice(inside, 1))
        if first or len(self.failures) == n_broken:
            yield Block(sheet.name, "heading", sheet.page, level=2)
            yield from first
            yield from inside

    def _inside(self, sheet: _Sheet) -> Iterator[Block]:
        waiting = drawings(self._parts, sheet.path, sheet.page)
        for region in regions(self._rows(sheet)):
            while waiting and waiting[0].row < region.first_row:
                yield from waiting.pop(0).blocks
            yield from row_blocks(region.rows, sheet.page)
        for drawing in waiting:
            yield from drawing.blocks
        yield from comments(self._parts, self._path, sheet.path, sheet.page)

    def _rows(self, sheet: _Sheet) -> Iterator[list[str]]:
        try:
            opened = next((s for s in self._workbook.worksheets if s.title == sheet.name), None)
            if opened is None:  # a chart sheet
                return
            # The stored dimensions may claim a million columns.
            opened.reset_dimensions()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rows = (
                    [_cell_text(value) for value in row]
                    for row in opened.iter_rows(values_only=True)
                )
                yield from filled(rows, merged_cells(self._parts, sheet.path))
        except _BROKEN as exc:
            self.failures.append(broken_page(sheet.page, f"sheet {sheet.name}: {exc}"))


def _cell_text(value: object) -> str:
    match value:
        case None:
            return ""
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | date() | time():
            return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
