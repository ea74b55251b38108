"""What is inside formats that hold others: zip, OLE, RIFF, ISO media, Matroska, Ogg, ASF."""

import re
import zipfile
from contextlib import closing
from pathlib import Path

from schemas.errors import EncryptedMedia
from workers.media.compound import Compound

ZIP = "application/zip"
OLE = "application/x-ole-storage"

_OOXML = "application/vnd.openxmlformats-officedocument."
#: Folder of the main part, and what the package then is.
_OOXML_FOLDERS = {
    "word/": f"{_OOXML}wordprocessingml.document",
    "xl/": f"{_OOXML}spreadsheetml.sheet",
    "ppt/": f"{_OOXML}presentationml.presentation",
}
#: Streams that only encrypted files have: of Office 2007 and later, and of PowerPoint 97.
_ENCRYPTED_STREAMS = {"encryptedpackage", "encryptedsummary"}
#: Outermost streams of an OLE file.
_OLE_STREAMS = (
    ("__properties_version1.0", "application/vnd.ms-outlook"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
)
_RIFF = {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo", b"WEBP": "image/webp"}
_AIFF = {b"AIFF": "audio/aiff", b"AIFC": "audio/aiff"}
_BRANDS = (
    ({b"avif", b"avis"}, "image/avif"),
    ({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}, "image/heif"),
    ({b"crx "}, "image/x-canon-cr3"),
    ({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "}, "audio/mp4"),
    ({b"qt  "}, "video/quicktime"),
)
#: First boxes of files from before `ftyp`, and of fragments.
_BOXES = {b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof", b"sidx"}
_EBML = b"\x1a\x45\xdf\xa3"
#: CodecID elements (0x86, length, name) of video and audio tracks.
_VIDEO_TRACK = re.compile(rb"\x86[\x80-\xff]V_")
_AUDIO_TRACK = re.compile(rb"\x86[\x80-\xff]A_")
_OGG_VIDEO = (b"\x80theora", b"\x01video\0\0\0", b"BBCD\0", b"fishead\0")
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"
_ASF_VIDEO = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")


def find_container(path: Path, head: bytes, name: str) -> str | None:
    """Name what a container holds; `application/zip` for a zip that is none of ours.

    Raises:
        EncryptedMedia: an office file behind a password.
        UnreadableMedia: an office file of before 2007 whose container is broken.
    """
    if head.startswith(b"PK\x03\x04"):
        return _find_in_zip(path, head)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _find_in_ole(path, name)
    return _find_media(head)


def _find_media(head: bytes) -> str | None:
    if head[:4] in {b"RIFF", b"RF64"}:
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM":
        return _AIFF.get(head[8:12])
    if head.startswith(_EBML):
        return _find_in_matroska(head)
    if head.startswith(b"OggS"):
        return "video/ogg" if any(mark in head for mark in _OGG_VIDEO) else "audio/ogg"
    if head.startswith(_ASF):
        return "video/x-ms-asf" if _ASF_VIDEO in head else "audio/x-ms-wma"
    return _find_in_iso_media(head)


def _find_in_zip(path: Path, head: bytes) -> str:
    if head[30:38] == b"mimetype":  # stored first and uncompressed, so that it can be found
        return _stored_mimetype(head) or ZIP
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return ZIP
    if "META-INF/container.xml" in names:
        return "application/epub+zip"
    if "[Content_Types].xml" not in names:
        return ZIP
    found = (
        kind for folder, kind in _OOXML_FOLDERS.items() if any(n.startswith(folder) for n in names)
    )
    return next(found, ZIP)


def _stored_mimetype(head: bytes) -> str:
    """OpenDocument and EPUB name themselves; templates are read like documents."""
    size, extra = int.from_bytes(head[22:26], "little"), int.from_bytes(head[28:30], "little")
    text = head[38 + extra : 38 + extra + size] if size else head[38 : head.find(b"PK", 38)]
    return text.decode("ascii", "replace").strip().removesuffix("-template")


def _find_in_ole(path: Path, name: str) -> str:
    with closing(Compound(path, name)) as compound:
        streams = {stream.lower() for stream in compound.names() if "/" not in stream}
    if streams & _ENCRYPTED_STREAMS:
        raise EncryptedMedia(f"{name}: office document behind a password")
    return next((kind for stream, kind in _OLE_STREAMS if stream.lower() in streams), OLE)


def _find_in_iso_media(head: bytes) -> str | None:
    if head[4:8] in _BOXES and (head[0] == 0 or head[4:8] == b"mdat"):
        return "video/mp4"  # a small box, or the large one; `The free ...` is neither
    if head[4:8] != b"ftyp":
        return None
    size = int.from_bytes(head[:4], "big")
    brands = {head[at : at + 4] for at in (8, *range(16, min(size, len(head)), 4))}
    for ours, kind in _BRANDS:
        # Any brand makes an image; what else it is, only the major brand says.
        if brands & ours if kind.startswith("image/") else head[8:12] in ours:
            return kind
    return "video/mp4"


def _find_in_matroska(head: bytes) -> str:
    family = "webm" if b"webm" in head[:64] else "x-matroska"
    only_audio = _AUDIO_TRACK.search(head) and not _VIDEO_TRACK.search(head)
    return f"audio/{family}" if only_audio else f"video/{family}"
