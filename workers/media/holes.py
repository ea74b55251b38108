"""Stretches within a sound or video that hold something else: decoders pass over them in silence.

MP3 and AVI count no packets; what is lost in them is seen in the bytes alone. Times are those of
what can be decoded, which closes up around a hole.
"""

import mmap
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import Failure
from workers.media.damage import unread
from workers.media.mpeg_frames import MpegFrame, read_frame

#: Damage of less is a click.
_LEAST_S = 0.1
#: Holes named one by one.
_N_HOLES = 100
#: What may stand between and behind frames: tags of the parts of a file that was put together.
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICS")
_ID3_HEADER = 10
_RIFF_HEADER, _CHUNK_HEADER = 12, 8
#: Second letters of chunks of one stream, behind its number: pictures, sound, text, palettes.
_STREAM_CHUNKS = {b"dc", b"db", b"wb", b"tx", b"pc"}
_STREAM_CHUNK = re.compile(rb"\d\d(?:dc|db|wb|tx|pc)")
_OTHER_CHUNKS = {b"JUNK", b"LIST", b"idx1"}


@dataclass(frozen=True)
class Hole:
    """Bytes that belong to no packet, between others that do."""

    time_s: float
    n_bytes: int


def find_holes(path: Path, mime_type: str) -> list[Failure]:
    """A failure for each hole in the middle of an MP3 or AVI, at the time where it is."""
    rule = _RULES.get(mime_type)
    if rule is None or path.stat().st_size == 0:
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        holes = [hole for hole, _ in zip(rule(content), range(_N_HOLES), strict=False)]
    return [
        unread(
            f"found {hole.n_bytes} bytes that are of no packet: what they held is missing",
            hole.time_s,
            hole.time_s,
        )
        for hole in holes
    ]


def _in_mp3(content: mmap.mmap) -> Iterator[Hole]:
    """What follows the last frame, and what stands before the first, is no hole."""
    place, first = _next_pair(content, 0)
    time_s, began = 0.0, place
    frame = first
    while frame:
        time_s += frame.duration_s
        end = _skip_tag(content, place + frame.n_bytes)
        frame = read_frame(content[end : end + 4])
        if frame:
            place = end
            continue
        place, frame = _next_pair(content, end, like=first)
        if frame and first and place - end > _LEAST_S * (end - began) / time_s:
            yield Hole(time_s, place - end)


def _next_pair(
    content: mmap.mmap, place: int, like: MpegFrame | None = None
) -> tuple[int, MpegFrame | None]:
    """The next frame that another one follows: two bytes of noise may look like one."""
    while (place := content.find(b"\xff", place)) >= 0:
        frame = read_frame(content[place : place + 4])
        if frame and (like is None or frame.is_like(like)):
            after = place + frame.n_bytes
            follower = read_frame(content[after : after + 4])
            if follower and follower.is_like(frame):
                return place, frame
        place += 1
    return len(content), None


def _skip_tag(content: mmap.mmap, place: int) -> int:
    head = content[place : place + _ID3_HEADER]
    if not head.startswith(_TAGS):
        return place
    if head.startswith(b"ID3") and len(head) == _ID3_HEADER:
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        return place + _ID3_HEADER + size
    return len(content)


def _in_avi(content: mmap.mmap) -> Iterator[Hole]:
    frame_s = int.from_bytes(content[32:36], "little") / 1_000_000
    name = content.find(b"movi", _RIFF_HEADER)
    if name < 0:
        return
    place = name + 4
    end = min(len(content), name + int.from_bytes(content[name - 4 : name], "little"))
    n_pictures = 0
    while place < end - _CHUNK_HEADER:
        kind = _chunk_kind(content, place)
        if kind is None:
            found = _next_chunk(content, place + 1, end)
            if found is None:
                return
            yield Hole(n_pictures * frame_s, found - place)
            place = found
            continue
        n_pictures += kind in {b"dc", b"db"}
        is_list = content[place : place + 4] == b"LIST"
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        place += 12 if is_list else _CHUNK_HEADER + size + (size & 1)


def _chunk_kind(content: mmap.mmap, place: int) -> bytes | None:
    name = content[place : place + 4]
    if name in _OTHER_CHUNKS or name.startswith(b"ix"):
        return name
    return name[2:] if name[:2].isdigit() and name[2:] in _STREAM_CHUNKS else None


def _next_chunk(content: mmap.mmap, place: int, end: int) -> int | None:
    """The next chunk of a stream whose size leads to another chunk, or to the end."""
    for found in _STREAM_CHUNK.finditer(content, place, end):
        size = int.from_bytes(content[found.end() : found.end() + 4], "little")
        after = found.start() + _CHUNK_HEADER + size + (size & 1)
        if after <= end and (after >= end - _CHUNK_HEADER or _chunk_kind(content, after)):
            return found.start()
    return None


_RULES: dict[str, Callable[[mmap.mmap], Iterator[Hole]]] = {
    "audio/mpeg": _in_mp3,
    "video/x-msvideo": _in_avi,
}
