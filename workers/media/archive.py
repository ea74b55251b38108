"""ZIP archives: their members become objects of their own; nothing is unpacked under its name."""

import lzma
import stat
import zipfile
import zlib
from collections.abc import Sequence
from itertools import pairwise

from schemas.errors import EncryptedMedia, PermanentError, UnreadableMedia, UnsupportedMedia
from workers.media.media_file import MediaFile
from workers.media.member_files import MemberFiles
from workers.media.packages import unpacked_limit
from workers.stage import Prepared

_ENCRYPTED = 0x1
_UTF8_NAME = 0x800
#: What file managers leave in archives, for themselves.
_LITTER_FOLDERS = ("__MACOSX/",)
_LITTER = {".DS_Store", "Thumbs.db", "desktop.ini"}
#: Shortest header in front of a member's bytes.
_LOCAL_HEADER_BYTES = 30
_BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)


def read_archive(media: MediaFile) -> Prepared:
    """Write the members of an archive beside it; those that can't be are failures.

    Raises:
        UnreadableMedia: it is broken, empty, or members share their bytes, as those of bombs do.
        PermanentError: none of its members can be opened; says why of the first.
    """
    try:
        with zipfile.ZipFile(media.path) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir() and not _is_litter(e)]
            _check_overlaps(media, entries)
            members = MemberFiles(media, n_bytes=unpacked_limit(media))
            for entry in entries:
                _add(archive, entry, members)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as exc:
        raise UnreadableMedia(f"{media.name}: not a readable archive: {exc}") from exc
    if not entries:
        raise UnreadableMedia(f"{media.name}: the archive is empty")
    members.check_any()
    facts = media.facts(extra={"n_members": members.n_found})
    return Prepared(facts=facts, members=members.files, failures=members.failures)


def _is_litter(entry: zipfile.ZipInfo) -> bool:
    is_named = entry.filename.rpartition("/")[2] in _LITTER
    return is_named or entry.filename.startswith(_LITTER_FOLDERS)


def _check_overlaps(media: MediaFile, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Honest members lie one behind the other; a bomb's are the same bytes over and over."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    for one, other in pairwise(ordered):
        end = one.header_offset + _LOCAL_HEADER_BYTES + one.compress_size
        if end > other.header_offset:
            raise UnreadableMedia(
                f"{media.name}: two members share their bytes, as those of bombs do"
            )


def _add(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, members: MemberFiles) -> None:
    name = _name_of(entry)
    if refusal := _find_refusal(entry):
        members.refuse(name, *refusal)
        return
    try:
        with archive.open(entry) as content:
            members.add(name, content, entry.file_size)
    except NotImplementedError:
        members.refuse(name, UnsupportedMedia, f"packed by method {entry.compress_type}")
    except _BROKEN as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # the system's trouble, not the archive's
        members.refuse(name, UnreadableMedia, "its bytes are broken")


def _find_refusal(entry: zipfile.ZipInfo) -> tuple[type[PermanentError], str] | None:
    if entry.flag_bits & _ENCRYPTED:
        return EncryptedMedia, "it needs a password"
    mode = entry.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        return UnsupportedMedia, "it is a link or a device"
    return None


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant: many programs write UTF-8 and do not say so."""
    if entry.flag_bits & _UTF8_NAME:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename
