"""Outlook messages ([MS-OXMSG]) made for one test each."""

import struct

from tests.workers.media.tiny_compound import compound

FIXED = "__properties_version1.0"
#: 2024-03-01 12:00 UTC in tenths of microseconds since 1601.
NOON = 133_537_680_000_000_000


def message(*attachments: dict[str, bytes], **values: str) -> bytes:
    """A message file."""
    return compound(folder(*attachments, **values))


def folder(*attachments: dict[str, bytes], **values: str) -> dict[str, bytes]:
    """Streams of a message: `Subject`, `Body`, `Sender`, `To`, and what is attached."""
    tags = {"Subject": "0037", "Body": "1000", "Sender": "0C1A", "To": "0E04"}
    sent = struct.pack("<24xII Q", 0x00390040, 0, NOON)
    streams = {FIXED: sent}
    streams |= {text_of(tags[name]): value.encode("utf-16-le") for name, value in values.items()}
    for number, attachment in enumerate(attachments):
        place = f"__attach_version1.0_#{number:08X}"
        streams |= {f"{place}/{name}": data for name, data in attachment.items()}
    return streams


def attached(name: str, data: bytes) -> dict[str, bytes]:
    """A file."""
    return {
        FIXED: bytes(8),
        text_of("3707"): name.encode("utf-16-le"),
        "__substg1.0_37010102": data,
    }


def attached_message(title: str, streams: dict[str, bytes]) -> dict[str, bytes]:
    """A message in a message."""
    inner = {f"__substg1.0_3701000D/{name}": data for name, data in streams.items()}
    return {FIXED: bytes(8), text_of("3001"): title.encode("utf-16-le"), **inner}


def text_of(tag: str) -> str:
    return f"__substg1.0_{tag}001F"
