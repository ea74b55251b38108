"""Images that claim, or unpack to, more than anybody can hold, and other formats in disguise."""

import struct
import zlib
from io import BytesIO

from PIL import Image

from schemas.errors import MediaTooLarge, UnreadableMedia, UnsupportedMedia
from tests.hostile.rows import REFUSED, Lure, Row, same


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def deflated_zeros(n_bytes: int) -> bytes:
    """A zlib stream that unpacks to zeros, put together from equal blocks of a mebibyte."""
    n_blocks, rest = divmod(n_bytes, 1 << 20)
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.compress(bytes(rest)) + packer.flush()
    checksum = (n_bytes % 65_521) << 16 | 1  # Adler-32 of zeros
    return b"\x78\xda" + block * n_blocks + end + struct.pack(">I", checksum)


def png(width: int, height: int, *, colour: int = 0, depth: int = 8, extra: bytes = b"") -> bytes:
    """Black, and smaller than its size lets one think."""
    n_channels = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    row_bytes = 1 + (width * n_channels * depth + 7) // 8
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(3)) if colour == 3 else b""
    rows = chunk(b"IDAT", deflated_zeros(row_bytes * height))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + extra + rows + chunk(b"IEND", b"")
    )


def png_claim(_: Lure) -> bytes:
    """A header of 30,000 x 30,000 pixels and nothing behind it."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b""))


def gif_canvas(_: Lure) -> bytes:
    """A canvas of 65,535 x 65,535 with one pixel on it."""
    canvas = b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6)
    return canvas + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00;"


def gif_flood(_: Lure) -> bytes:
    """65,535 frames of one pixel."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return (
        head
        + (b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00") * 65_535
        + b";"
    )


def webp_canvas(_: Lure) -> bytes:
    """An extended WebP of 16,384 x 16,384 pixels around a tiny picture."""
    tiny = BytesIO()
    Image.new("RGB", (1, 1)).save(tiny, "WEBP")
    side = (16_383).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + bytes(4) + side + side + tiny.getvalue()[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def tiff(*directories: tuple[int, int, int]) -> bytes:
    """Directories of (width, height, offset of the next)."""
    out = b"II*\0" + struct.pack("<I", 8)
    for width, height, following in directories:
        tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1)]
        tags += [
            (262, 3, 1, 1),
            (273, 4, 1, 8),
            (277, 3, 1, 1),
            (278, 4, 1, height),
            (279, 4, 1, 1),
        ]
        out += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *t) for t in tags)
        out += struct.pack("<I", following)
    return out


def png_text_bomb(_: Lure) -> bytes:
    body = b"Comment\0\0" + deflated_zeros(200 << 20)
    return png(8, 8, extra=chunk(b"zTXt", body))


def png_profile_bomb(_: Lure) -> bytes:
    return png(8, 8, extra=chunk(b"iCCP", b"p\0\0" + deflated_zeros(200 << 20)))


def exif_loop(_: Lure) -> bytes:
    """EXIF whose directory of details is the main directory itself."""
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 8)
    picture = BytesIO()
    Image.new("RGB", (16, 16)).save(picture, "JPEG", exif=exif)
    return picture.getvalue()


def rotten(kind: str, seed: int) -> bytes:
    """A picture with every 40th byte behind the header changed."""
    picture = BytesIO()
    Image.effect_noise((64, 64), 60).convert("RGB").save(picture, kind)
    content = bytearray(picture.getvalue())
    for place in range(60 + seed, len(content), 40):
        content[place] ^= 0x5A + seed
    return bytes(content)


def polyglot(_: Lure) -> bytes:
    """A GIF that is a script to a browser."""
    picture = BytesIO()
    Image.new("P", (4, 4)).save(picture, "GIF")
    return picture.getvalue() + b"*/=1;alert('x');//<script>alert('x')</script>"


def svg(lure: Lure) -> bytes:
    return (
        f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file://{lure.path}">]>'
        f'<svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text>'
        f'<image href="http://127.0.0.1:{lure.port}/x.png"/></svg>'
    ).encode()


_EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) (w) file closefile\n%%EOF\n"
_BIG = (MediaTooLarge,)
_FLOOD, _FORMATS, _CODECS = "pixel flood", "format confusion", "native codec memory"

ROWS = [
    Row(_FLOOD, "flood.png", lambda _: png(12_000, 12_000, colour=2), _BIG, "144000000 pixels"),
    Row(_FLOOD, "claim.png", png_claim, _BIG, "900000000 pixels"),
    Row(_FLOOD, "canvas.gif", gif_canvas, _BIG),
    Row(_FLOOD, "canvas.webp", webp_canvas, REFUSED),
    Row(_FLOOD, "claim.tif", same(tiff((60_000, 60_000, 0))), _BIG),
    Row(_FLOOD, "within-alpha.png", lambda _: png(9_900, 9_900, colour=6)),
    Row(_FLOOD, "within-16-bit.png", lambda _: png(9_900, 9_900, depth=16)),
    Row("animation flood", "flood.gif", gif_flood),
    Row("metadata bomb", "text.png", png_text_bomb, (UnreadableMedia,), "too large"),
    Row("metadata bomb", "profile.png", png_profile_bomb, (UnreadableMedia,), "too large"),
    Row("metadata bomb", "loop.jpg", exif_loop),
    Row("metadata bomb", "loop.tif", same(tiff((4, 4, 8)))),
    Row(_FORMATS, "eps.png", same(_EPS), (UnsupportedMedia,), "postscript"),
    Row(_FORMATS, "eps.eps", same(_EPS), (UnsupportedMedia,), "postscript"),
    Row(_FORMATS, "djvu.jpg", same(b"AT&TFORM\0\0\0\x20DJVMDIRM" + bytes(40)), (UnsupportedMedia,)),
    Row("SVG entities and links", "entity.svg", svg, (UnsupportedMedia,)),
    Row("SVG entities and links", "entity.png", svg, (UnsupportedMedia,), "png"),
    Row(_CODECS, "rot.jpg", same(rotten("JPEG", 0)), REFUSED, or_read=True),
    Row(_CODECS, "rot.webp", same(rotten("WEBP", 1)), REFUSED, or_read=True),
    Row(_CODECS, "rot.avif", same(rotten("AVIF", 3)), REFUSED, or_read=True),
    Row(_CODECS, "rot.png", same(rotten("PNG", 2)), REFUSED, or_read=True),
    Row(_CODECS, "rot.jp2", same(rotten("JPEG2000", 2)), REFUSED, or_read=True),
    Row("polyglot", "script.gif", polyglot),
    Row("polyglot", "page.jpg", same(b"<html><body>x</body></html>"), (UnsupportedMedia,), "jpg"),
]
