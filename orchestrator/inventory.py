"""What each stage of a profile would run, and whether that is here."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from infra import profiles
from infra.hub_cache import find_snapshot
from infra.profiles import content_revision, find_local_folder, is_from_hub
from infra.snapshots import Snapshots
from schemas.errors import ConfigurationError
from schemas.lock import LockedModel, ModelLock
from schemas.model_reports import StageModel
from schemas.stages import ModelRef

#: Files of a package that are weights; the rest is code.
_WEIGHTS = (".safetensors", ".onnx")


def take_stock(
    models: dict[str, ModelRef], lock: ModelLock, snapshots: Snapshots, *, afresh: bool
) -> Iterator[StageModel]:
    """Look at the model of each stage.

    Args:
        models: of a profile, not pinned by the lock.
        lock: what was pulled.
        snapshots: what was verified.
        afresh: read every byte; else trust what was read before, and read nothing.
    """
    for stage, model in models.items():
        if is_from_hub(model):
            yield _from_hub(stage, model, lock, snapshots, afresh=afresh)
        else:
            yield _local(stage, model)


def _from_hub(
    stage: str, model: ModelRef, lock: ModelLock, snapshots: Snapshots, *, afresh: bool
) -> StageModel:
    seen = StageModel(
        stage=stage,
        source=model.source,
        family=model.family,
        revision=model.revision,
        state="unlocked",
        error="run `sluice models pull`",
    )
    locked = lock.find(model.source, model.revision)
    if locked is None:
        return seen
    seen = seen.model_copy(update={"commit": locked.commit, "size_bytes": locked.size_bytes})
    absent = _absent(locked)
    if absent:
        error = f"{absent[0]} is not on this machine; run `sluice models pull`"
        return seen.model_copy(update={"state": "missing", "error": error})
    damage = _damage(locked, snapshots, afresh=afresh)
    verified = snapshots.is_known(locked.repository, locked.commit, locked.files)
    state = "damaged" if damage else "here"
    return seen.model_copy(
        update={"state": state, "error": damage, "verified": verified and not damage}
    )


def _absent(locked: LockedModel) -> list[str]:
    folder = find_snapshot(locked.repository, locked.commit)
    return [name for name in locked.files if folder is None or not (folder / name).is_file()]


def _damage(locked: LockedModel, snapshots: Snapshots, *, afresh: bool) -> str | None:
    """The first thing that is wrong; without `afresh`, only what was read before can be."""
    known = snapshots.is_known(locked.repository, locked.commit, locked.files)
    if not afresh and not known:
        return None
    found = snapshots.check(locked.repository, locked.commit, locked.files, afresh=afresh)
    return next((f"{name} {what}; run `sluice models pull`" for name, what in found.items()), None)


def _local(stage: str, model: ModelRef) -> StageModel:
    seen = StageModel(
        stage=stage,
        source=model.source,
        family=model.family,
        revision=model.revision,
        state="here",
        random_weights=model.random_weights,
    )
    kind, _, name = model.source.partition(":")
    if kind == "package":
        return seen.model_copy(update={"size_bytes": _size_bytes(_package_folder(name), _WEIGHTS)})
    if kind == "checkpoint":
        folder = profiles.CHECKPOINTS_DIR / name
        is_whole = content_revision(folder) == model.revision
        error = None if is_whole else "its files are not those of its card"
        return seen.model_copy(
            update={
                "state": "here" if is_whole else "damaged",
                "verified": is_whole,
                "error": error,
                "size_bytes": _size_bytes(folder),
            }
        )
    local = find_local_folder(model)
    return seen.model_copy(update={"size_bytes": _size_bytes(local)}) if local else seen


def _package_folder(package: str) -> Path | None:
    spec = find_spec(package.replace("-", "_"))
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) if places else None


def _size_bytes(folder: Path | None, endings: tuple[str, ...] = ("",)) -> int:
    if folder is None:
        return 0
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: no such folder")
    files = [p for p in folder.rglob("*") if p.is_file() and p.name.endswith(endings)]
    return sum(path.stat().st_size for path in files)
