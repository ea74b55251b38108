"""Looks at an office file from outside: bombs and passwords, before a library opens it."""

import zipfile

from schemas.errors import EncryptedMedia, MediaTooLarge, UnreadableMedia
from workers.media.media_file import MediaFile

#: XML of one word repeated packs a thousandfold; large real files stay far below this.
_LARGEST_RATIO = 200
_SMALL_BYTES = 64 << 20


def check_package(media: MediaFile) -> None:
    """Refuse what would not fit when unpacked, and what needs a password.

    Raises:
        MediaTooLarge: the file, or what its archive claims to hold, is larger than allowed.
        EncryptedMedia: it needs a password.
        UnreadableMedia: it starts like an archive and is none.
    """
    limit = media.limits.unpacked_bytes
    if media.size_bytes > limit:
        raise MediaTooLarge(f"{media.name}: {media.size_bytes} bytes, at most {limit} are read")
    with media.path.open("rb") as file:
        is_archive = file.read(2) == b"PK"
    if is_archive:
        _check_archive(media)


def _check_archive(media: MediaFile) -> None:
    try:
        with zipfile.ZipFile(media.path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as exc:
        raise UnreadableMedia(f"{media.name}: not a readable archive: {exc}") from exc
    if any(entry.flag_bits & 1 for entry in entries):
        raise EncryptedMedia(f"{media.name}: the archive needs a password")
    n_bytes = sum(entry.file_size for entry in entries)
    limit = unpacked_limit(media)
    if n_bytes > limit:
        raise MediaTooLarge(
            f"{media.name}: {media.size_bytes} bytes unpack to {n_bytes}, at most {limit} are read"
        )


def unpacked_limit(media: MediaFile) -> int:
    """How many bytes an archive may unpack to: less for small ones, which would be bombs."""
    return min(media.limits.unpacked_bytes, max(_SMALL_BYTES, _LARGEST_RATIO * media.size_bytes))
