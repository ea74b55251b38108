"""Files that are there wholly or not at all, also after a power cut."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

#: Bytes copied by one system call.
_COPY_BYTES = 64 << 20

#: What file systems say that cannot copy inside the kernel.
_NO_KERNEL_COPY = frozenset({errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL})


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing; it is gone again when the block raises."""
    try:
        with path.open("wb") as target:
            yield target
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def copy_bytes(source: BinaryIO, target: BinaryIO, n_bytes: int) -> None:
    """Copy the first bytes of a file inside the kernel, where the file systems can.

    Copies less when the source is shorter; both files stand where they were opened.
    """
    try:
        while n_bytes > 0:
            size = min(n_bytes, _COPY_BYTES)
            n_copied = os.copy_file_range(source.fileno(), target.fileno(), size)
            if n_copied == 0:
                return
            n_bytes -= n_copied
    except OSError as exc:
        if exc.errno not in _NO_KERNEL_COPY:
            raise
        shutil.copyfileobj(source, target)
        target.flush()


def make_folder(path: Path) -> None:
    """Make a folder and its parents; safe to repeat."""
    if not path.is_dir():
        make_folder(path.parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Force the names in a folder to disk."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
