"""Streams of a PDF that unpack to more than a page can need, found before PDFium meets them.

PDFium unpacks a stream as a whole, up to a gibibyte, and needs twice as much memory for it. A
chain of filters makes that of a few hundred bytes.
"""

import mmap
import re
import zlib
from collections.abc import Iterable, Iterator

from schemas.errors import MediaTooLarge
from workers.media.media_file import MediaFile

#: A picture of 100 million pixels in four colours.
MOST_BYTES = 400 << 20
#: Deflate packs at most so well.
_BEST_RATIO = 1032
#: A dictionary is looked for so far before its stream.
_DICTIONARY_BYTES = 2048
_STREAM = re.compile(rb">>\s*stream\r?\n")
_FLATE = re.compile(rb"/(?:FlateDecode|Fl)\b")
_BLOCK = 1 << 20


def check_streams(media: MediaFile) -> None:
    """Refuse a PDF with a stream that unpacks to more than `MOST_BYTES`.

    Only streams that could are unpacked, a block at a time. One whose filters are named in
    another object is left to the limits of the child.

    Raises:
        MediaTooLarge: there is one.
    """
    with (
        media.path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        for found in _STREAM.finditer(content):
            if _unpacked_bytes(content, found) > MOST_BYTES:
                place = f"the stream at byte {found.start()}"
                raise MediaTooLarge(
                    f"{media.name}: {place} unpacks to more than {MOST_BYTES} bytes, the limit"
                )


def _unpacked_bytes(content: mmap.mmap, found: re.Match[bytes]) -> int:
    """What a stream unpacks to, counted until it is too much; 0 if it can't be."""
    before = content[max(0, found.start() - _DICTIONARY_BYTES) : found.start()]
    n_layers = len(_FLATE.findall(before[before.rfind(b" obj") + 1 :]))
    end = content.find(b"endstream", found.end())
    n_bytes = (len(content) if end < 0 else end) - found.end()
    if n_bytes * _BEST_RATIO**n_layers <= MOST_BYTES:
        return 0
    chunks: Iterable[bytes] = [content[found.end() : found.end() + n_bytes]]
    for _ in range(n_layers):
        chunks = _inflated(chunks)
    return _counted(chunks) if n_layers else 0


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.decompressobj()
    for chunk in chunks:
        rest = chunk
        while rest and not packer.eof:
            yield packer.decompress(rest, _BLOCK)
            rest = packer.unconsumed_tail


def _counted(chunks: Iterable[bytes]) -> int:
    n_bytes = 0
    try:
        for chunk in chunks:
            n_bytes += len(chunk)
            if n_bytes > MOST_BYTES:
                break
    except zlib.error:
        pass  # broken, or no Flate after all: PDFium will tell
    return n_bytes
