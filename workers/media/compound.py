"""Compound files (OLE, [MS-CFB]), the containers of PPT and MSG, by olefile."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from schemas.errors import UnreadableMedia
from workers.media.encodings import decode

_FACTS = {
    "title": "title",
    "author": "author",
    "subject": "subject",
    "keywords": "keywords",
    "created": "create_time",
    "modified": "last_saved_time",
}
#: Dates count from here; this one is none.
_NO_YEAR = 1601
_STREAM = 2
#: What the last sectors may lack in files that others read.
_SLACK_BYTES = 1 << 16


class Compound:
    """An open compound file; every method raises `UnreadableMedia` where the file is broken."""

    def __init__(self, path: Path, name: str) -> None:
        """Open it.

        Args:
            path: where it is.
            name: the object's own name, for messages.

        Raises:
            UnreadableMedia: it is no compound file, its tables of sectors are broken, or its
                streams share their bytes.
        """
        from olefile import OleFileIO

        self.name = name
        with self._reading():
            self._file = OleFileIO(str(path))
            self._check_claims(path.stat().st_size)

    def names(self, folder: str = "") -> list[str]:
        """Paths of what is in a storage, at any depth; of storages, too."""
        return [path for path in self._paths if path.startswith(folder)]

    @cached_property
    def _paths(self) -> list[str]:
        with self._reading():
            return ["/".join(path) for path in self._file.listdir(streams=True, storages=True)]

    def has(self, path: str) -> bool:
        """Whether there is such a stream or storage."""
        with self._reading():
            return bool(self._file.exists(path))

    def size_bytes(self, path: str) -> int:
        """Length that a stream claims; 0 of a storage."""
        with self._reading():
            is_stream = self._file.get_type(path) == _STREAM
            return int(self._file.get_size(path)) if is_stream else 0

    def read(self, path: str) -> bytes:
        """All of a stream."""
        with self._reading(), self._file.openstream(path) as stream:
            return bytes(stream.read())

    def facts(self) -> dict[str, Any]:
        """Title, author, subject, keywords and dates of its summary, where there is one."""
        with self._reading():
            summary = self._file.get_metadata()
        found = {name: _stated(getattr(summary, key)) for name, key in _FACTS.items()}
        return {name: text for name, text in found.items() if text}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _check_claims(self, size_bytes: int) -> None:
        """Streams that share sectors, or whose sectors lead back, hold more than the file does."""
        entries = (entry for entry in self._file.direntries if entry)
        claims = sum(entry.size for entry in entries if entry.entry_type == _STREAM)
        claim = max(claims, self._file.root.size)
        if claim > size_bytes + _SLACK_BYTES:
            self.close()
            raise UnreadableMedia(f"{self.name}: its streams claim {claim} of {size_bytes} bytes")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Around olefile alone: it raises what its tables lead it to."""
        try:
            yield
        except (OSError, struct.error, LookupError, ValueError, TypeError) as exc:
            if isinstance(exc, OSError) and exc.errno is not None:
                raise  # the disk's, not the file's
            raise UnreadableMedia(f"{self.name}: a broken compound file: {exc}") from exc
        except (RecursionError, OverflowError) as exc:
            raise UnreadableMedia(f"{self.name}: nested too deep, or too large: {exc}") from exc


def _stated(value: Any) -> str:
    if isinstance(value, bytes):
        return " ".join(decode(value.rstrip(b"\0")).text.split())
    is_date = isinstance(value, datetime) and value.year > _NO_YEAR
    return f"{value.isoformat()}Z" if is_date else ""
