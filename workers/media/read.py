"""What the sandbox's child runs on one object: look at it, then hand it to its reader."""

import hashlib
import importlib
from collections.abc import Sequence
from pathlib import Path

from infra.confinement import allow_cpu
from infra.settings import MediaLimits
from schemas.asset import MediaType
from schemas.errors import MediaTooLarge
from workers.media.figures import with_figures
from workers.media.formats import MEDIA_TYPES
from workers.media.media_file import MediaFile, Reader
from workers.media.sniff import sniff
from workers.stage import Prepared

_OF_KIND = {
    MediaType.IMAGE: "workers.media.images:read_image",
    MediaType.DOCUMENT: "workers.media.office:read_office",
    MediaType.AUDIO: "workers.media.audio:read_audio",
    MediaType.VIDEO: "workers.media.video:read_video",
}
_OF_TYPE = {
    "image/tiff": "workers.media.images:read_tiff",
    "application/zip": "workers.media.archive:read_archive",
    "message/rfc822": "workers.media.attachments:read_mail",
    "application/vnd.ms-outlook": "workers.media.outlook:read_outlook",
    "application/pdf": "workers.media.pages:read_pdf",
    "text/plain": "workers.media.text:read_text",
    "text/markdown": "workers.media.text:read_text",
    "text/csv": "workers.media.text:read_text",
    "text/asciidoc": "workers.media.text:read_text",
}
#: CPU time that these may take by their size; a file of a few bytes that wants minutes is a bomb.
#: Of sound and video even small files can be long, and honest.
_STILL = {MediaType.IMAGE, MediaType.DOCUMENT}
_STILL_S, _STILL_S_PER_MIB = 25.0, 100.0
#: `module:function` of the reader of each type; imported when first needed.
READERS = {mime: _OF_TYPE.get(mime, _OF_KIND[kind]) for mime, kind in MEDIA_TYPES.items()}


def read_object(
    path: Path,
    name: str,
    scratch: Path,
    limits: MediaLimits,
    depth: int = 0,
    passwords: Sequence[str] = (),
) -> Prepared:
    """Turn one object's bytes into facts, artifacts and text.

    Args:
        path: the bytes, under a name of our own.
        name: the object's own name, for messages and to tell texts apart.
        scratch: where artifacts are written.
        limits: what is refused.
        depth: assets around this one.
        passwords: tried in order where one is needed.

    Raises:
        PermanentError: unsupported, unreadable, encrypted or too large; the message says why.
    """
    size_bytes = path.stat().st_size
    if size_bytes > limits.object_bytes:
        raise MediaTooLarge(f"{name}: {size_bytes} bytes, the limit is {limits.object_bytes}")
    mime_type = sniff(path, name)
    media = MediaFile(
        name=name,
        path=path,
        mime_type=mime_type,
        media_type=MEDIA_TYPES[mime_type],
        sha256=_sha256(path),
        size_bytes=size_bytes,
        scratch=scratch,
        limits=limits,
        depth=depth,
        passwords=passwords,
    )
    if media.media_type in _STILL:
        allow_cpu(_STILL_S + _STILL_S_PER_MIB * size_bytes / (1 << 20))
    return with_figures(media, _import_reader(mime_type)(media))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _import_reader(mime_type: str) -> Reader:
    module, _, function = READERS[mime_type].partition(":")
    reader: Reader = getattr(importlib.import_module(module), function)
    return reader
