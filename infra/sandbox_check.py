"""The sandbox's self-test: a child tries to get out, and the parent learns what holds."""

import os
import resource
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from infra.confinement import KEPT_ENVIRONMENT, ONE_THREAD
from infra.settings import SandboxLimits

_CONNECT_S = 2.0
_CANARY = "canary"


@dataclass(frozen=True)
class Guard:
    """One promise of the sandbox, as a child found it."""

    name: str
    holds: bool
    #: What was tried and what came of it.
    found: str


class Bait:
    """Things outside of every child: listeners, and a file in a directory."""

    def __init__(self) -> None:
        with ExitStack() as opened:
            self.folder = Path(opened.enter_context(TemporaryDirectory(prefix="sluice-bait-")))
            (self.folder / _CANARY).write_text(_CANARY)
            self._tcp = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
            self._unix = opened.enter_context(socket.socket(socket.AF_UNIX))
            self._unix.bind(str(self.folder / "socket"))
            self._unix.listen()
            self.port: int = self._tcp.getsockname()[1]
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        """Already there."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Take it away."""
        self._opened.close()


def try_to_get_out(
    limits: SandboxLimits, folder: Path, port: int, parent_pid: int
) -> Sequence[Guard]:
    """Try everything that a child must not be able to do; runs in the child.

    Args:
        limits: what the child should feel.
        folder: of the bait.
        port: of the bait's listener on this machine.
        parent_pid: of the process that holds secrets.
    """
    return (
        _try_limits(limits),
        _judge("network", "sockets", _sockets(folder, port)),
        _judge("files", "files", _files(folder)),
        _judge("secrets", "environments", _environments(parent_pid)),
        _judge("signals", "processes", _processes(parent_pid)),
    )


def _try_limits(limits: SandboxLimits) -> Guard:
    """The only one with a positive answer: which limit is felt."""
    felt_bytes, _ = resource.getrlimit(resource.RLIMIT_AS)
    memory = "no limit" if felt_bytes < 0 else f"{felt_bytes / 2**30:.1f} GiB"
    found = f"{memory} of memory, {limits.cpu_s} s of CPU"
    return Guard("limits", felt_bytes == limits.memory_bytes, found)


_Attempts = Iterator[tuple[str, Callable[[], object]]]


def _judge(name: str, kind: str, attempts: _Attempts) -> Guard:
    open_ways = []
    n_tried = 0
    for what, attempt in attempts:
        n_tried += 1
        with suppress(OSError):
            attempt()
            open_ways.append(what)
    if open_ways:
        return Guard(name, holds=False, found=f"does not hold for: {', '.join(open_ways)}")
    return Guard(name, holds=True, found=f"{kind} out of reach: {n_tried} ways tried")


def _sockets(folder: Path, port: int) -> _Attempts:
    address = ("127.0.0.1", port)
    yield "TCP", lambda: socket.create_connection(address, _CONNECT_S).close()
    yield "UDP", lambda: _send(address)
    yield "Unix sockets", lambda: _connect_unix(folder / "socket")


def _send(address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"", address)


def _connect_unix(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_CONNECT_S)
        client.connect(str(path))


def _files(folder: Path) -> _Attempts:
    yield "reading outside", (folder / _CANARY).read_bytes
    yield "reading /etc/passwd", Path("/etc/passwd").read_bytes
    yield "writing outside", lambda: _write(folder / "left-behind")
    yield "writing the interpreter", lambda: _write(Path(sys.prefix, ".left-behind"))


def _write(path: Path) -> None:
    path.touch()
    path.unlink()


def _environments(parent_pid: int) -> _Attempts:
    yield "the parent's", Path(f"/proc/{parent_pid}/environ").read_bytes
    yield "its own first one", _read_own_environment


def _read_own_environment() -> None:
    """Refused is well, and so is one that holds nothing but what it was given."""
    entries = Path("/proc/self/environ").read_bytes().split(b"\0")
    told = {entry.partition(b"=")[0].decode(errors="replace") for entry in entries if entry}
    allowed = {*KEPT_ENVIRONMENT, *ONE_THREAD, "HOME", "TMPDIR"}
    if told <= allowed:
        raise PermissionError("nothing to be had")


def _processes(parent_pid: int) -> _Attempts:
    yield "signals to the parent", lambda: os.kill(parent_pid, 0)
