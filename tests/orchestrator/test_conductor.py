"""The parts of an orchestrator live and die together."""

import threading

import pytest

from orchestrator.conductor import Conductor
from orchestrator.pump import Stopped
from schemas.errors import ConfigurationError


class StubPump:
    def __init__(self):
        self.stopped = threading.Event()

    def run_until(self, _is_finished):
        assert self.stopped.wait(5)
        raise Stopped

    def stop(self):
        self.stopped.set()


class StubSource:
    name = "stub"

    def __init__(self, refusal=None):
        self.refusal = refusal
        self.n_runs = 0

    def run(self, stopping):
        self.n_runs += 1
        if self.refusal:
            raise self.refusal
        assert stopping.wait(5)


def test_stop_ends_the_pump_and_every_source():
    pump, sources = StubPump(), [StubSource(), StubSource()]
    conductor = Conductor(pump, sources)
    threading.Timer(0.05, conductor.stop).start()

    conductor.run()

    assert pump.stopped.is_set()
    assert [source.n_runs for source in sources] == [1, 1]


def test_source_that_is_refused_ends_the_others_and_is_told():
    pump = StubPump()
    refused = StubSource(ConfigurationError("SLUICE_SQS_URL: no such queue"))

    with pytest.raises(ConfigurationError, match="no such queue"):
        Conductor(pump, [StubSource(), refused]).run()

    assert pump.stopped.is_set()


def test_pump_alone_is_an_orchestrator():
    pump = StubPump()
    conductor = Conductor(pump, [])
    conductor.stop()

    conductor.run()
