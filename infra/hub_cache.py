"""The model hub's cache on this machine: the one that every program of Hugging Face's uses.

Its layout is documented: https://huggingface.co/docs/huggingface_hub/guides/manage-cache.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import ConfigurationError

_LOCK_FILE = ".sluice-pull.lock"


def find_snapshot(repository: str, commit: str) -> Path | None:
    """The cache's folder of a commit, whole or not."""
    folder = repository_folder(repository) / "snapshots" / commit
    return folder if folder.is_dir() else None


def find_commit(repository: str, revision: str) -> str | None:
    """The commit that a revision was when some program last fetched it into the cache."""
    ref = repository_folder(repository) / "refs" / revision
    return ref.read_text().strip() if ref.is_file() else None


def keep_commit(repository: str, revision: str, commit: str) -> None:
    """Tell other programs that use the cache which commit a revision is."""
    if revision == commit:
        return
    ref = repository_folder(repository) / "refs" / revision
    try:
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(commit)
    except OSError as exc:
        raise ConfigurationError(f"{ref}: {exc.strerror}") from exc


def forget(path: Path) -> None:
    """Remove a damaged file from the cache, so that it is fetched again."""
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def folder_name(repository: str) -> str:
    """The cache's name of a repository's folder."""
    from huggingface_hub.file_download import repo_folder_name

    name: str = repo_folder_name(repo_id=repository, repo_type="model")
    return name


def cache_folder() -> Path:
    """The hub's cache on this machine."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def repository_folder(repository: str) -> Path:
    return cache_folder() / folder_name(repository)


@contextmanager
def pulling() -> Iterator[None]:
    """Hold the cache against a second pull, which would write the same files.

    Raises:
        ConfigurationError: another process pulls, or the cache cannot be written.
    """
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK_FILE).open("a")
    except OSError as exc:
        raise ConfigurationError(f"HF_HOME: {folder}: {exc.strerror}") from exc
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConfigurationError(f"another process pulls models into {folder}") from None
        yield
