"""Plain text, Markdown, AsciiDoc and CSV."""

import csv
from collections.abc import Callable, Iterator
from typing import Any

from schemas.errors import UnreadableMedia
from workers.media.asciidoc import asciidoc_blocks
from workers.media.blocks import Block, Segments, row_blocks
from workers.media.encodings import decode
from workers.media.media_file import MediaFile
from workers.media.prose import markdown_blocks, plain_blocks
from workers.stage import Prepared

_DELIMITERS = ",;\t|"
_BYTES_PER_CHAR = 4


def read_text(media: MediaFile) -> Prepared:
    """Read a text file into paragraphs, headings, list items and tables.

    Raises:
        UnreadableMedia: it is empty.
    """
    with media.path.open("rb") as file:
        data = file.read(media.limits.n_chars * _BYTES_PER_CHAR)
    if len(data) < media.size_bytes:
        data = data[: data.rfind(b"\n") + 1] or data  # half a character would spoil the decoding
    text, encoding = decode(data)
    segments = Segments(media.limits.n_chars).add(_BLOCKS[media.mime_type](text))
    if not segments.parts:
        raise UnreadableMedia(f"{media.name}: the text is empty")
    extra: dict[str, Any] = {"encoding": encoding}
    if segments.is_full or len(data) < media.size_bytes:
        extra["text_truncated"] = True
    return Prepared(facts=media.facts(extra=extra), texts=segments.parts)


def csv_blocks(text: str) -> Iterator[Block]:
    """Rows as tables, with the delimiter that cuts the first lines most evenly."""
    lines = text.split("\n")
    return row_blocks(_rows(lines, _delimiter([line for line in lines[:50] if line])), page=1)


def _rows(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    reader = csv.reader((line + "\n" for line in lines), delimiter=delimiter)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:  # a field of more than 128 KiB: an unclosed quote
            continue


def _delimiter(lines: list[str]) -> str:
    def evenness(delimiter: str) -> tuple[int, int]:
        counts = [line.count(delimiter) for line in lines]
        return sum(count == counts[0] > 0 for count in counts), sum(counts)

    return max(_DELIMITERS, key=evenness) if lines else ","


_BLOCKS: dict[str, Callable[[str], Iterator[Block]]] = {
    "text/plain": plain_blocks,
    "text/markdown": markdown_blocks,
    "text/asciidoc": asciidoc_blocks,
    "text/csv": csv_blocks,
}
