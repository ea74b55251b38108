"""A message in a compound file, its values and attachments: [MS-OXMSG] 2.1 and 2.2."""

import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from schemas.errors import UnreadableMedia
from workers.media.compound import Compound
from workers.media.encodings import decode
from workers.media.member_files import attachment_name

_ATTACHMENT = re.compile(r"__attach_version1\.0_#[0-9A-Fa-f]{8}")
#: Values by the numbers of their tags (`PidTag...`); texts are UTF-16 or of 8 bits.
_VALUE, _WIDE, _NARROW, _BINARY = "__substg1.0_{}{}", "001F", "001E", "0102"
_SUBJECT, _SENDER, _SENDER_ADDRESS, _TO, _CC = "0037", "0C1A", "5D01", "0E04", "0E03"
_BODY, _HTML = "1000", "1013"
_DATA, _LONG_NAME, _NAME, _TITLE = "3701", "3707", "3704", "3001"
_MESSAGE = "__substg1.0_3701000D"
#: Values of fixed length: those of a message in a message follow 24 bytes; tag, flags, value.
_FIXED, _HEADER_BYTES, _ENTRY = "__properties_version1.0", 24, struct.Struct("<I4xQ")
_SENT = 0x00390040
#: Times count tenths of microseconds from here.
_EPOCH, _TICKS_PER_US = datetime(1601, 1, 1, tzinfo=UTC), 10
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")


class _Folder:
    """A storage of values."""

    def __init__(self, compound: Compound, path: str = "") -> None:
        self._compound = compound
        self._path = path

    def _text(self, tag: str) -> str:
        wide, narrow = (self._at(_VALUE.format(tag, kind)) for kind in (_WIDE, _NARROW))
        if self._compound.has(wide):
            return self._compound.read(wide).decode("utf-16-le", "replace").rstrip("\0")
        return decode(self._compound.read(narrow)).text if self._compound.has(narrow) else ""

    def _at(self, name: str) -> str:
        return f"{self._path}{name}"


class OutlookMessage(_Folder):
    """A message; the outermost one, or one that is attached to another."""

    def headers(self) -> Iterator[tuple[str, str]]:
        """Those of a mail that are stated, each of one line."""
        sender, address = self._text(_SENDER), self._text(_SENDER_ADDRESS)
        stated = {
            "From": f"{sender} <{address}>" if address else sender,
            "To": _listed(self._text(_TO)),
            "Cc": _listed(self._text(_CC)),
            "Subject": self._text(_SUBJECT),
            "Date": self._sent(),
        }
        for header, value in stated.items():
            if line := _CONTROL.sub(" ", value).strip():
                yield header, line

    @property
    def body(self) -> str:
        """Its plain text."""
        return self._text(_BODY)

    @property
    def html(self) -> str:
        """Its text as HTML, which may be the only one."""
        path = self._at(_VALUE.format(_HTML, _BINARY))
        return decode(self._compound.read(path)).text if self._compound.has(path) else ""

    def attachments(self) -> "Iterator[Attachment]":
        """What is attached to this message, in order; not what is attached to that."""
        names = [name.removeprefix(self._path) for name in self._compound.names(self._path)]
        folders = sorted(name for name in names if _ATTACHMENT.fullmatch(name))
        for number, name in enumerate(folders, start=1):
            yield Attachment(self._compound, f"{self._at(name)}/", number)

    def _sent(self) -> str:
        path = self._at(_FIXED)
        data = self._compound.read(path)[_HEADER_BYTES:] if self._compound.has(path) else b""
        for tag, value in _ENTRY.iter_unpack(data[: len(data) // _ENTRY.size * _ENTRY.size]):
            if tag == _SENT:
                try:
                    return format_datetime(_EPOCH + timedelta(microseconds=value // _TICKS_PER_US))
                except OverflowError:
                    return ""
        return ""


def _listed(names: str) -> str:
    """Names between semicolons, as a mail has them."""
    each = (name.strip() for name in names.split(";"))
    return ", ".join(f'"{name}"' if "," in name else name for name in each)


class Attachment(_Folder):
    """Something attached to a message."""

    def __init__(self, compound: Compound, path: str, number: int) -> None:
        super().__init__(compound, path)
        self._number = number

    @property
    def name(self) -> str:
        """Its file name, or the message's subject, or its number; never a path."""
        name = ""
        with suppress(UnreadableMedia):  # its bytes may be whole
            name = next(filter(None, map(self._text, (_LONG_NAME, _NAME, _TITLE))), "")
        if self.message:
            name = f"{name or 'mail'}.eml".replace("/", "-").replace("\\", "-")
        return attachment_name(name, self._number)

    @property
    def message(self) -> OutlookMessage | None:
        """The message that it is."""
        inner = self._at(f"{_MESSAGE}/")
        is_message = self._compound.has(f"{inner}{_FIXED}")
        return OutlookMessage(self._compound, inner) if is_message else None

    @property
    def size_bytes(self) -> int:
        """What its values claim, all together."""
        return sum(map(self._compound.size_bytes, self._compound.names(self._path)))

    def data(self) -> bytes | None:
        """Its bytes; None of what is no file, as another program's object.

        Raises:
            UnreadableMedia: they are broken.
        """
        path = self._at(_VALUE.format(_DATA, _BINARY))
        return self._compound.read(path) if self._compound.has(path) else None
