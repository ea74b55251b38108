"""sha256 of large files, remembered: gigabytes are not read again at every start."""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path

logger = logging.getLogger(__name__)

#: Size, times of the last change of content and of inode (ns), inode: no writer can set the second
#: time, so a file that was changed and dated back is read again.
Stamp = tuple[int, int, int, int]


class Checksums:
    """Checksums of files that have not changed since they were read.

    It guards against what goes wrong by itself and against other programs. It cannot guard against
    somebody who may write to `SLUICE_HOME`, which holds the memory: `sluice models verify` reads
    every byte.
    """

    def __init__(self, memory: Path | None = None) -> None:
        """Begin with what an earlier process remembered.

        Args:
            memory: JSON file; None remembers nothing.
        """
        self._memory = memory
        self._known = _read(memory)

    def sha256(self, path: Path, *, afresh: bool = False) -> str:
        """Checksum of a file's content; read only if it may have changed, or `afresh`."""
        place = str(path.resolve())
        before = _stamp(path)
        if not afresh and self._is_same(place, before):
            return self._known[place][1]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if _stamp(path) == before:
            self._remember(place, before, digest)
        return digest

    def is_known(self, path: Path) -> bool:
        """Whether the file was read before and has not changed since."""
        return path.exists() and self._is_same(str(path.resolve()), _stamp(path))

    def _is_same(self, place: str, stamp: Stamp) -> bool:
        return place in self._known and self._known[place][0] == stamp

    def _remember(self, place: str, stamp: Stamp, digest: str) -> None:
        """Keep it for other processes too; where that fails they read the file again."""
        self._known[place] = (stamp, digest)
        if self._memory is None:
            return
        # What others wrote since; of two writers at once one is forgotten, which costs a reading.
        known = {**_read(self._memory), place: (stamp, digest)}
        kept = {p: entry for p, entry in known.items() if Path(p).exists()}
        try:
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            _replace(self._memory, json.dumps(kept, indent=1))
        except OSError as exc:
            logger.info("checksums_not_kept", extra={"error": str(exc)})


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _read(memory: Path | None) -> dict[str, tuple[Stamp, str]]:
    """Nothing where the memory is absent or broken: it can be made again."""
    found: dict[str, tuple[Stamp, str]] = {}
    if memory is None:
        return found
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        for place, (stamp, digest) in json.loads(memory.read_bytes()).items():
            size, changed, inode_changed, inode = stamp
            found[place] = ((size, changed, inode_changed, inode), digest)
    return found


def _replace(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=".checksums-", delete=False
    ) as file:
        file.write(text)
    os.replace(file.name, path)  # noqa: PTH105  the name is text
