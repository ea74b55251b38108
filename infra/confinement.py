"""The child's side of the sandbox: what bounds a process that decodes untrusted bytes."""

import ctypes
import errno
import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra import landlock, namespaces
from infra.settings import SandboxLimits
from schemas.errors import IngestError, MediaTooLarge, StorageFull

#: All that a child, and ffmpeg under it, sees of the environment: no credentials, no URLs.
KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH")
#: One thread each: the children themselves use all cores.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_NUM_THREADS")
MAX_OPEN_FILES = 256
#: PR_SET_PDEATHSIG of linux/prctl.h.
_SET_PARENT_DEATH_SIGNAL = 1


#: What may be laid around a child, beside its limits; each where the kernel allows it.
NAMESPACES, LANDLOCK = "namespaces", "landlock"
LAYERS = (NAMESPACES, LANDLOCK)
#: Name that the scratch of the object at hand has in the child's folder.
SCRATCH_NAME = "object"


@dataclass(frozen=True, kw_only=True)
class Cage:
    """The bounds of one child."""

    limits: SandboxLimits
    parent_pid: int
    #: A directory of this child alone.
    folder: Path
    layers: Sequence[str]
    #: What the child may read, what it may list, and the devices that it may use.
    readable: Sequence[Path]
    listable: Sequence[Path]
    devices: Sequence[Path]

    @property
    def work_dir(self) -> Path:
        """The only place where the child can write."""
        return self.folder / "work"

    @property
    def root_dir(self) -> Path:
        """Where the child's own file system is put together; stays empty outside of it."""
        return self.folder / "root"


def child_environment(cage: Cage) -> dict[str, str]:
    """All that a child is ever told: the kernel shows a process's first environment for good."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    here = str(cage.work_dir)
    return kept | {"HOME": here, "TMPDIR": here} | dict.fromkeys(ONE_THREAD, "1")


def library_paths() -> str:
    """Where the user keeps libraries beside the system's; a child loads them too."""
    return os.environ.get("LD_LIBRARY_PATH", "")


def confine(cage: Cage) -> None:
    """Bound this process for the rest of its life; called once, before any media is opened."""
    # pebble's own handler waits until C code returns, which a hostile file can put off.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    subprocess.Popen = _MortalPopen  # type: ignore[misc]
    _silence()
    _limit(resource.RLIMIT_AS, cage.limits.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, cage.limits.file_bytes)
    _limit(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    os.chdir(cage.work_dir)
    _enclose(cage)
    # Last: the kernel forgets it when a process changes its credentials.
    die_with_parent()
    if os.getppid() != cage.parent_pid:
        os._exit(1)  # the parent died before the kernel was told to tell us


def _enclose(cage: Cage) -> None:
    """Lay each layer around this process that the kernel allows.

    What is refused is left out here: `infra.sandbox_check` tries what holds, which is more than
    any of these calls could say.
    """
    readable, devices, writable = cage.readable, cage.devices, cage.work_dir
    if NAMESPACES in cage.layers:
        with suppress(OSError, KeyError):
            namespaces.isolate()
            namespaces.change_root(
                cage.root_dir, readable=readable, devices=devices, writable=writable
            )
    if cage.layers:
        with suppress(OSError):
            namespaces.drop_capabilities()
    if LANDLOCK in cage.layers:
        with suppress(OSError):
            landlock.restrict(
                readable=readable, listable=cage.listable, devices=devices, writable=writable
            )


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends.

    A parent that is killed itself can't clean up, and a pipe is noticed only between objects.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


class _MortalPopen(subprocess.Popen[Any]):
    """A subprocess (ffmpeg) that dies with the child, whoever started it and however it dies."""

    def __init__(self, *args: Any, **options: Any) -> None:
        options.setdefault("preexec_fn", die_with_parent)
        super().__init__(*args, **options)


def _silence() -> None:
    """Codecs print what media say; that belongs on no terminal and in no JSON on stdout."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _limit(kind: int, wanted: int) -> None:
    """Set a limit for good; one that is already lower stays."""
    hard = resource.getrlimit(kind)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (value, value))


def call(
    limits: SandboxLimits, function: Callable[..., Any], args: tuple[Any, ...], folder: str = "."
) -> Any:
    """Run one function on one object under a CPU budget of its own.

    Args:
        limits: of which the CPU time counts per call.
        function: of a module that the child can import.
        args: what it is given.
        folder: working directory of the call, below that of the child.

    Raises:
        MediaTooLarge: memory or file size passed the limit; which one, and what it is.
        StorageFull: the disk is full, which is not the object's fault.
        RuntimeError: a library's own exception, by name: the parent need not import it.
    """
    _limit_cpu(math.ceil(time.process_time()) + limits.cpu_s)
    try:
        with _inside(folder):
            return function(*args)
    except MemoryError as exc:
        raise _out_of_memory(limits) from exc
    except OSError as exc:
        raise _os_error(exc, limits) from exc
    except Exception as exc:
        raise _portable(exc) from exc
    finally:
        # Between objects the child holds the channel; dying there would look like a defect.
        _limit_cpu(resource.RLIM_INFINITY)


@contextmanager
def _inside(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def allow_cpu(seconds: float) -> None:
    """Give the call that runs so much CPU time from here on, if that is less than it has.

    Outside of a call nothing is limited.
    """
    soft_s = resource.getrlimit(resource.RLIMIT_CPU)[0]
    wanted_s = math.ceil(time.process_time() + seconds)
    if soft_s != resource.RLIM_INFINITY and wanted_s < soft_s:
        _limit_cpu(wanted_s)


def _limit_cpu(soft_s: int) -> None:
    """Only the soft limit moves: it sends SIGXCPU and can be raised for the next object."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    within_hard = hard == resource.RLIM_INFINITY or 0 <= soft_s < hard
    resource.setrlimit(resource.RLIMIT_CPU, (soft_s if within_hard else hard, hard))


def _out_of_memory(limits: SandboxLimits) -> MediaTooLarge:
    return MediaTooLarge(
        f"decoding needs more memory than the limit of {limits.memory_bytes} bytes"
    )


def _os_error(exc: OSError, limits: SandboxLimits) -> Exception:
    """Tell limits and a full disk from other trouble with the operating system."""
    match exc.errno:
        case errno.ENOMEM:
            return _out_of_memory(limits)
        case errno.EFBIG:
            return MediaTooLarge(
                f"decoding writes a file beyond the limit of {limits.file_bytes} bytes"
            )
        case errno.ENOSPC | errno.EDQUOT:
            return StorageFull(f"no space for scratch files: {exc}")
    return _portable(exc)


def _portable(exc: Exception) -> Exception:
    """Our errors and Python's own travel as they are; a library's might not unpickle."""
    if isinstance(exc, IngestError) or type(exc).__module__ == "builtins":
        return exc
    kind = type(exc)
    return RuntimeError(f"{kind.__module__}.{kind.__qualname__}: {exc}")
