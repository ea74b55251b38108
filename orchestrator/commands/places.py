"""How places and words of others are written for people."""

import unicodedata
from collections.abc import Sequence
from urllib.parse import unquote

from rich.markup import escape

from schemas.asset import FILE_BUCKET
from schemas.member import INSIDE

_FILE_SCHEME = f"{FILE_BUCKET}://"
#: In keys of files these stand for bytes that are not UTF-8; see `infra/folder_store.py`.
_RAW_BYTES = range(0x10F780, 0x10F800)


def clock(seconds: float) -> str:
    """`0:12.5`, or `1:02:03.0` from an hour on."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    rest = f"{tenths / 10:04.1f}"
    return f"{hours}:{minutes:02d}:{rest}" if hours else f"{minutes}:{rest}"


def spot(page: int | None, start_s: float | None, end_s: float | None) -> str:
    """`page 3`, `0:12.0 - 0:17.5`, or nothing."""
    if page is not None:
        return f"page {page}"
    if start_s is None or end_s is None:
        return ""
    return f"{clock(start_s)} - {clock(end_s)}"


def plain(text: str) -> str:
    """Text of others as rich markup that shows it as it is, and can do nothing else."""
    return escape(visible(text))


def visible(text: str) -> str:
    """Text with control characters spelt out; line ends and tabs stay."""
    return "".join(_spelt(c) for c in text)


def title(uri: str, inside: Sequence[str] = ()) -> str:
    """An object as people call it, as markup: a file's path, the URI of anything else.

    What is inside of it follows: `mail.eml > invoice.pdf`, with an angle quote.
    """
    return plain(INSIDE.join((_spoken(uri).removeprefix(_FILE_SCHEME), *inside)))


def name(uri: str, inside: Sequence[str] = ()) -> str:
    """The last part of an object's title, as markup, and what is inside of it."""
    return plain(INSIDE.join((_spoken(uri).rsplit("/", 1)[-1], *inside)))


def _spoken(uri: str) -> str:
    """Only URIs of files are percent-encoded."""
    text = unquote(uri) if uri.startswith(_FILE_SCHEME) else uri
    return text.replace("\n", "\\n")


def _spelt(character: str) -> str:
    """Control characters move a terminal's cursor and worse."""
    code = ord(character)
    if code in _RAW_BYTES or (character not in "\n\t" and unicodedata.category(character) == "Cc"):
        return f"\\x{code & 0xFF:02x}"
    return character
