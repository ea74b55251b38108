"""Checkpoints of a model hub: what a revision holds, and its files brought into the cache.

Hugging Face's client reads `HF_ENDPOINT` (mirrors), `HF_HUB_OFFLINE`, `HF_HOME` and `HF_TOKEN`. Its
own download begins a large file anew when the process was ended; ours goes on where it stopped.
"""

import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from infra.hub_cache import cache_folder, repository_folder
from schemas.errors import ConfigurationError

#: Bytes read at once when a file is hashed.
_CHUNK_BYTES = 1 << 20
#: sha1 or sha256.
_HEX = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class HubUnreachable(ConfigurationError):
    """No hub answers: no network, offline by order, or in trouble itself."""


class HubRefused(ConfigurationError):
    """The hub has not what was asked for, or sent something else."""


class HubFile(NamedTuple):
    """A file as the hub announces it."""

    path: str
    size_bytes: int
    #: sha256 of a large file; of a small one, git's sha1 of it.
    digest: str


class HubSnapshot(NamedTuple):
    """What a revision of a repository is."""

    repository: str
    commit: str
    #: By path.
    files: dict[str, HubFile]


def describe(repository: str, revision: str) -> HubSnapshot:
    """Ask the hub which commit a revision is, and what is in it.

    Raises:
        HubUnreachable: nobody answers.
        HubRefused: there is no such repository or revision, or it is not for everybody.
    """
    from huggingface_hub import HfApi

    with _translated(f"{repository} at {revision}"):
        told = HfApi(library_name="sluice").model_info(
            repository, revision=revision, files_metadata=True
        )
    files = [
        HubFile(s.rfilename, s.size or 0, s.lfs.sha256 if s.lfs else s.blob_id or "")
        for s in told.siblings or []
    ]
    # They become names of files here.
    odd = [
        text for text in (told.sha or "", *(f.digest for f in files)) if not _HEX.fullmatch(text)
    ]
    if odd:
        raise HubRefused(f"{repository} at {revision}: the hub tells of a digest {odd[0]!r}")
    return HubSnapshot(repository, str(told.sha), {file.path: file for file in files})


def fetch(snapshot: HubSnapshot, file: HubFile, on_bytes: Callable[[int], None]) -> Path:
    """Bring a file into the cache, unless it is there; go on where an earlier call stopped.

    Args:
        snapshot: it belongs to.
        file: wanted.
        on_bytes: told how many bytes more are here, those of an earlier call too.

    Returns:
        Its path in the cache's folder of the snapshot.

    Raises:
        HubUnreachable: the connection broke; what came is kept.
        HubRefused: what came is not what was announced; it is gone again.
        ConfigurationError: the cache cannot be written.
    """
    pointer = repository_folder(snapshot.repository) / "snapshots" / snapshot.commit / file.path
    blob = repository_folder(snapshot.repository) / "blobs" / file.digest
    with _translated(f"{snapshot.repository}: {file.path}"):
        if _is_whole(pointer, file):
            on_bytes(file.size_bytes)
            return pointer
        if _is_whole(blob, file):
            on_bytes(file.size_bytes)
        else:
            blob.parent.mkdir(parents=True, exist_ok=True)
            _download(snapshot, file, blob, on_bytes)
        pointer.parent.mkdir(parents=True, exist_ok=True)
        pointer.unlink(missing_ok=True)  # a link to a blob that is gone or damaged
        pointer.symlink_to(os.path.relpath(blob, pointer.parent))
    return pointer


def _download(
    snapshot: HubSnapshot, file: HubFile, blob: Path, on_bytes: Callable[[int], None]
) -> None:
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    partial = blob.with_name(f"{blob.name}.sluice-incomplete")
    with partial.open("ab") as target:
        if target.tell() > file.size_bytes:
            target.truncate(0)
            target.seek(0)
        on_bytes(target.tell())
        http_get(
            hf_hub_url(snapshot.repository, file.path, revision=snapshot.commit),
            target,
            resume_size=target.tell(),
            headers=build_hf_headers(library_name="sluice"),
            expected_size=file.size_bytes,
            _tqdm_bar=_Meter(on_bytes),
        )
        target.flush()
        os.fsync(target.fileno())
    if (found := _announced_digest(partial, file)) != file.digest:
        partial.unlink()
        raise HubRefused(
            f"{snapshot.repository}: {file.path} has digest {found}, announced was {file.digest}; "
            "it was removed, pull again"
        )
    partial.replace(blob)


def _is_whole(path: Path, file: HubFile) -> bool:
    """Other programs may have left it, or what is left of it."""
    is_as_long = path.exists() and path.stat().st_size == file.size_bytes
    return is_as_long and _announced_digest(path, file) == file.digest


def _announced_digest(path: Path, file: HubFile) -> str:
    """The digest of what came, of the kind that was announced."""
    is_sha256 = len(file.digest) == hashlib.sha256().digest_size * 2
    digest = hashlib.sha256() if is_sha256 else hashlib.sha1(usedforsecurity=False)
    if not is_sha256:
        digest.update(f"blob {path.stat().st_size}\0".encode())
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


class _Meter:
    """Where the client expects a progress bar."""

    def __init__(self, on_bytes: Callable[[int], None]) -> None:
        self.update = on_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn the client's errors into one line that says what to do."""
    import httpx2  # the client's own transport, whose errors it lets through
    from huggingface_hub.utils import logging

    # We tell ourselves how it goes.
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        yield
    except (httpx2.HTTPError, OSError, ValueError) as exc:
        raise _judge(what, exc) from exc


def _judge(what: str, exc: Exception) -> ConfigurationError:
    """First match wins: the client's errors are HTTP errors and `OSError` or `ValueError` too."""
    from huggingface_hub import constants, errors

    hub = f"{what}: {constants.ENDPOINT}"
    private = f"{what}: no such repository, or not for everybody (HF_TOKEN)"
    for kind, answer in (
        (errors.OfflineModeIsEnabled, HubUnreachable(f"{what}: HF_HUB_OFFLINE is set")),
        (errors.GatedRepoError, HubRefused(f"{what}: accept its licence there, set HF_TOKEN")),
        (errors.RepositoryNotFoundError, HubRefused(private)),
        (errors.HFValidationError, HubRefused(private)),
        (errors.RevisionNotFoundError, HubRefused(f"{what}: no such revision")),
        (errors.EntryNotFoundError, HubRefused(f"{what}: no such file")),
    ):
        if isinstance(exc, kind):
            return answer
    if isinstance(exc, errors.HfHubHTTPError):
        return HubUnreachable(f"{hub} answered {exc.response.status_code}")
    if isinstance(exc, OSError):
        return _judge_os_error(what, exc)
    # An answer that is no JSON comes from a proxy or a log-in page.
    reason = "no hub answers there" if isinstance(exc, ValueError) else str(exc) or repr(exc)
    return HubUnreachable(f"{hub}: {reason}")


def _judge_os_error(what: str, exc: OSError) -> ConfigurationError:
    """The client raises a bare `OSError` for an answer that ended early."""
    if exc.errno is None:
        return HubUnreachable(f"{what}: the answer was cut short")
    if exc.errno == errno.ENOSPC:
        return ConfigurationError(f"{what}: no space left in {cache_folder()}")
    return ConfigurationError(f"{what}: {exc.filename or cache_folder()}: {exc.strerror}")
