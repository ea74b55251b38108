"""Writes what is found inside a file beside it, within limits; what is left out has a reason."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from schemas.errors import Failure, MediaTooLarge, PermanentError, UnsupportedMedia
from workers.media.media_file import MediaFile
from workers.stage import MemberFile

_COPY_BYTES = 1 << 20
#: Longest name inside, in bytes: longer ones fit no index, and no object store either.
_NAME_BYTES = 800
#: Longest name of an attachment, counted from its ending.
_NAME_CHARS = 200
#: Names told of one reason, and characters of each.
_SHOWN_NAMES, _SHOWN_CHARS = 3, 100
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")


@dataclass
class _Refused:
    """Members that are not opened for one reason."""

    kind: type[PermanentError]
    why: str
    n_members: int = 0
    names: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        more = f" and {self.n_members - _SHOWN_NAMES} more" if self.n_members > _SHOWN_NAMES else ""
        return f"{', '.join(self.names)}{more}: not opened, {self.why}"


class MemberFiles:
    """Members of one file, as they are found."""

    def __init__(self, media: MediaFile, *, n_bytes: int) -> None:
        """Nothing is found yet.

        Args:
            media: what holds the members.
            n_bytes: how many bytes of members may be written.
        """
        #: What becomes an object of its own.
        self.files: list[MemberFile] = []
        #: How many there were, refused ones too.
        self.n_found = 0
        self._media = media
        self._n_bytes = self._bytes_left = n_bytes
        self._names: set[str] = set()
        self._refused: dict[str, _Refused] = {}

    def add(self, name: str, content: IO[bytes], size_bytes: int) -> None:
        """Write one member, or note why not.

        Args:
            name: as the file spells it; never becomes a path.
            content: read to its end; what reading it raises is the caller's to answer.
            size_bytes: what the file claims; if that is too much, nothing is read.
        """
        if refusal := self.find_refusal(name, size_bytes):
            self.refuse(name, *refusal)
            return
        path = self._media.scratch / f"member-{len(self.files):06d}"
        n_bytes = self._copy(content, path)
        if n_bytes > self._bytes_left:
            path.unlink()
            self.refuse(name, MediaTooLarge, self._too_many_bytes())
            return
        self._bytes_left -= n_bytes
        self.n_found += 1
        self.files.append(MemberFile(name=self._unique(name), path=path))

    def refuse(self, name: str, kind: type[PermanentError], why: str) -> None:
        """Note a member that is not opened."""
        self.n_found += 1
        refused = self._refused.setdefault(why, _Refused(kind, why))
        refused.n_members += 1
        if len(refused.names) < _SHOWN_NAMES:
            refused.names.append(ascii(name[:_SHOWN_CHARS]) if _CONTROL.search(name) else name)

    @property
    def failures(self) -> Sequence[Failure]:
        """One for each reason, with the first names."""
        return [
            Failure(category=refused.kind.__name__, message=str(refused), stage="prepare")
            for refused in self._refused.values()
        ]

    def check_any(self) -> None:
        """Refuse a file of which nothing can be opened.

        Raises:
            PermanentError: why not, of the first reason.
        """
        if self._refused and not self.files:
            first = next(iter(self._refused.values()))
            raise first.kind(f"{self._media.name}: {first}")

    def find_refusal(self, name: str, size_bytes: int) -> tuple[type[PermanentError], str] | None:
        """Why a member may not be opened; None if it may."""
        limits = self._media.limits
        if self._media.depth >= limits.n_levels:
            return MediaTooLarge, f"nested more than {limits.n_levels} deep"
        if len(self.files) >= limits.n_members:
            return MediaTooLarge, f"at most {limits.n_members} members are"
        if size_bytes > self._bytes_left:
            return MediaTooLarge, self._too_many_bytes()
        if why := _name_trouble(name):
            return UnsupportedMedia, why
        return None

    def _too_many_bytes(self) -> str:
        return f"{self._media.size_bytes} bytes unpack to more than {self._n_bytes}"

    def _copy(self, content: IO[bytes], path: Path) -> int:
        """Bytes that were read; it ends early where they are too many."""
        n_bytes = 0
        with path.open("wb") as file:
            while n_bytes <= self._bytes_left and (piece := content.read(_COPY_BYTES)):
                n_bytes += len(piece)
                file.write(piece)
        return n_bytes

    def _unique(self, name: str) -> str:
        """The name, told apart from one that was found before."""
        path, number = PurePosixPath(name), 1
        while name in self._names:
            number += 1
            name = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
        self._names.add(name)
        return name


def attachment_name(name: str, number: int) -> str:
    """What an attachment is called: its name without folders, or its 1-based number."""
    last = re.split(r"[/\\]", name.encode("utf-8", "replace").decode())[-1]
    last = re.sub(r"^[A-Za-z]:", "", last)
    clean = re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", last).strip(" .")
    return clean[-_NAME_CHARS:] or f"attachment {number}"


def _name_trouble(name: str) -> str | None:
    """What is wrong with a name: it is only shown, but others may take it for a path."""
    if _CONTROL.search(name) or not name.strip("/. "):
        return "its name is none"
    if len(name.encode()) > _NAME_BYTES:
        return f"its name is longer than {_NAME_BYTES} bytes"
    if _ABSOLUTE.match(name) or ".." in re.split(r"[/\\]", name):
        return "its name leads out of the archive"
    return None
