"""One confined child as its parent sees it: a pool of one process, and a folder."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from tempfile import mkdtemp

from pebble import ProcessPool

from infra.clean_spawn import CleanSpawn
from infra.confinement import SCRATCH_NAME, Cage, child_environment, confine, library_paths
from infra.settings import SandboxLimits
from infra.visible_paths import find_devices, find_listable, find_readable
from schemas.errors import SandboxCrashed

#: A child is replaced after this many calls: decoders leak, and the memory limit is for life.
CALLS_PER_CHILD = 1000
#: How the names of children's folders begin.
FOLDER_PREFIX = "sandbox-"


class SandboxChild:
    """A process and the only directory that it can write to.

    A pool of one: a death inside a channel that is shared would stall or break neighbours.
    Started by the thread that makes it, to whose life the kernel ties the child's.
    """

    def __init__(self, limits: SandboxLimits, parent: Path, layers: Sequence[str]) -> None:
        parent.mkdir(parents=True, exist_ok=True)
        self.cage = Cage(
            limits=limits,
            parent_pid=os.getpid(),
            folder=Path(mkdtemp(prefix=FOLDER_PREFIX, dir=parent.absolute())),
            layers=layers,
            readable=find_readable(library_paths()),
            listable=find_listable(),
            devices=find_devices(),
        )
        self.cage.work_dir.mkdir()
        self.cage.root_dir.mkdir()
        self.pool = ProcessPool(
            max_workers=1,
            max_tasks=CALLS_PER_CHILD,
            initializer=confine,
            initargs=(self.cage,),
            context=CleanSpawn(child_environment(self.cage)),
        )
        assert self.pool.active  # asking starts it, in this thread

    def stop(self) -> None:
        """Ask the process to end; calls under way raise."""
        self.pool.stop()  # type: ignore[no-untyped-call]

    def end(self) -> None:
        """End the process and wait for that; its folder is left for the caller to take from."""
        self.stop()
        self.pool.join()

    def close(self) -> None:
        """End the process if it lives, and remove the folder."""
        self.end()
        shutil.rmtree(self.cage.folder, ignore_errors=True)

    @contextmanager
    def holding(self, scratch: Path | None) -> Iterator[None]:
        """Move an object's scratch into the child's reach, and out of it again.

        Raises:
            SandboxCrashed: the child left something there that is no plain file.
        """
        if scratch is None:
            yield
            return
        place = self.cage.work_dir / SCRATCH_NAME
        _clear(self.cage.work_dir)
        shutil.move(scratch, place)  # on one file system this is a rename
        try:
            yield
        finally:
            left = _take_odd(place)
            shutil.move(place, scratch)
        if left:
            raise SandboxCrashed(f"the child left {left[0]}, which is no plain file")

    def n_bytes(self) -> int:
        """What lies in the folder, links not followed."""
        n_bytes = 0
        for folder, _, names in os.walk(self.cage.work_dir):
            for name in names:
                with suppress(FileNotFoundError):  # the child goes on meanwhile
                    n_bytes += os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118
        return n_bytes


def _clear(folder: Path) -> None:
    """Remove what libraries left for themselves: nothing of one object is there for the next."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _take_odd(folder: Path) -> list[str]:
    """Remove what is neither a file nor a directory, and name it.

    The stages upload what they find: a link that a taken-over child left would make them read a
    file of its choice.
    """
    odd = []
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
        folder.mkdir()
        odd.append(folder.name)
    for entry in sorted(folder.rglob("*")):
        mode = entry.lstat().st_mode
        if not (S_ISREG(mode) or S_ISDIR(mode)):
            entry.unlink()
            odd.append(entry.name)
    return odd
