"""The lock file on disk: JSON, sorted, so that a change reads well in a diff."""

import json
import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from schemas.errors import ConfigurationError
from schemas.lock import ModelLock


def read_lock(path: Path) -> ModelLock:
    """Read a lock; empty if there is none yet.

    Raises:
        ConfigurationError: the file cannot be read or is no lock.
    """
    try:
        return ModelLock.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return ModelLock()
    except OSError as exc:
        raise ConfigurationError(f"{path}: {exc.strerror}") from exc
    except ValidationError as exc:
        reason = exc.errors()[0]["msg"]
        raise ConfigurationError(
            f"{path}: not a lock of models ({reason}); remove it and run `sluice models pull`"
        ) from exc


def write_lock(path: Path, lock: ModelLock) -> None:
    """Replace the lock; readers see the old one or the new one, also after a power cut.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    text = json.dumps(lock.model_dump(), indent=2, sort_keys=True) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=".models-", delete=False
        ) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError as exc:
        raise ConfigurationError(f"{path}: {exc.strerror}") from exc
