"""Office files, web pages, books and mail: text only; their look needs an office suite."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

from schemas.errors import Failure, MediaTooLarge, UnreadableMedia
from workers.media import mail, sheets, structure, webpage
from workers.media.blocks import Block, Segments
from workers.media.books import Book
from workers.media.compound import Compound
from workers.media.encodings import decode
from workers.media.media_file import MediaFile
from workers.media.opendocument import OPENDOCUMENT_TYPES, OpenDocument
from workers.media.outlook_message import OutlookMessage
from workers.media.packages import check_package
from workers.media.parts import core_facts, opendocument_facts, opened_parts
from workers.media.ppt_document import open_ppt
from workers.media.ppt_slides import PptReader
from workers.media.sheets import SheetReader
from workers.media.slides import SlideReader, open_presentation
from workers.media.word import WordDocument
from workers.stage import Prepared

_OPENXML = "application/vnd.openxmlformats-officedocument"


def read_office(media: MediaFile) -> Prepared:
    """Read the text of an office file; slides, sheets and chapters count as pages.

    Raises:
        MediaTooLarge: it unpacks to more than allowed.
        EncryptedMedia: it needs a password.
        UnreadableMedia: it is broken.
    """
    if not media.size_bytes:
        raise UnreadableMedia(f"{media.name}: the file is empty")
    check_package(media)
    try:
        return _READERS.get(media.mime_type, _read_structure)(media)
    except RecursionError as exc:
        raise UnreadableMedia(f"{media.name}: its parts are nested too deep to follow") from exc


def _read_structure(media: MediaFile) -> Prepared:
    result = structure.extract(media)
    return _prepared(
        media,
        structure.blocks(result, media.mime_type),
        n_pages=structure.n_pages(result),
        extra=structure.facts(result),
    )


def _read_message(media: MediaFile) -> Prepared:
    """An Outlook message; kreuzberg reads no HTML, which may be all that is there."""
    result = structure.extract(media)
    blocks = list(structure.blocks(result, media.mime_type))
    if all(block.role == "header" for block in blocks):
        with closing(Compound(media.path, media.name)) as compound:
            root = webpage.parse(OutlookMessage(compound).html.encode(), "utf-8")
        blocks += [] if root is None else webpage.blocks(root)
    return _prepared(media, iter(blocks), extra=structure.facts(result))


def _read_docx(media: MediaFile) -> Prepared:
    with opened_parts(media) as parts:
        document = WordDocument(parts, media.name)
        return _prepared(media, document.blocks(), extra=core_facts(parts), failures=parts.failures)


def _read_pptx(media: MediaFile) -> Prepared:
    reader = SlideReader(open_presentation(media))
    with opened_parts(media) as parts:
        # Hidden pages are known when they have been read.
        extra = core_facts(parts) | {"hidden_pages": reader.hidden}
        n_pages, failures = len(reader), reader.failures
        return _prepared(media, reader.blocks(), n_pages=n_pages, extra=extra, failures=failures)


def _read_ppt(media: MediaFile) -> Prepared:
    with closing(Compound(media.path, media.name)) as compound:
        reader = PptReader(open_ppt(compound))
        if len(reader) > media.limits.n_pages:
            limit = media.limits.n_pages
            raise MediaTooLarge(f"{media.name}: {len(reader)} slides, at most {limit} are read")
        extra = compound.facts() | {"hidden_pages": reader.hidden}
        n_pages, failures = len(reader), reader.failures
        return _prepared(media, reader.blocks(), n_pages=n_pages, extra=extra, failures=failures)


def _read_opendocument(media: MediaFile) -> Prepared:
    with opened_parts(media) as parts:
        document = OpenDocument(parts, media)
        extra = opendocument_facts(parts) | document.facts
        n_pages, failures = document.n_pages, parts.failures
        return _prepared(media, document.blocks(), n_pages=n_pages, extra=extra, failures=failures)


def _read_xlsx(media: MediaFile) -> Prepared:
    with sheets.opened(media) as workbook, opened_parts(media) as parts:
        reader = SheetReader(workbook, parts)
        n_pages, failures = len(reader), reader.failures
        extra = core_facts(parts) | reader.facts
        return _prepared(media, reader.blocks(), n_pages=n_pages, extra=extra, failures=failures)


def _read_html(media: MediaFile) -> Prepared:
    data = media.path.read_bytes()
    text, encoding = decode(data, declared=webpage.declared_encoding(data))
    root = webpage.parse(text.encode("utf-8", "replace"), "utf-8")
    if root is None:
        raise UnreadableMedia(f"{media.name}: the page is empty")
    extra = webpage.facts(root) | {"encoding": encoding}
    return _prepared(media, webpage.blocks(root), extra=extra)


def _read_epub(media: MediaFile) -> Prepared:
    with closing(Book(media)) as book:
        n_pages, extra, failures = len(book.chapters), book.facts, book.failures
        return _prepared(media, book.blocks(), n_pages=n_pages, extra=extra, failures=failures)


def _read_mail(media: MediaFile) -> Prepared:
    message = mail.open_mail(media)
    return _prepared(media, mail.blocks(message), extra=mail.facts(message))


def _prepared(
    media: MediaFile,
    blocks: Iterator[Block],
    *,
    n_pages: int | None = None,
    extra: dict[str, Any] | None = None,
    failures: Sequence[Failure] = (),
) -> Prepared:
    """Gather the blocks; `failures` may still grow while they are read.

    Raises:
        UnreadableMedia: no page could be read.
    """
    segments = Segments(media.limits.n_chars).add(blocks)
    if failures and not segments.parts:
        raise UnreadableMedia(f"{media.name}: no page can be read; {failures[0].message}")
    kept = {name: value for name, value in (extra or {}).items() if value}
    if segments.is_full:
        kept["text_truncated"] = True
    facts = media.facts(n_pages=n_pages, extra=kept)
    return Prepared(facts=facts, texts=segments.parts, failures=failures)


_READERS: dict[str, Callable[[MediaFile], Prepared]] = {
    f"{_OPENXML}.wordprocessingml.document": _read_docx,
    f"{_OPENXML}.presentationml.presentation": _read_pptx,
    f"{_OPENXML}.spreadsheetml.sheet": _read_xlsx,
    "application/vnd.ms-powerpoint": _read_ppt,
    "application/vnd.ms-outlook": _read_message,
    **dict.fromkeys(OPENDOCUMENT_TYPES, _read_opendocument),
    "application/epub+zip": _read_epub,
    "message/rfc822": _read_mail,
    "text/html": _read_html,
}
