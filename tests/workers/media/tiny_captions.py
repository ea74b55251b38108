"""Clips whose pictures carry captions (CEA-608), made byte by byte."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

Pair = tuple[int, int]

FPS = 30
LOAD, CLEAR_HIDDEN, LAST_ROW = (0x14, 0x20), (0x14, 0x2E), (0x14, 0x70)
SHOW, ERASE, ROLL_UP, NEXT_LINE = (0x14, 0x2F), (0x14, 0x2C), (0x14, 0x25), (0x14, 0x2D)
NOTHING = (0, 0)


def with_parity(byte: int) -> int:
    return byte | (0x80 if byte.bit_count() % 2 == 0 else 0)


def letters(text: str) -> list[Pair]:
    codes = text.ljust(len(text) + len(text) % 2).encode()
    return list(zip(codes[::2], codes[1::2], strict=True))


def pop_on(text: str) -> list[Pair]:
    """Written while nobody sees it, then shown at once; commands are sent twice."""
    return [c for c in (LOAD, CLEAR_HIDDEN, LAST_ROW) for _ in "12"] + letters(text) + [SHOW] * 2


def user_data(pair: Pair, field: int = 0xFC) -> bytes:
    """An SEI of H.264 that holds one command (ATSC A/53, part 4)."""
    command = bytes([field, *map(with_parity, pair)])
    payload = b"\xb5\x00\x31GA94\x03\xc1\xff" + command + b"\xff"
    return b"\x00\x00\x00\x01\x06\x04" + bytes([len(payload)]) + payload + b"\x80"


def film(
    path: Path,
    commands: Sequence[Pair],
    *,
    field: int = 0xFC,
    start_s: int = 0,
    broken_from: int | None = None,
) -> Path:
    """A picture per command; some players' clocks start late, some pictures are none."""
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"tune": "zerolatency"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for number, command in enumerate(commands):
            frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
            frame.pts, frame.time_base = number + start_s * FPS, Fraction(1, FPS)
            for packet in stream.encode(frame):
                is_broken = broken_from is not None and number >= broken_from
                picture = b"\0\0\1\x65rubbish" if is_broken else bytes(packet)
                marked = av.Packet(user_data(command, field) + picture)
                marked.pts, marked.dts = packet.pts, packet.dts
                marked.time_base, marked.stream = packet.time_base, stream
                container.mux(marked)
    return path
