"""Media files as the readers are given them."""

from infra.settings import MediaLimits
from workers.media.formats import MEDIA_TYPES
from workers.media.media_file import MediaFile
from workers.media.sniff import sniff


def media_file(path, scratch, **limits):
    """A sniffed file; its hash is left out."""
    mime_type = sniff(path, path.name)
    return MediaFile(
        name=path.name,
        path=path,
        mime_type=mime_type,
        media_type=MEDIA_TYPES[mime_type],
        sha256="0" * 64,
        size_bytes=path.stat().st_size,
        scratch=scratch,
        limits=MediaLimits(**limits),
    )
