"""Objects in a folder of this machine: artifacts, and media read where they lie."""

import errno
import logging
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from infra.durable_files import copy_bytes, make_folder, new_file, sync_folder
from infra.object_store import ObjectStore, check_prefix, check_size
from schemas.asset import FILE_BUCKET, ObjectHead, ObjectRef
from schemas.errors import (
    ObjectChanged,
    ObjectForbidden,
    ObjectNotFound,
    ObjectStoreUnavailable,
    StorageFull,
)

logger = logging.getLogger(__name__)

#: Names of unfinished uploads start with it; `list` does not show them.
UPLOAD_PREFIX = ".sluice-upload-"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: File systems hold later moments than a datetime does.
_LAST_US = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)

#: Names are bytes, rows and messages are text: bytes that are not UTF-8 stand in keys as
#: characters for private use.
_TO_KEY = {0xDC00 + byte: 0x10F700 + byte for byte in range(0x80, 0x100)}
_FROM_KEY = {private: surrogate for surrogate, private in _TO_KEY.items()}

#: What a directory entry may be besides a regular file, by the first letter of its mode.
_KINDS = {"d": "folder", "p": "pipe", "s": "socket", "c": "device", "b": "device"}

_ABSENT = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO}
)
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_IN_TROUBLE = frozenset(
    {errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EROFS, errno.EBUSY}
    | {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOTEMPTY, errno.EEXIST}
)


def file_key(path: Path) -> str:
    """Key of a file read in place: its absolute path without the leading slash.

    `..` is resolved as the shell does it, links are kept. Every name that a file system can
    hold, UTF-8 or not, has a key that rows and messages can hold.
    """
    absolute = os.path.abspath(path)  # noqa: PTH100  resolve() would replace links
    return absolute.lstrip("/").translate(_TO_KEY)


class FolderStore(ObjectStore):
    """One bucket: the folder `root`, each key a path in it.

    With `root="/"` and the bucket `FILE_BUCKET` it reads media in place, and refuses to write.
    Only regular files are objects: a pipe or a device is never opened. Hidden files are listed,
    links to files followed; links to folders are not, so that no listing runs in circles.
    """

    def __init__(self, root: Path, bucket: str) -> None:
        """Touches nothing; the folder is made by the first upload."""
        self._root = root
        self._bucket = bucket

    def head(self, ref: ObjectRef) -> ObjectHead:
        path = self._path(ref)
        with _translated(ref):
            return _head(ref, path.stat())

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ObjectHead]:
        for entry in _walk(*self._split(bucket, prefix)):
            key = os.path.relpath(entry.path, self._root).translate(_TO_KEY)
            if key <= after:
                continue
            try:
                head = self.head(ObjectRef(bucket=bucket, key=key))
            except ObjectNotFound:
                continue  # a pipe, a dangling link, a link to a folder, or gone since
            yield head

    def download(self, head: ObjectHead, path: Path, *, max_bytes: int) -> None:
        check_size(head, max_bytes)
        self.head(head.ref)  # first, so that nothing but a regular file is opened
        with _reading(head.ref, self._path(head.ref)) as source, new_file(path) as target:
            _check_unchanged(head, source)
            with _translated(head.ref):
                copy_bytes(source, target, head.size_bytes)
            _check_unchanged(head, source)

    def upload(self, path: Path, ref: ObjectRef) -> None:
        goal = self._writable(ref)
        fresh = goal.with_name(UPLOAD_PREFIX + uuid4().hex)
        with path.open("rb") as source, _translated(ref, absent=ObjectStoreUnavailable):
            make_folder(goal.parent)
            with new_file(fresh) as target:
                copy_bytes(source, target, os.fstat(source.fileno()).st_size)
                os.fsync(target.fileno())
                fresh.replace(goal)
            sync_folder(goal.parent)

    def delete(self, ref: ObjectRef) -> None:
        path = self._writable(ref)
        # A folder of that name is no object.
        absent = suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError)
        with _translated(ref, absent=ObjectStoreUnavailable), absent:
            path.unlink()

    def delete_prefix(self, bucket: str, prefix: str) -> None:
        check_prefix(prefix)
        self._refuse_in_place()
        folder, starts = self._split(bucket, prefix)
        with _translated(ObjectRef(bucket=bucket, key=prefix), absent=ObjectStoreUnavailable):
            for entry in _entries(folder, starts):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    Path(entry.path).unlink()
            if not starts and folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def ping(self) -> str:
        if self._root.exists() and not self._root.is_dir():
            raise ObjectStoreUnavailable(f"{self._root} is not a folder")
        return f"folder {self._root}"

    def _path(self, ref: ObjectRef) -> Path:
        """Where an object lies.

        Raises:
            ValueError: the key is not a plain relative path, so could lead out of the folder.
        """
        self._check_bucket(ref.bucket)
        parts = ref.key.split("/")
        if not {"", ".", ".."}.isdisjoint(parts) or "\0" in ref.key:
            raise ValueError(f"key {ref.key!r}: expected a relative path without . and ..")
        return self._root / ref.key.translate(_FROM_KEY)

    def _split(self, bucket: str, prefix: str) -> tuple[Path, str]:
        """The folder that holds all objects of a prefix, and how names in it must start."""
        self._check_bucket(bucket)
        folder, slash, starts = prefix.rpartition("/")
        inside = self._path(ObjectRef(bucket=bucket, key=folder)) if slash else self._root
        if inside.is_dir() and not os.access(inside, os.R_OK | os.X_OK, effective_ids=True):
            raise ObjectForbidden(f"{inside} may not be read")
        return inside, starts.translate(_FROM_KEY)

    def _check_bucket(self, bucket: str) -> None:
        if bucket != self._bucket:
            raise ObjectNotFound(f"no bucket {bucket}; {self._root} holds {self._bucket}")

    def _writable(self, ref: ObjectRef) -> Path:
        self._refuse_in_place()
        return self._path(ref)

    def _refuse_in_place(self) -> None:
        if self._bucket == FILE_BUCKET:
            raise ValueError("files that are read in place are never written or deleted")


