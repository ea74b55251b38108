"""Mail (RFC 822): headers, the body that a reader sees, and a list of attachments."""

from collections.abc import Iterator
from contextlib import suppress
from email import policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from typing import Any

from schemas.errors import EncryptedMedia, UnreadableMedia
from workers.media import webpage
from workers.media.blocks import Block
from workers.media.encodings import decode
from workers.media.media_file import MediaFile
from workers.media.prose import plain_blocks

_HEADERS = ("From", "To", "Cc", "Subject", "Date")
_ENCRYPTED_TYPES = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}


def open_mail(media: MediaFile) -> EmailMessage:
    """Parse a mail.

    Raises:
        EncryptedMedia: its body is encrypted.
        UnreadableMedia: it has neither a header nor a body.
    """
    with media.path.open("rb") as file:
        message = BytesParser(policy=policy.default).parse(file)
    if message.get_content_type() in _ENCRYPTED_TYPES:
        raise EncryptedMedia(f"{media.name}: the mail is encrypted")
    if not any(name in message for name in _HEADERS):
        raise UnreadableMedia(f"{media.name}: no mail, it has no header of a mail")
    return message


def blocks(message: EmailMessage) -> Iterator[Block]:
    """Headers as one block, then the plain body, or else the HTML body."""
    lines = [f"{name}: {_header(message, name)}" for name in _HEADERS if name in message]
    yield Block("\n".join(lines), "header")
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return
    text = _text(body)
    if body.get_content_subtype() != "html":
        yield from plain_blocks(text)
    elif (root := webpage.parse(text.encode(), "utf-8")) is not None:
        yield from webpage.blocks(root)


def facts(message: EmailMessage) -> dict[str, Any]:
    """Subject, sender, date and attachments; attachments are named, not opened."""
    stated = {"title": "Subject", "author": "From", "created": "Date"}
    found: dict[str, Any] = {
        name: _header(message, header) for name, header in stated.items() if header in message
    }
    with suppress(AttributeError):  # no date, or none that can be read
        found["created"] = message["Date"].datetime.isoformat()
    if attachments := [_attachment(part) for part in _attachments(message)]:
        found["attachments"] = attachments
    return found


def _header(message: EmailMessage, name: str) -> str:
    # Broken headers hold lone surrogates where a byte could not be decoded.
    return str(message[name]).encode("utf-8", "replace").decode().strip()


def _text(part: MIMEPart) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    return decode(data, declared=part.get_content_charset()).text


def _attachments(message: EmailMessage) -> Iterator[EmailMessage]:
    if message.is_multipart():
        for part in message.walk():
            if part.get_filename() or part.get_content_disposition() == "attachment":
                yield part


def _attachment(part: EmailMessage) -> dict[str, Any]:
    payload = part.get_payload(decode=True)
    return {
        "name": part.get_filename() or "",
        "mime_type": part.get_content_type(),
        "size_bytes": len(payload) if isinstance(payload, bytes) else 0,
    }
