"""Work on a second thread while a worker has the first one."""

import threading
from types import SimpleNamespace

import pytest

from orchestrator.embedded import run_embedded
from orchestrator.pump import Stopped
from schemas.errors import ConfigurationError


class StubWorker:
    """Takes the main thread until it is stopped, as the real one does."""

    def __init__(self, signal=None, refusal=None):
        self.signal, self.refusal = signal, refusal
        self.stopped = threading.Event()
        self.thread = None

    def run(self, *, on_ready, on_stopping):
        self.thread = threading.current_thread()
        if self.refusal:
            raise self.refusal
        if self.signal == "early":
            on_stopping()
            return
        on_ready()
        if self.signal == "late":
            on_stopping()
        assert self.stopped.wait(5.0)

    def stop(self):
        self.stopped.set()


class StubDeps:
    """What the embedded profile asks of its composition root."""

    def __init__(self, batch_worker):
        self.batch_worker = batch_worker
        self.calls = []
        quiet = SimpleNamespace(sweep=lambda: 0, purge=lambda: 0, dispatch=lambda: 0)
        self.dispatcher = self.lifecycle = quiet
        self.sweeper = SimpleNamespace(
            sweep=lambda: 0, recover=lambda: self.calls.append("recover")
        )
        self.runner = SimpleNamespace(defect=None)
        self.worker = SimpleNamespace(
            runner=self.runner, clear_scratch=lambda: self.calls.append("clear_scratch")
        )


def test_work_runs_beside_the_worker_and_ends_it():
    worker = StubWorker()
    deps = StubDeps(worker)

    outcome = run_embedded(deps, lambda _pump: threading.current_thread().name)

    assert outcome == "foreground"
    assert worker.thread is threading.main_thread()
    assert worker.stopped.is_set()


def test_what_a_killed_process_left_is_taken_back_first():
    deps = StubDeps(StubWorker())

    run_embedded(deps, lambda _pump: None)

    assert deps.calls == ["recover", "clear_scratch"]


def test_exception_of_the_work_is_raised_on_the_callers_thread():
    worker = StubWorker()

    def work(_pump):
        raise KeyError("botched")

    with pytest.raises(KeyError, match="botched"):
        run_embedded(StubDeps(worker), work)

    assert worker.stopped.is_set()


@pytest.mark.parametrize("signal", ["early", "late"])
def test_signal_stops_the_work(signal):
    with pytest.raises(Stopped):
        run_embedded(StubDeps(StubWorker(signal)), lambda pump: pump.run_until(lambda: False))


def test_signal_that_comes_too_late_changes_nothing():
    assert run_embedded(StubDeps(StubWorker("late")), lambda _pump: 7) == 7


def test_worker_that_cannot_start_ends_the_work():
    ended = threading.Event()

    def work(pump):
        try:
            pump.run_until(lambda: False)
        finally:
            ended.set()

    refusal = ConfigurationError("SLUICE_BROKER_URL: no such broker")
    with pytest.raises(ConfigurationError, match="no such broker"):
        run_embedded(StubDeps(StubWorker(refusal=refusal)), work)

    assert ended.is_set()


def test_defect_of_the_worker_ends_the_work():
    deps = StubDeps(StubWorker())
    deps.runner.defect = ConfigurationError("no checkpoint there")

    with pytest.raises(ConfigurationError, match="no checkpoint"):
        run_embedded(deps, lambda pump: pump.run_until(lambda: False))


def test_no_thread_outlives_the_run():
    run_embedded(StubDeps(StubWorker()), lambda _pump: None)

    assert "foreground" not in {thread.name for thread in threading.enumerate()}
