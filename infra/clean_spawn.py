"""Starts children that never saw the parent's environment, and reads only records from them."""

import os
import subprocess
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from multiprocessing import context, popen_spawn_posix, spawn
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import dump
from multiprocessing.resource_tracker import getfd
from multiprocessing.util import Finalize
from typing import Any

from infra.plain_pickle import receive_plain


class CleanSpawn(context.SpawnContext):
    """The `spawn` way of starting processes, with an environment of our choice.

    What a child is given at its birth stays readable in `/proc/self/environ` for its whole life,
    so that emptying the environment later hides nothing.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__()
        self._environment = environment

    def Process(self, *args: Any, **options: Any) -> BaseProcess:  # type: ignore[override] # noqa: N802
        """A process as `multiprocessing` names it; the pool starts its children so."""
        child = _CleanProcess(*args, **options)
        child.environment = self._environment
        return child

    def Pipe(self, duplex: bool = True) -> tuple[Any, Any]:  # noqa: FBT001, FBT002, N802
        """A pipe whose reading end, in this process, takes nothing but records."""
        reader, writer = super().Pipe(duplex)
        reader.recv = partial(receive_plain, reader)  # type: ignore[method-assign]
        return reader, writer


class _CleanProcess(context.SpawnProcess):
    environment: Mapping[str, str]

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802
        return _CleanPopen(process_obj)


class _CleanPopen(popen_spawn_posix.Popen):
    """`multiprocessing`'s own start of a process, through `subprocess`, which takes one."""

    #: What the parent class gathers of the objects that are handed over.
    _fds: list[int]

    def _launch(self, process_obj: Any) -> None:
        tracker_fd = getfd()
        assert tracker_fd is not None
        environment = process_obj.__dict__.pop("environment")
        prepared = _pickled(self, process_obj)
        parent_r, child_w = os.pipe()
        child_r, parent_w = os.pipe()
        self.finalizer = Finalize(self, _close, (parent_r, parent_w))
        command = spawn.get_command_line(tracker_fd=tracker_fd, pipe_handle=child_r)
        try:
            self._process = subprocess.Popen(
                command,
                executable=spawn.get_executable(),
                env=dict(environment),
                pass_fds=[*self._fds, tracker_fd, child_r, child_w],
            )
        finally:
            os.close(child_r)
            os.close(child_w)
        self.pid = self._process.pid
        self.sentinel = parent_r
        with open(parent_w, "wb", closefd=False) as pipe:
            pipe.write(prepared)

    def poll(self, flag: int = os.WNOHANG) -> int | None:
        """The exit code, or None; -n for signal n."""
        if self.returncode is None:
            self.returncode = self._process.poll() if flag else self._process.wait()
        return self.returncode


def _close(*fds: int) -> None:
    for fd in fds:
        os.close(fd)


def _pickled(popen: _CleanPopen, process_obj: Any) -> memoryview:
    prepared = BytesIO()
    context.set_spawning_popen(popen)
    try:
        dump(spawn.get_preparation_data(process_obj.name), prepared)
        dump(process_obj, prepared)
    finally:
        context.set_spawning_popen(None)
    return prepared.getbuffer()
