"""Locked checkpoints as folders that hold the locked files and nothing else."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from infra.checksums import Checksums
from infra.hub_cache import find_snapshot, folder_name
from schemas.errors import ConfigurationError
from schemas.lock import LockedFile

_PULL = "run `sluice models pull`"


class Snapshots:
    """Verified views of the hub's cache.

    The cache is shared with other programs, which may add files to a snapshot that libraries read
    by their mere presence (`adapter_config.json`, pickles). A view is a folder of links to the
    locked files only, so nothing else can be loaded.
    """

    def __init__(self, folder: Path) -> None:
        """Views go into a folder of this program, with the memory of what was verified."""
        self._folder = folder
        self.checksums = Checksums(folder / "checksums.json")

    def open(self, repository: str, commit: str, files: Mapping[str, LockedFile]) -> Path:
        """Verify the files of a commit and show them as a folder; safe to repeat and to race.

        Raises:
            ConfigurationError: a file is absent, or not the one that was locked.
        """
        damage = self.check(repository, commit, files)
        if damage:
            name, what = next(iter(damage.items()))
            raise ConfigurationError(f"{repository} at {commit[:12]}: {name} {what}; {_PULL}")
        source = _get_snapshot(repository, commit)
        view = self._folder / folder_name(repository) / commit
        for name in files:
            self._link(view / name, (source / name).resolve())
        for path in [p for p in view.rglob("*") if not p.is_dir()]:
            if path.relative_to(view).as_posix() not in files:
                path.unlink(missing_ok=True)
        return view

    def check(
        self,
        repository: str,
        commit: str,
        files: Mapping[str, LockedFile],
        *,
        afresh: bool = False,
    ) -> dict[str, str]:
        """What is wrong with the files of a commit, by name; empty where nothing is.

        Args:
            repository: on the hub.
            commit: locked.
            files: locked.
            afresh: read every byte, whatever is remembered.

        Raises:
            ConfigurationError: nothing of the commit is on this machine.
        """
        source = _get_snapshot(repository, commit)
        found = {name: self._damage(source / name, file, afresh) for name, file in files.items()}
        return {name: damage for name, damage in found.items() if damage}

    def _damage(self, path: Path, locked: LockedFile, afresh: bool) -> str | None:  # noqa: FBT001
        if not path.is_file():
            return "is not on this machine"
        size_bytes = path.stat().st_size
        if size_bytes != locked.size_bytes:
            return f"has {size_bytes} bytes, locked are {locked.size_bytes}"
        digest = self.checksums.sha256(path, afresh=afresh)
        if digest != locked.sha256:
            return f"has sha256 {digest[:12]}..., locked is {locked.sha256[:12]}..."
        return None

    def is_known(self, repository: str, commit: str, files: Mapping[str, LockedFile]) -> bool:
        """Whether all files were read before and have not changed since: no byte is read."""
        source = find_snapshot(repository, commit)
        return source is not None and all(self.checksums.is_known(source / name) for name in files)

    def _link(self, link: Path, target: Path) -> None:
        """Make or mend a link; others that do the same see the old one or this one."""
        if link.is_symlink() and link.readlink() == target:
            return
        try:
            link.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder, prefix=".link-") as beside:
                made = Path(beside) / link.name
                made.symlink_to(target)
                made.replace(link)
        except OSError as exc:
            raise ConfigurationError(f"{link}: {exc.strerror}") from exc


def _get_snapshot(repository: str, commit: str) -> Path:
    source = find_snapshot(repository, commit)
    if source is None:
        raise ConfigurationError(f"{repository} at {commit[:12]} is not on this machine; {_PULL}")
    return source
