"""A pool of confined child processes: the only place where untrusted bytes are decoded."""

import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from pebble import ProcessExpired

from infra.confinement import LAYERS, SCRATCH_NAME, call
from infra.sandbox_check import Bait, Guard, try_to_get_out
from infra.sandbox_child import FOLDER_PREFIX, SandboxChild
from infra.settings import SandboxLimits, SandboxMode
from schemas.errors import ConfigurationError, MediaTooLarge, SandboxCrashed

logger = logging.getLogger(__name__)

#: How often a caller makes sure that somebody is still working on its call.
_LIVENESS_S = 1.0
#: The pool ends a call in time; one that it lost sight of is ended after so much longer.
_GRACE_S = 30.0


class Sandbox:
    """Runs functions in child processes with bounded memory, CPU, file size and wall-clock time.

    Where the kernel allows, children have no network, read only libraries and our code, and write
    only to the scratch of the object at hand. They are started when first needed and never forked
    from this process, which has threads and torch. Safe to use from several threads; each waits
    for a free child.
    """

    def __init__(
        self,
        limits: SandboxLimits,
        folder: Path | None = None,
        *,
        mode: SandboxMode = "auto",
        layers: Sequence[str] = LAYERS,
    ) -> None:
        """Start nothing yet.

        Args:
            limits: of each child.
            folder: where the children's own folders are made; best on the file system of the
                scratch that they are given, which then need not be copied.
            mode: whether to run without what the kernel refuses (`SLUICE_SANDBOX`).
            layers: what to lay around children; tests leave some out.
        """
        self.limits = limits
        self.n_children = limits.n_children or len(os.sched_getaffinity(0))
        self._folder = folder or Path(gettempdir())
        self._mode = mode
        self._layers = () if mode == "off" else layers
        self._free = threading.BoundedSemaphore(self.n_children)
        self._lock = threading.Lock()
        self._idle: list[SandboxChild] = []
        self._all: list[SandboxChild] = []
        self._guards: Sequence[Guard] | None = None
        self._closed = False
        # The kernel ties a child's life to the thread that started it, and callers come and go.
        self._starter = ThreadPoolExecutor(1, "sandbox", initializer=_block_interrupts)

    def run(
        self,
        function: Callable[..., Any],
        *args: Any,
        scratch: Path | None = None,
        wall_s: float | None = None,
    ) -> Any:
        """Call a module-level function in a child and return what it returns.

        Args:
            function: what to call.
            args: what it is given.
            scratch: a directory that is the function's working directory and the only place where
                it may write. It is moved for as long as the call takes, so paths must be relative
                to it: those in `args`, and those in what is returned.
            wall_s: how long it may take; the limits' own by default.

        Raises:
            PermanentError: whatever subclass the function raised.
            MediaTooLarge: the child overstepped its wall-clock, CPU, memory or file limit.
            StorageFull: the child found the disk full.
            SandboxCrashed: the child died for another reason; it has been replaced.
            ConfigurationError: the sandbox is required, and something of it does not hold.
        """
        wall_s = wall_s or self.limits.wall_s
        with self._free, self._child() as child, child.holding(scratch):
            folder = "." if scratch is None else SCRATCH_NAME
            return self._call(child, wall_s, function, args, folder)

    def check(self) -> Sequence[Guard]:
        """What holds, as a child found by trying; asked once.

        Raises:
            ConfigurationError: the sandbox is required, and something of it does not hold.
        """
        with self._free, self._child():
            assert self._guards is not None
            return self._guards

    def clear_leftovers(self) -> None:
        """Remove folders of children of a process that was killed; no other may use the place."""
        with self._lock:
            ours = {child.cage.folder for child in self._all}
            for folder in self._folder.absolute().glob(f"{FOLDER_PREFIX}*"):
                if folder not in ours:
                    shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """End the children; safe to repeat. Calls under way raise `SandboxCrashed`."""
        with self._lock:
            self._closed = True
            children, self._all, self._idle = self._all, [], []
        for child in children:
            child.stop()
        for child in children:
            child.close()
        self._starter.shutdown()

    @contextmanager
    def _child(self) -> Iterator[SandboxChild]:
        child = self._take()
        try:
            yield child
        finally:
            with self._lock:
                if not self._closed:
                    self._idle.append(child)

    def _take(self) -> SandboxChild:
        with self._lock:
            if self._closed:
                raise RuntimeError("the sandbox is closed")
            self._insist()
            while self._idle:
                child = self._idle.pop()
                if child.pool.active:
                    return child
                self._all.remove(child)
                child.close()
            made = self._starter.submit(SandboxChild, self.limits, self._folder, self._layers)
            child = made.result()
            self._all.append(child)
            if self._guards is None:
                self._guards = self._prove(child)
                self._insist()
            return child

    def _prove(self, child: SandboxChild) -> Sequence[Guard]:
        """Have the first child try to get out; say in one line what does not hold."""
        with Bait() as bait:
            args = (self.limits, bait.folder, bait.port, os.getpid())
            wall_s = self.limits.wall_s
            guards: Sequence[Guard] = self._call(child, wall_s, try_to_get_out, args)
        if missing := _missing(guards):
            logger.warning("sandbox_incomplete", extra={"missing": missing, "mode": self._mode})
        return guards

    def _insist(self) -> None:
        if self._mode == "required" and (missing := _missing(self._guards or ())):
            raise ConfigurationError(
                f"SLUICE_SANDBOX=required, but the sandbox is incomplete: {missing}"
            )

    def _call(
        self,
        child: SandboxChild,
        wall_s: float,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        folder: str = ".",
    ) -> Any:
        future = child.pool.schedule(call, (self.limits, function, args, folder), timeout=wall_s)
        self._await(future, child, wall_s)
        try:
            return future.result()
        except ProcessExpired as exc:
            raise self._death(exc.exitcode) from exc
        except BrokenProcessPool as exc:
            raise SandboxCrashed(f"a child died before it took the object: {exc}") from exc
        except TimeoutError as exc:
            if exc.args[:1] != ("Task timeout",):
                raise  # the function's own
            raise MediaTooLarge(f"decoding took longer than the limit of {wall_s} s") from exc

    def _await(self, future: Future[Any], child: SandboxChild, wall_s: float) -> None:
        """Wait for the outcome; a pool that broke or was closed may leave its future alone.

        Time and output are watched from here too: a child that was taken over need not admit that
        it ever began.
        """
        deadline_s = time.monotonic() + wall_s + _GRACE_S
        while not wait([future], _LIVENESS_S).done:
            if not child.pool.active:
                future.cancel()
                raise SandboxCrashed("the child's pool ended before the call did")
            if (n_bytes := child.n_bytes()) > self.limits.output_bytes:
                child.end()
                limit = self.limits.output_bytes
                raise MediaTooLarge(f"decoding wrote {n_bytes} bytes, the limit is {limit}")
            if time.monotonic() > deadline_s:
                child.end()
                raise MediaTooLarge(f"decoding took longer than the limit of {wall_s} s")

    def _death(self, exit_code: int) -> Exception:
        """What a child's exit code means: -n for signal n."""
        if exit_code == -signal.SIGXCPU:
            limit = f"the limit of {self.limits.cpu_s} s, which is less for small files"
            return MediaTooLarge(f"decoding needs more CPU than {limit}")
        if exit_code < 0:
            return SandboxCrashed(f"a child died of {signal.Signals(-exit_code).name}")
        return SandboxCrashed(f"a child exited with code {exit_code}")


def _block_interrupts() -> None:
    """Ctrl-C is for the parent: the mask of this thread goes to every child, from its birth."""
    resource_tracker.ensure_running()  # its start would clear the mask
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _missing(guards: Sequence[Guard]) -> str:
    return "; ".join(f"{guard.name}: {guard.found}" for guard in guards if not guard.holds)
