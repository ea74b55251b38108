"""Bring the checkpoints of a profile to this machine, and lock what they are."""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from infra.checkpoint_files import choose_files
from infra.hub import HubFile, HubRefused, HubSnapshot, HubUnreachable, describe, fetch
from infra.hub_cache import cache_folder, find_commit, find_snapshot, forget, keep_commit
from infra.profiles import is_from_hub
from infra.snapshots import Snapshots
from schemas.errors import ConfigurationError
from schemas.lock import LockedFile, LockedModel
from schemas.stages import ModelRef

#: What to do without a network, on one line.
OFFLINE_ADVICE = (
    "pull where there is a network and copy HF_HOME and models.lock here, or set HF_ENDPOINT to a "
    "mirror, or name local folders in a profile"
)

#: Told the file, the bytes of all files, and the bytes that came.
OnBytes = Callable[[str, int, int], None]


class Question(NamedTuple):
    """What a profile asks a hub for."""

    repository: str
    revision: str


class Pulled(NamedTuple):
    """The answer, on this machine."""

    model: LockedModel
    #: `pulled`; `here` already; `cached` where the hub could not be asked.
    state: str


def questions(models: Mapping[str, ModelRef]) -> list[Question]:
    """What the models of a profile need from a hub, each once."""
    asked = [Question(m.source, m.revision) for m in models.values() if is_from_hub(m)]
    return list(dict.fromkeys(asked))


def pull(
    question: Question, locked: LockedModel | None, snapshots: Snapshots, on_bytes: OnBytes
) -> Pulled:
    """Bring one checkpoint here and say what it is; safe to repeat and to interrupt.

    What is locked stays what it is: the branch of a repository may move, the lock does not.

    Args:
        question: repository and revision.
        locked: an earlier answer, to be kept; None takes what the revision is today.
        snapshots: which files of this machine were verified.
        on_bytes: told of progress.

    Raises:
        HubUnreachable: nobody answers, and it is not here either.
        HubRefused: the hub has it not, or sent something else.
        ConfigurationError: it cannot be loaded by us, or not be written here.
    """
    if locked is not None and _is_here(locked, snapshots):
        return Pulled(locked, "here")
    try:
        snapshot = describe(question.repository, locked.commit if locked else question.revision)
    except HubUnreachable as exc:
        return _from_cache(question, locked, snapshots, exc)
    wanted = list(locked.files) if locked else choose_files(question.repository, snapshot.files)
    _check_room(snapshot, wanted)
    files = _fetch_all(snapshot, wanted, snapshots, on_bytes)
    model = LockedModel(
        repository=question.repository,
        revision=question.revision,
        commit=snapshot.commit,
        files=files,
    )
    if locked is not None and locked.files != files:
        changed = next(name for name in files if files[name] != locked.files[name])
        raise HubRefused(f"{question.repository}: {changed} is not the file that was locked")
    keep_commit(question.repository, question.revision, snapshot.commit)
    return Pulled(model, "pulled")


def _is_here(model: LockedModel, snapshots: Snapshots) -> bool:
    """Whether all files are; damaged ones are removed, so that they are fetched again."""
    folder = find_snapshot(model.repository, model.commit)
    if folder is None:
        return False
    damage = snapshots.check(model.repository, model.commit, model.files)
    for name in damage:
        forget(folder / name)
    return not damage


def _from_cache(
    question: Question, locked: LockedModel | None, snapshots: Snapshots, exc: HubUnreachable
) -> Pulled:
    """Lock what another program, or a copy from another machine, left in the cache.

    It is taken as it is: without a hub nobody can say what it should be.
    """
    commit = find_commit(question.repository, question.revision) or question.revision
    folder = find_snapshot(question.repository, commit)
    if locked is not None or folder is None:
        raise exc
    there = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    files = {
        name: _locked_file(folder / name, snapshots)
        for name in choose_files(question.repository, there)
    }
    model = LockedModel(
        repository=question.repository, revision=question.revision, commit=commit, files=files
    )
    return Pulled(model, "cached")


def _check_room(snapshot: HubSnapshot, wanted: list[str]) -> None:
    folder = find_snapshot(snapshot.repository, snapshot.commit)
    missing = [name for name in wanted if folder is None or not (folder / name).exists()]
    needed_bytes = sum(_announced(snapshot, name).size_bytes for name in missing)
    free_bytes = shutil.disk_usage(cache_folder()).free
    if needed_bytes > free_bytes:
        raise ConfigurationError(
            f"{snapshot.repository} needs {needed_bytes / 1e9:.1f} GB, {cache_folder()} has "
            f"{free_bytes / 1e9:.1f} GB free; HF_HOME names another place"
        )


def _fetch_all(
    snapshot: HubSnapshot, wanted: list[str], snapshots: Snapshots, on_bytes: OnBytes
) -> dict[str, LockedFile]:
    total_bytes = sum(_announced(snapshot, name).size_bytes for name in wanted)
    files = {}
    for name in wanted:
        told = partial(on_bytes, name, total_bytes)
        path = fetch(snapshot, _announced(snapshot, name), told)
        files[name] = _locked_file(path, snapshots)
    return files


def _announced(snapshot: HubSnapshot, name: str) -> HubFile:
    file = snapshot.files.get(name)
    if file is None:
        raise HubRefused(f"{snapshot.repository}: {name} is locked, but not there any more")
    return file


def _locked_file(path: Path, snapshots: Snapshots) -> LockedFile:
    return LockedFile(sha256=snapshots.checksums.sha256(path), size_bytes=path.stat().st_size)
