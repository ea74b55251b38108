"""The embedded profile: orchestrator and worker in one process, on an in-memory broker.

The worker needs the main thread; the foreground work (an ingest, the API) runs beside it.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from orchestrator.deps import Deps
from orchestrator.pump import Pump, Stopped, Watch

_T = TypeVar("_T")


def run_embedded(deps: Deps, work: Callable[[Pump], _T]) -> _T:
    """Run `work` beside an embedded worker; returns what it returns.

    Must be called on the main thread. Ctrl-C stops dispatching and finishes the batches at
    hand; a second one ends at once. Either way the store is whole and the next run goes on.

    Raises:
        Stopped: the user stopped it before `work` was through.
        ConfigurationError: the worker cannot do its work with these settings.
    """
    deps.sweeper.recover()
    deps.worker.clear_scratch()
    worker, runner = deps.batch_worker, deps.worker.runner
    pump = Pump(deps.dispatcher, deps.sweeper, deps.lifecycle, lambda: runner.defect)
    ready = threading.Event()
    outcome: Future[_T] = Future()

    def foreground() -> None:
        ready.wait()
        try:
            outcome.set_result(work(pump))
        except BaseException as exc:  # noqa: BLE001  raised again on the caller's thread
            outcome.set_exception(exc)
        finally:
            worker.stop()

    def on_stopping() -> None:
        pump.stop()
        ready.set()

    thread = threading.Thread(target=foreground, name="foreground")
    thread.start()
    try:
        worker.run(on_ready=ready.set, on_stopping=on_stopping)
    finally:
        on_stopping()
        thread.join()
    return outcome.result()


def see_through(deps: Deps, work: Callable[[Pump], _T]) -> _T:
    """Run `work` on the embedded worker, or beside the workers of the cluster.

    Raises:
        Stopped: the user stopped it before `work` was through; a cluster goes on without us.
        ConfigurationError: the worker cannot do its work with these settings.
    """
    if deps.settings.is_embedded:
        return run_embedded(deps, work)
    try:
        return work(Watch())
    except KeyboardInterrupt:
        raise Stopped from None
