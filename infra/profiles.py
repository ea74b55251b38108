"""Model profiles: which model each stage runs, read from TOML."""

import hashlib
import json
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra.checksums import Checksums
from schemas.errors import ConfigurationError
from schemas.lock import ModelLock
from schemas.stages import STAGES, Background, ModelRef

PROFILES_DIR = Path(__file__).parent / "model_profiles"
#: Checkpoints that set-up puts on this machine.
CHECKPOINTS_DIR = Path(__file__).parent.parent / "demo" / "models"

#: Written beside a checkpoint by whoever made it: `random_weights`, `revision` and, for spaces of
#: texts and media, `background`.
CARD_FILE = "sluice-model.json"

_NOTHING = ModelLock()
#: Longest that a program may take to say its version.
_VERSION_S = 30.0


def read_profile(
    name: str, lock: ModelLock = _NOTHING, checksums: Checksums | None = None
) -> dict[str, ModelRef]:
    """Read a profile whose every model is pinned: what a stage's version is made of.

    Args:
        name: `demo`, `small`, `large`, or a TOML file.
        lock: commits and files of the models from a hub.
        checksums: of files of local folders.

    Raises:
        ConfigurationError: as `read_unpinned`, or a model from a hub is not locked.
    """
    models = read_unpinned(name, checksums)
    return {stage: _pinned(model, name, lock) for stage, model in models.items()}


def _pinned(model: ModelRef, profile: str, lock: ModelLock) -> ModelRef:
    if not is_from_hub(model):
        return model
    locked = lock.find(model.source, model.revision)
    if locked is None:
        raise ConfigurationError(
            f"{model.source} at {model.revision} is not locked; run `sluice models pull "
            f"--profile {profile}`"
        )
    return model.model_copy(update={"revision": locked.commit, "files": locked.files})


def is_from_hub(model: ModelRef) -> bool:
    """Whether the source is a repository of a model hub."""
    return find_local_folder(model) is None and ":" not in model.source


def find_local_folder(model: ModelRef) -> Path | None:
    """The folder that a source names by a path: absolute, or beginning with a dot or a tilde."""
    if model.source.startswith(("/", "./", "../", "~")):
        return Path(model.source).expanduser()
    return None


def read_unpinned(name: str, checksums: Checksums | None = None) -> dict[str, ModelRef]:
    """Read a profile by name (`demo`, `small`, `large`) or from a TOML file.

    Each table is a stage: `source`, `family`, optional `revision` and `parameters`. Models from a
    hub keep the revision that the profile writes.

    Raises:
        ConfigurationError: no such profile, it does not name a model for every stage, or a model
            is described wrongly or not there.
    """
    path = Path(name) if name.endswith(".toml") else PROFILES_DIR / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in PROFILES_DIR.glob("*.toml")))
        raise ConfigurationError(
            f"SLUICE_MODELS={name}: no such profile; known: {known}, or a .toml file"
        )
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigurationError(f"{path}: not valid TOML: {exc}") from exc
    missing = [s.name for s in STAGES.values() if s.needs_model and s.name not in tables]
    if missing:
        raise ConfigurationError(f"{path}: no model for {', '.join(missing)}")
    checksums = checksums or Checksums()
    return {
        stage: resolve_model(f"{path}: [{stage}]", table, checksums)
        for stage, table in tables.items()
    }


def resolve_model(where: str, table: Any, checksums: Checksums | None = None) -> ModelRef:
    """Resolve one table of a profile.

    Packages and programs pin by version, checkpoints by their card, folders by content.

    Raises:
        ConfigurationError: the table is wrong, or what it names is not on this machine.
    """
    try:
        model = ModelRef.model_validate({"revision": "main", **table})
    except (TypeError, ValidationError) as exc:
        raise ConfigurationError(f"{where}: expected source, family and parameters; {exc}") from exc
    kind, _, name = model.source.partition(":")
    if kind == "package":
        return model.model_copy(update={"revision": _package_version(name)})
    if kind == "binary" and "revision" not in table:
        return model.model_copy(update={"revision": _binary_version(name)})
    if kind == "checkpoint":
        return model.model_copy(update=_read_card(CHECKPOINTS_DIR / name))
    folder = find_local_folder(model)
    if folder is not None and "revision" not in table:
        return model.model_copy(update=_read_folder(where, folder, checksums or Checksums()))
    return model


def _read_folder(where: str, folder: Path, checksums: Checksums) -> dict[str, Any]:
    """What a user's folder says of itself; its content is its revision."""
    if not folder.is_dir():
        raise ConfigurationError(f"{where}: no folder {folder}")
    told = _read_card(folder) if (folder / CARD_FILE).is_file() else {}
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != CARD_FILE)
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(folder).as_posix()}\0{checksums.sha256(path)}\n".encode())
    return {**told, "revision": digest.hexdigest()[:16]}


def _package_version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        raise ConfigurationError(
            f"the package {package} is not installed; run `make setup`"
        ) from None


def _binary_version(name: str) -> str:
    """First line that a program prints about itself: its name and version."""
    try:
        told = subprocess.run(
            [name, "--version"], capture_output=True, text=True, timeout=_VERSION_S, check=True
        )
    except FileNotFoundError:
        raise ConfigurationError(f"{name}: no such program on this machine's PATH") from None
    except (OSError, subprocess.SubprocessError) as exc:
        raise ConfigurationError(f"{name} --version: {exc}") from exc
    return (told.stdout or told.stderr).partition("\n")[0].strip()


def _read_card(folder: Path) -> dict[str, Any]:
    try:
        card = json.loads((folder / CARD_FILE).read_text())
    except FileNotFoundError:
        raise ConfigurationError(f"{folder}: no checkpoint there; run `make setup`") from None
    told = {field: card[field] for field in ("revision", "random_weights")}
    if "background" in card:
        told["background"] = Background.model_validate(card["background"])
    return told


def content_revision(folder: Path) -> str:
    """16 hex digits over the names and bytes of a checkpoint's files, its card left out."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file() and p.name != CARD_FILE):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
