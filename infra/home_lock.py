"""One process at a time owns an embedded store."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Self

from schemas.errors import ConfigurationError

_LOCK_FILE = "lock"


class StoreInUse(ConfigurationError):
    """Another process has the embedded store open."""


class HomeLock:
    """An advisory lock on `SLUICE_HOME`; the kernel drops it when the process dies."""

    def __init__(self, home: Path, command: str) -> None:
        """Take the lock, and say in the file who holds it.

        Raises:
            StoreInUse: another process holds it.
            ConfigurationError: the folder cannot be written.
        """
        try:
            home.mkdir(parents=True, exist_ok=True)
            self._file = (home / _LOCK_FILE).open("a+", encoding="utf-8")
        except OSError as exc:
            raise ConfigurationError(f"SLUICE_HOME={home}: {exc.strerror}") from exc
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = read_owner(home)
            self._file.close()
            raise StoreInUse(
                f"{home} is in use by `sluice {owner.get('command', '?')}` "
                f"(process {owner.get('pid', '?')}); wait for it, stop it, or set SLUICE_HOME"
            ) from None
        self.announce(command=command)

    def announce(self, **facts: Any) -> None:
        """Tell other processes about the owner, e.g. the address of its API."""
        self._file.seek(0)
        self._file.truncate()
        json.dump({"pid": os.getpid(), **facts}, self._file)
        self._file.flush()

    def close(self) -> None:
        """Give the store free."""
        self._file.close()

    def __enter__(self) -> Self:
        """The lock is held since construction."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Give the store free."""
        self.close()


def read_owner(home: Path) -> dict[str, Any]:
    """What the newest owner said of itself; empty if there was none."""
    try:
        owner: dict[str, Any] = json.loads((home / _LOCK_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return owner
