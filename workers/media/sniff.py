"""What an object is: its content decides, and its name may not claim another kind of media."""

import codecs
import re
from pathlib import Path, PurePosixPath

from schemas.asset import MediaType
from schemas.errors import UnreadableMedia, UnsupportedMedia
from workers.media.containers import OLE, ZIP, find_container
from workers.media.formats import (
    ARCHIVE_ENDINGS,
    BINARY_DOCUMENTS,
    CLAIMS,
    MEDIA_TYPES,
    TEXT_TYPES,
)
from workers.media.signatures import find_signature, has_mpeg_frame, skip_id3

HEAD_BYTES = 1 << 16
UNKNOWN = "application/octet-stream"
#: Sound and moving pictures share their containers, so their endings may be swapped.
_TIMED = {MediaType.AUDIO, MediaType.VIDEO}
#: Signatures that a text may carry; others, like `MAC `, are words in a text.
_TEXTUAL = {
    "application/pdf",
    "application/rtf",
    "application/postscript",
    "image/x-portable-anymap",
}
_BOMS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
#: Bytes that no text has in any 8-bit encoding, UTF-8 included.
_NOT_TEXT = re.compile(rb"[^\t\n\r\f\v\b\x1a\x1b\x20-\x7e\x80-\xff]")
#: Without a mark, text is taken for UTF-16 when this share of every second byte is zero.
_UTF16_SHARE = 0.4
_HTML = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(rb"\s*<(\?xml|!doctype|svg)\b", re.IGNORECASE)
_SVG = re.compile(
    rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype\s+svg[^>[]*(\[.*?\])?\s*>\s*)?<(\w+:)?svg\b",
    re.IGNORECASE | re.DOTALL,
)
#: What is refused although it could be read, and what to do instead.
_REFUSALS = {
    "image/svg+xml": "a drawing may link to others and run scripts: export it as PNG or PDF",
}
_MAIL = re.compile(
    rb"((From |(Return-Path|Received|Delivered-To|MIME-Version|Message-ID|From|To|Subject|Date):)"
    rb"[^\n]*\n([ \t][^\n]*\n)*){3}",
    re.IGNORECASE,
)


def sniff(path: Path, name: str) -> str:
    """Name the type of an object's bytes; always one of `MEDIA_TYPES`.

    Args:
        path: where the bytes are.
        name: the object's own name: its ending is a claim to check, and tells texts apart.

    Raises:
        UnreadableMedia: no bytes, or an office container that is broken.
        EncryptedMedia: an office file behind a password.
        UnsupportedMedia: a type that we do not read, or not what the name claims.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise UnreadableMedia(f"{name}: 0 bytes")
    ending = PurePosixPath(name).suffix.lower().removeprefix(".")
    mime_type = _find_type(path, head, name, ending)
    if mime_type == UNKNOWN:
        start = head[:8].hex(" ")
        raise UnsupportedMedia(f"{name}: content is of an unknown type that starts with {start}")
    _check_claim(name, ending, mime_type)
    return mime_type


def _find_type(path: Path, head: bytes, name: str, ending: str) -> str:
    if offset := skip_id3(head):
        return _find_behind_tag(path, offset)
    if container := find_container(path, head, name):
        return container
    signature = None if head.startswith(_BOMS) else find_signature(head)
    if signature and (signature in _TEXTUAL or not _is_utf8(head)):
        return signature
    if _is_text(head):
        return _find_text_type(head, ending)
    return signature or _find_displaced(head, ending) or UNKNOWN


def _find_displaced(head: bytes, ending: str) -> str | None:
    """Formats that are found behind padding or garbage, where the name says so too."""
    if ending == "pdf" and b"%PDF-" in head:
        return "application/pdf"
    return "audio/mpeg" if ending in {"mp2", "mp3"} and has_mpeg_frame(head) else None


def _find_behind_tag(path: Path, offset: int) -> str:
    with path.open("rb") as file:
        file.seek(offset)
        return find_signature(file.read(HEAD_BYTES)) or "audio/mpeg"


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # may end inside a character
    except UnicodeDecodeError:
        return False
    return True


def _is_text(head: bytes) -> bool:
    if head.startswith(_BOMS) or not _NOT_TEXT.search(head):
        return True
    lanes = head[::2].count(0), head[1::2].count(0)
    share = max(lanes) / (len(head) / 2)
    return share >= _UTF16_SHARE and min(lanes) == 0


def _find_text_type(head: bytes, ending: str) -> str:
    text = head.removeprefix(codecs.BOM_UTF8)
    if _HTML.match(text):
        return "text/html"
    if _SVG.match(text):
        return "image/svg+xml"
    if ending in TEXT_TYPES:
        return TEXT_TYPES[ending]
    if _MAIL.match(text):
        return "message/rfc822"
    return "application/xml" if _XML.match(text) else "text/plain"


def _check_claim(name: str, ending: str, mime_type: str) -> None:
    kind, claim = MEDIA_TYPES.get(mime_type), CLAIMS.get(ending)
    if mime_type in {ZIP, OLE} and claim is MediaType.DOCUMENT:
        raise UnreadableMedia(
            f"{name}: {mime_type} container is broken or lacks the parts of .{ending}"
        )
    if kind is None or (mime_type == ZIP and ending not in ARCHIVE_ENDINGS and claim is None):
        why = _REFUSALS.get(mime_type)
        because = f"; {why}" if why else ""
        raise UnsupportedMedia(f"{name}: content is {mime_type}, which is not read{because}")
    is_text_as_binary = mime_type == "text/plain" and ending in BINARY_DOCUMENTS
    same = claim is None or kind is claim or {kind, claim} == _TIMED
    if is_text_as_binary or not same:
        raise UnsupportedMedia(f"{name}: the name claims .{ending}, but the content is {mime_type}")
