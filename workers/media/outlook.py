"""What is attached to an Outlook message (MSG), as objects of their own.

Files are written as they are. A message in a message is no file, but a folder of values: it is
written as a mail (RFC 822) with its own attachments, which are found when it is read.
"""

from contextlib import closing
from dataclasses import replace
from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from io import BytesIO

from schemas.errors import UnreadableMedia, UnsupportedMedia
from workers.media.compound import Compound
from workers.media.media_file import MediaFile
from workers.media.member_files import MemberFiles
from workers.media.office import read_office
from workers.media.outlook_message import Attachment, OutlookMessage
from workers.media.packages import unpacked_limit
from workers.stage import Prepared


def read_outlook(media: MediaFile) -> Prepared:
    """Read a message's text, and write what is attached beside it.

    Raises:
        PermanentError: the message itself can't be read; see `read_office`.
    """
    prepared = read_office(media)
    members = MemberFiles(media, n_bytes=unpacked_limit(media))
    with closing(Compound(media.path, media.name)) as compound:
        for attachment in OutlookMessage(compound).attachments():
            _write(members, attachment, media.limits.n_levels - media.depth)
    failures = [*prepared.failures, *members.failures]
    return replace(prepared, members=members.files, failures=failures)


def _write(members: MemberFiles, attachment: Attachment, n_levels: int) -> None:
    name = attachment.name
    if refusal := members.find_refusal(name, attachment.size_bytes):
        members.refuse(name, *refusal)
        return
    try:
        message = attachment.message
        data = bytes(_as_mail(message, n_levels)) if message else attachment.data()
    except UnreadableMedia:
        members.refuse(name, UnreadableMedia, "its bytes are broken")
        return
    if data is None:
        members.refuse(name, UnsupportedMedia, "another program's object is no file")
    else:
        members.add(name, BytesIO(data), len(data))


def _as_mail(message: OutlookMessage, n_levels: int) -> MIMEMultipart:
    """A message as a mail; what is nested deeper than that many levels is left out."""
    mail = MIMEMultipart()
    for header, value in message.headers():
        mail[header] = value if value.isascii() else Header(value, "utf-8").encode()
    body = message.body
    html = "" if body else message.html
    mail.attach(MIMEText(html or body, "html" if html else "plain", "utf-8"))
    for attachment in message.attachments() if n_levels else ():
        if inner := attachment.message:
            mail.attach(MIMEMessage(_as_mail(inner, n_levels - 1)))
        elif data := attachment.data():
            part = MIMEApplication(data)
            part.add_header("Content-Disposition", "attachment", filename=attachment.name)
            mail.attach(part)
    return mail