def _head(ref: ObjectRef, found: os.stat_result) -> ObjectHead:
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.filemode(found.st_mode)[0], "thing")
        raise ObjectNotFound(f"{ref.uri}: found a {kind}, expected a regular file")
    return ObjectHead(
        ref=ref,
        size_bytes=found.st_size,
        etag=f"{found.st_mtime_ns:x}-{found.st_size:x}-{found.st_ino:x}",
        last_modified=_EPOCH + timedelta(microseconds=min(found.st_mtime_ns // 1000, _LAST_US)),
    )


def _check_unchanged(head: ObjectHead, source: BinaryIO) -> None:
    now = _head(head.ref, os.fstat(source.fileno()))
    if now.etag != head.etag:
        raise ObjectChanged(
            f"{head.ref.uri}: found {now.size_bytes} bytes of {now.last_modified}, "
            f"expected {head.size_bytes} of {head.last_modified}"
        )


def _walk(folder: Path, starts: str) -> Iterator[os.DirEntry[str]]:
    """Everything but folders below a folder, in key order; a stack, so depth has no limit."""
    levels = [iter(_entries(folder, starts))]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        elif entry.is_dir(follow_symlinks=False):
            levels.append(iter(_entries(entry.path)))
        elif not entry.name.startswith(UPLOAD_PREFIX):
            yield entry


def _entries(folder: str | Path, starts: str = "") -> list[os.DirEntry[str]]:
    """The entries of a folder whose names start so, in key order; none where it is absent."""
    try:
        with os.scandir(folder) as found:
            return sorted((e for e in found if e.name.startswith(starts)), key=_key_order)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except PermissionError:
        logger.warning("folder_not_readable", extra={"folder": os.fspath(folder)})
        return []


def _key_order(entry: os.DirEntry[str]) -> bytes:
    """Sorts like the UTF-8 of whole keys: `a.txt` comes before `a/b` and after `a-`."""
    slash = "/" if entry.is_dir(follow_symlinks=False) else ""
    return (entry.name.translate(_TO_KEY) + slash).encode()


@contextmanager
def _reading(ref: ObjectRef, path: Path) -> Iterator[BinaryIO]:
    with _translated(ref):
        # Does not wait, should the file have become a pipe a moment ago.
        source = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    with source:
        yield source


@contextmanager
def _translated(
    ref: ObjectRef, absent: type[ObjectNotFound | ObjectStoreUnavailable] = ObjectNotFound
) -> Iterator[None]:
    """Turn the errors of the file system into ours; those that it does not know fly."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _ABSENT:
            raise absent(f"{ref.uri}: {exc.strerror}") from exc
        if exc.errno in _FORBIDDEN:
            forbidden = ObjectForbidden if absent is ObjectNotFound else absent
            raise forbidden(f"{ref.uri} may not be read or written: {exc.strerror}") from exc
        if exc.errno in _FULL:
            raise StorageFull(f"{ref.uri}: {exc.strerror}") from exc
        if exc.errno in _IN_TROUBLE:
            raise ObjectStoreUnavailable(f"{ref.uri}: {exc.strerror}") from exc
        raise
