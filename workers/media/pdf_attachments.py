"""Files that are attached to a PDF, as they become objects of their own."""

from ctypes import byref, c_ulong
from dataclasses import replace
from io import BytesIO

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from schemas.errors import MediaTooLarge, UnreadableMedia
from workers.media.media_file import MediaFile
from workers.media.member_files import MemberFiles, attachment_name
from workers.media.packages import unpacked_limit
from workers.stage import Prepared

#: PDFium holds an attachment in memory, several times over.
_MOST_BYTES = 128 << 20


def add_attachments(media: MediaFile, prepared: Prepared, document: pdfium.PdfDocument) -> Prepared:
    """Write the files of the document's list beside it; one that is broken is a failure."""
    members = MemberFiles(media, n_bytes=unpacked_limit(media))
    for index in range(document.count_attachments()):
        _write(members, document, index)
    failures = [*prepared.failures, *members.failures]
    return replace(prepared, members=members.files, failures=failures)


def _write(members: MemberFiles, document: pdfium.PdfDocument, index: int) -> None:
    name = attachment_name("", index + 1)
    try:
        attachment = document.get_attachment(index)
        name = attachment_name(attachment.get_name(), index + 1)
        if refusal := members.find_refusal(name, n_bytes := _size_bytes(attachment)):
            members.refuse(name, *refusal)
        elif n_bytes > _MOST_BYTES:
            members.refuse(name, MediaTooLarge, f"of one attachment {_MOST_BYTES} bytes are read")
        else:
            members.add(name, BytesIO(attachment.get_data()), n_bytes)
    except pdfium.PdfiumError:
        members.refuse(name, UnreadableMedia, "its bytes are broken, or nowhere")


def _size_bytes(attachment: pdfium.PdfAttachment) -> int:
    """How many bytes an attachment unpacks to; 0 of one that is only a name."""
    n_bytes = c_ulong()
    pdfium_c.FPDFAttachment_GetFile(attachment, None, 0, byref(n_bytes))
    return n_bytes.value
