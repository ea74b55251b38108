"""Attachments of a mail, as they become objects of their own."""

from collections.abc import Iterator
from dataclasses import replace
from email import policy
from email.message import EmailMessage, Message
from io import BytesIO

from schemas.errors import UnreadableMedia
from workers.media.mail import open_mail
from workers.media.media_file import MediaFile
from workers.media.member_files import MemberFiles, attachment_name
from workers.media.office import read_office
from workers.stage import Prepared

_MAIL = "message/rfc822"
#: Headers are not folded anew.
_AS_WRITTEN = policy.default.clone(refold_source="none")


def read_mail(media: MediaFile) -> Prepared:
    """Read a mail's text, and write what is attached beside it: files as they are, mails as mails.

    A mail inside a mail keeps its own attachments; they are found when it is read.

    Raises:
        PermanentError: the mail itself can't be read; see `read_office`.
    """
    prepared = read_office(media)
    attached = _write_attachments(media, open_mail(media))
    failures = [*prepared.failures, *attached.failures]
    return replace(prepared, members=attached.files, failures=failures)


def _write_attachments(media: MediaFile, message: EmailMessage) -> MemberFiles:
    members = MemberFiles(media, n_bytes=media.limits.unpacked_bytes)
    for number, part in enumerate(_attached(message), start=1):
        name = _name_of(part, number)
        if refusal := members.find_refusal(name, 0):
            members.refuse(name, *refusal)
            continue
        data = _bytes_of(part)
        if data is None:
            members.refuse(name, UnreadableMedia, "its bytes are broken")
        else:
            members.add(name, BytesIO(data), len(data))
    return members


def _attached(message: Message) -> Iterator[Message]:
    """Parts that a reader of the mail would save; not the bodies that are shown."""
    if message.get_content_type() == _MAIL or not message.is_multipart():
        return
    for part in message.iter_parts() if isinstance(message, EmailMessage) else ():
        is_attached = part.get_content_disposition() == "attachment"
        if part.get_content_type() == _MAIL or part.get_filename() or is_attached:
            yield part
        else:
            yield from _attached(part)


def _bytes_of(part: Message) -> bytes | None:
    if part.get_content_type() == _MAIL:
        inner = _inner(part)
        return _unparsed(inner) if inner else None
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else None


def _inner(part: Message) -> Message | None:
    """The mail that a part is."""
    payload = part.get_payload()
    first = payload[0] if isinstance(payload, list) and payload else None
    return first if isinstance(first, Message) else None


def _unparsed(message: Message) -> bytes | None:
    """The mail as it was written; None where its headers can't be written again."""
    try:
        return message.as_bytes(policy=_AS_WRITTEN)
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return None


def _name_of(part: Message, number: int) -> str:
    """The file name without its folders; mails are called by their subject."""
    name = part.get_filename() or ""
    if not name and part.get_content_type() == _MAIL:
        inner = _inner(part)
        subject = inner["Subject"] if inner else None
        name = f"{subject or 'mail'}.eml".replace("/", "-").replace("\\", "-")
    return attachment_name(name, number)
