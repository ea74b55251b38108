"""What bytes are, by their first bytes: magic numbers of the formats that we read.

A general detector gives several answers for the same bytes and takes an address in a text for
HTML; these rules give one answer or none, for the formats of the allow-list only.
"""

import re

#: (offset, bytes, type); the first match counts.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"II+\0", "image/tiff"),
    (0, b"8BPS\0\x01", "image/vnd.adobe.photoshop"),
    (0, b"qoif", "image/qoi"),
    (0, b"icns", "image/icns"),
    (0, b"\x01\xda\x00\x01", "image/sgi"),
    (0, b"\x01\xda\x00\x02", "image/sgi"),
    (0, b"\x01\xda\x01\x01", "image/sgi"),
    (0, b"\x01\xda\x01\x02", "image/sgi"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\xff\x4f\xff\x51", "image/jp2"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"fLaC", "audio/flac"),
    (0, b"MAC ", "audio/ape"),
    (0, b"wvpk", "audio/wavpack"),
    (0, b"TTA1", "audio/tta"),
    (0, b"MPCK", "audio/musepack"),
    (0, b"MP+", "audio/musepack"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"caff", "audio/x-caf"),
    (0, b".snd", "audio/basic"),
    (0, b"DSD ", "audio/dsf"),
    (0, b"\x0b\x77", "audio/ac3"),
    (0, b"\x7f\xfe\x80\x01", "audio/dts"),
    (0, b"MThd", "audio/midi"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\0\0\x01\xba", "video/mpeg"),
    (0, b"\0\0\x01\xb3", "video/mpeg"),
    (0, b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", "application/mxf"),
    (4, b"\x11\xaf", "video/x-flc"),
    (4, b"\x12\xaf", "video/x-flc"),
    # Not read: named so that the refusal says what was found.
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\0", "application/x-xz"),
    (0, b"\x28\xb5\x2f\xfd", "application/zstd"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (257, b"ustar", "application/x-tar"),
    (0, b"SQLite format 3\0", "application/vnd.sqlite3"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"%!PS", "application/postscript"),
    (0, b"\xc5\xd0\xd3\xc6", "application/postscript"),
)
#: Sizes of the second header of a bitmap, which follows the all too short `BM`.
_BITMAP_HEADERS = {12, 16, 40, 52, 56, 64, 108, 124}
_MOST_ICONS = 255
#: A PDF may have this many bytes of anything before its header.
_PDF_SLACK = 1024
_ID3_HEADER = 10
#: Packet sizes of transport streams: broadcast, and with a time stamp in front (Blu-ray).
_TS_PACKETS = ((188, 0), (192, 4))
_TS_SYNCS = 4


def find_signature(head: bytes) -> str | None:
    """Name the format of a file's first bytes, or None; containers are told apart elsewhere."""
    for offset, magic, mime_type in _MAGIC:
        if head.startswith(magic, offset):
            return mime_type
    for is_it, mime_type in _SHAPES:
        if is_it(head):
            return mime_type
    return None


def skip_id3(head: bytes) -> int:
    """Offset behind an ID3v2 tag, which stands before MP3, AAC and even FLAC."""
    if not head.startswith(b"ID3") or len(head) < _ID3_HEADER:
        return 0
    size = 0
    for byte in head[6:_ID3_HEADER]:  # seven bits each
        size = size << 7 | byte & 0x7F
    return _ID3_HEADER + size


def _is_bitmap(head: bytes) -> bool:
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS


def _is_icon(head: bytes) -> bool:
    n_images = int.from_bytes(head[4:6], "little")
    return head.startswith(b"\0\0\x01\0") and 0 < n_images <= _MOST_ICONS


def _is_portable_pixmap(head: bytes) -> bool:
    return re.match(rb"P[1-6]\s+(#[^\n]*\s+)*-?\d+\s+-?\d+\s", head) is not None


def _is_pdf(head: bytes) -> bool:
    return b"%PDF-" in head[: _PDF_SLACK + 5]


def has_mpeg_frame(head: bytes) -> bool:
    """Whether an MPEG audio frame may begin anywhere: files cut out of a stream start midway."""
    return any(
        _is_mpeg_audio(head[m.start() :][:4]) for m in re.finditer(rb"\xff[\xe0-\xff]", head)
    )


def _is_mpeg_audio(head: bytes) -> bool:
    """A frame header of layer I to III: sync, and none of the values that are reserved."""
    bits = f"{int.from_bytes(head[:4], 'big'):032b}"
    version, layer, bitrate, sampling = bits[11:13], bits[13:15], bits[16:20], bits[20:22]
    reserved = version == "01" or layer == "00" or bitrate == "1111" or sampling == "11"
    return "0" not in bits[:11] and not reserved


def _is_adts(head: bytes) -> bool:
    """Twelve bits of sync, one for the version, then a layer that is always zero."""
    bits = f"{int.from_bytes(head[:2], 'big'):016b}"
    return "0" not in bits[:12] and bits[13:15] == "00"


def _is_transport_stream(head: bytes) -> bool:
    return any(
        len(head) > start + size and set(head[start : size * _TS_SYNCS : size]) == {0x47}
        for size, start in _TS_PACKETS
    )


_SHAPES = (
    (_is_bitmap, "image/bmp"),
    (_is_icon, "image/x-icon"),
    (_is_portable_pixmap, "image/x-portable-anymap"),
    (_is_pdf, "application/pdf"),
    (_is_adts, "audio/aac"),
    (_is_mpeg_audio, "audio/mpeg"),
    (_is_transport_stream, "video/mp2t"),
)
