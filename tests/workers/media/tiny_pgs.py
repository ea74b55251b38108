"""Writes PGS, Blu-ray's pictures of subtitles (US patent 2009/0185789): ffmpeg has no encoder."""

import struct
from itertools import groupby

from PIL import Image, ImageDraw, ImageFont

_SIZE = (1280, 720)
_HZ = 90_000


def pgs(*subtitles: tuple[float, float, str]) -> bytes:
    """Subtitles of (start, end, text): white letters with a black outline, one line each."""
    return b"".join(
        _shown(number, start_s, text) + _cleared(number, end_s)
        for number, (start_s, end_s, text) in enumerate(subtitles)
    )


def _shown(number: int, start_s: float, text: str) -> bytes:
    picture = Image.new("L", (700, 60), 0)
    font = ImageFont.load_default(40)
    ImageDraw.Draw(picture).text((8, 4), text, 2, font, stroke_width=2, stroke_fill=1)
    width, height = picture.size
    window = b"\1\0" + struct.pack(">4H", 290, 640, width, height)
    # Index, luma, red and blue difference, opacity: black and white.
    palette = b"\0\0" + bytes([1, 16, 128, 128, 255, 2, 235, 128, 128, 255])
    rows = b"".join(_row(picture, y) for y in range(height))
    body = struct.pack(">2H", width, height) + rows
    drawn = b"\0\0\0\xc0" + len(body).to_bytes(3, "big") + body
    placed = _composition(number, 0x80, 1) + struct.pack(">HBB2H", 0, 0, 0, 290, 640)
    parts = [(0x16, placed), (0x17, window), (0x14, palette), (0x15, drawn), (0x80, b"")]
    return _set(start_s, parts)


def _cleared(number: int, end_s: float) -> bytes:
    window = b"\1\0" + struct.pack(">4H", 290, 640, 700, 60)
    return _set(end_s, [(0x16, _composition(number, 0, 0)), (0x17, window), (0x80, b"")])


def _composition(number: int, state: int, n_objects: int) -> bytes:
    return struct.pack(">2HBHBBBB", *_SIZE, 0x10, number, state, 0, 0, n_objects)


def _set(time_s: float, parts: list[tuple[int, bytes]]) -> bytes:
    clock = round(time_s * _HZ)
    return b"".join(
        b"PG" + struct.pack(">IIBH", clock, 0, kind, len(body)) + body for kind, body in parts
    )


def _row(picture: Image.Image, y: int) -> bytes:
    """Runs of one colour of a row."""
    coded = b""
    for colour, run in groupby(picture.crop((0, y, picture.width, y + 1)).tobytes()):
        n = len(list(run))
        coded += b"\0" + struct.pack(">H", (0xC000 if colour else 0x4000) | n)
        coded += bytes([colour]) if colour else b""
    return coded + b"\0\0"
