"""Word processing, legacy Office and Outlook files, through kreuzberg."""

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

from schemas.errors import EncryptedMedia, UnreadableMedia
from workers.media.blocks import Block, row_blocks
from workers.media.media_file import MediaFile

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult

#: Nodes that hold a text of their own; the rest only group others.
_ROLES = {
    "title": "heading",
    "heading": "heading",
    "paragraph": "paragraph",
    "list_item": "list_item",
    "code": "code",
    "formula": "formula",
    "footnote": "footnote",
}
#: An encrypted mail is an empty one with one of these attached.
_ENCRYPTED_ATTACHMENTS = (".p7m", ".pgp-encrypted")
_PASSWORD_WORDS = ("password", "encrypt")
#: Every sheet of these starts with its name as a heading.
_SPREADSHEETS = {
    "application/vnd.ms-excel",
    "application/vnd.oasis.opendocument.spreadsheet",
}


def extract(media: MediaFile) -> "ExtractionResult":
    """Read a file into kreuzberg's tree of nodes.

    Raises:
        EncryptedMedia: it needs a password.
        UnreadableMedia: kreuzberg can't parse it.
    """
    import kreuzberg

    config = kreuzberg.ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        output_format="plain",
        include_document_structure=True,
        concurrency=kreuzberg.ConcurrencyConfig(max_threads=1),
    )
    try:
        result = kreuzberg.extract_file_sync(media.path, media.mime_type, config=config)
    except (kreuzberg.ParsingError, kreuzberg.ValidationError) as exc:
        if any(word in str(exc).lower() for word in _PASSWORD_WORDS):
            raise EncryptedMedia(f"{media.name}: the file needs a password") from exc
        raise UnreadableMedia(f"{media.name}: {exc}") from exc
    attachments = _metadata(result).get("attachments") or []
    if any(name.endswith(_ENCRYPTED_ATTACHMENTS) for name in attachments):
        raise EncryptedMedia(f"{media.name}: the mail is encrypted")
    return result


def blocks(result: "ExtractionResult", mime_type: str) -> Iterator[Block]:
    """The nodes that hold text, in order; sheets count as pages."""
    page = 0
    for node in _nodes(result):
        page += mime_type in _SPREADSHEETS and node["node_type"] == "heading"
        yield from _blocks_of(node, max(page, 1))


def n_pages(result: "ExtractionResult") -> int | None:
    """Number of sheets; None where the format has no fixed pages."""
    found = result.metadata.get("sheet_count")
    return int(found) if found else None


def facts(result: "ExtractionResult") -> dict[str, Any]:
    """Title, authors, dates and attachments, where stated."""
    metadata = _metadata(result)
    names = {
        "title": "title",
        "subject": "subject",
        "keywords": "keywords",
        "created": "created_at",
        "modified": "modified_at",
        "sheets": "sheet_names",
        "attachments": "attachments",
    }
    found = {name: metadata.get(key) for name, key in names.items()}
    return found | {"author": ", ".join(metadata.get("authors") or ())}


def _metadata(result: "ExtractionResult") -> dict[str, Any]:
    return {**result.metadata}


def _nodes(result: "ExtractionResult") -> Iterator[dict[str, Any]]:
    if result.document:
        for node in result.document["nodes"]:
            yield dict(node["content"])


def _blocks_of(node: dict[str, Any], page: int) -> Iterator[Block]:
    kind = node["node_type"]
    if kind == "table":
        yield from row_blocks(_rows(node["grid"]["cells"]), page)
    elif kind == "image" and node.get("description"):
        yield Block(node["description"], "paragraph", page)
    elif kind == "metadata_block":
        yield Block(
            "\n".join(f"{name}: {value}" for name, value in node["entries"]), "header", page
        )
    elif kind in _ROLES:
        yield Block(node["text"], _ROLES[kind], page)


def _rows(cells: list[dict[str, Any]]) -> Iterator[list[str]]:
    ordered = sorted(cells, key=lambda cell: (cell["row"], cell["col"]))
    for _, row in groupby(ordered, key=lambda cell: cell["row"]):
        yield [cell["content"] for cell in row]
