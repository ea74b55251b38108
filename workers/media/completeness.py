"""Whether bytes are missing at the end of a sound or video, by its container's own counts.

Decoders read to the end of what there is and are content; these containers say how much there
should be. Files made to be endless, which say so, are complete.
"""

import re
from collections.abc import Callable
from pathlib import Path

from workers.media.signatures import skip_id3

#: RIFF sizes that writers leave who can't go back: "until the end".
_UNKNOWN_RIFF_BYTES = {0, 0x7FFFFFFF, 0xFFFFFFFF}
_UNKNOWN_FROM_BYTES = 0xFFFFFF00
_RIFF_HEADER = 8
_TS_PACKETS = (188, 192)
_OGG_LARGEST_PAGE = 65_307
_OGG_HEADER, _OGG_END_OF_STREAM = 27, 4
#: Search for the first frame of an MP3, which may hold the count of its bytes.
_MP3_HEAD_BYTES = 1 << 16
#: Xing's own flags: the number of frames, and of bytes, follow.
_XING = re.compile(rb"(Xing|Info)\0\0\0([\x00-\xff])", re.DOTALL)
_HAS_FRAMES, _HAS_BYTES = 1, 2


def find_cut(path: Path, mime_type: str) -> str | None:
    """What shows that the file was cut off, or None.

    Sources: RIFF (Microsoft, 1991), RFC 3533 (Ogg), ISO 13818-1 (transport streams), and the
    header that LAME and Xing put into the first frame of an MP3.
    """
    rule = _RULES.get(mime_type)
    return rule(path, path.stat().st_size) if rule else None


def _riff(path: Path, n_bytes: int) -> str | None:
    with path.open("rb") as file:
        header = file.read(_RIFF_HEADER)
    claimed = int.from_bytes(header[4:8], "little")
    is_unknown = claimed in _UNKNOWN_RIFF_BYTES or claimed >= _UNKNOWN_FROM_BYTES
    if not header.startswith(b"RIFF") or is_unknown or claimed + _RIFF_HEADER <= n_bytes:
        return None
    return f"found {n_bytes} bytes, expected {claimed + _RIFF_HEADER} by the RIFF header"


def _ogg(path: Path, n_bytes: int) -> str | None:
    """The last page must be whole, and marked as the last of its stream."""
    with path.open("rb") as file:
        file.seek(max(0, n_bytes - 2 * _OGG_LARGEST_PAGE))
        tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    if not page.startswith(b"OggS"):
        return None  # garbage behind the end, and more of it than a page holds
    n_lacing = page[_OGG_HEADER - 1] if len(page) >= _OGG_HEADER else 0
    lacing = page[_OGG_HEADER : _OGG_HEADER + n_lacing]
    expected = _OGG_HEADER + n_lacing + sum(lacing)
    if len(page) < expected or len(lacing) < n_lacing:
        return f"found {len(page)} bytes of the last Ogg page, expected at least {expected}"
    if not page[5] & _OGG_END_OF_STREAM:
        return "found no last page of the Ogg stream"
    return None


def _mp3(path: Path, n_bytes: int) -> str | None:
    with path.open("rb") as file:
        start = skip_id3(file.read(10))
        file.seek(start)
        head = file.read(_MP3_HEAD_BYTES)
    found = _XING.search(head)
    if not found or not found[2][0] & _HAS_BYTES:
        return None
    place = found.end() + (4 if found[2][0] & _HAS_FRAMES else 0)
    # Counted from the frame that holds the count; its header is at most 36 bytes before.
    claimed = int.from_bytes(head[place : place + 4], "big")
    held = n_bytes - start - max(0, head.rfind(b"\xff", 0, found.start()))
    if claimed <= held:
        return None
    return f"found {held} bytes of sound, expected {claimed} by the first frame"


def _transport_stream(path: Path, n_bytes: int) -> str | None:
    del path
    if any(n_bytes % size == 0 for size in _TS_PACKETS):
        return None
    return f"found {n_bytes} bytes, which are no whole packets of {_TS_PACKETS[0]}"


_RULES: dict[str, Callable[[Path, int], str | None]] = {
    "audio/wav": _riff,
    "video/x-msvideo": _riff,
    "audio/ogg": _ogg,
    "video/ogg": _ogg,
    "audio/mpeg": _mp3,
    "video/mp2t": _transport_stream,
}
