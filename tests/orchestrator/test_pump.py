"""The loop: rounds until finished, stopped or defect; sweeps now and then; waits out outages."""

import threading

import pytest

from orchestrator import pump as pump_module
from orchestrator.pump import Pump, Stopped
from schemas.errors import ConfigurationError, DatabaseUnavailable, StorageFull


class Recorder:
    """Stands for dispatcher, sweeper and lifecycle; counts what it is asked."""

    def __init__(self, n_batches=()):
        self.calls = []
        self.n_batches = iter(n_batches)

    def dispatch(self):
        self.calls.append("dispatch")
        found = next(self.n_batches, 0)
        if isinstance(found, Exception):
            raise found
        return found

    def sweep(self):
        self.calls.append("sweep")

    def purge(self):
        self.calls.append("purge")


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    for name in ("_IDLE_S", "_OUTAGE_S"):
        monkeypatch.setattr(pump_module, name, 0.001)


def make_pump(recorder, find_defect=lambda: None):
    return Pump(recorder, recorder, recorder, find_defect)


def after(n_rounds):
    """A test of being finished that holds at the n-th question."""
    rounds = iter(range(1, n_rounds + 1))
    return lambda: next(rounds) == n_rounds


def test_pump_dispatches_until_finished():
    recorder = Recorder([2, 0, 1])

    make_pump(recorder).run_until(after(4))

    assert recorder.calls.count("dispatch") == 4


def test_pump_works_one_round_before_it_asks():
    recorder = Recorder()

    make_pump(recorder).run_until(lambda: "dispatch" in recorder.calls)

    assert recorder.calls.count("dispatch") == 1


def test_pump_sweeps_at_once_and_then_rarely():
    recorder = Recorder()

    make_pump(recorder).run_until(after(10))

    assert recorder.calls[:2] == ["sweep", "purge"]
    assert recorder.calls.count("sweep") == 1


def test_pump_sweeps_again_when_it_is_time(monkeypatch):
    monkeypatch.setattr(pump_module, "_SWEEP_EVERY_S", 0.0)
    recorder = Recorder()

    make_pump(recorder).run_until(after(3))

    assert recorder.calls == ["sweep", "purge", "dispatch"] * 3


def test_pump_that_is_stopped_says_so():
    pump = make_pump(Recorder())
    pump.stop()

    with pytest.raises(Stopped):
        pump.run_until(lambda: False)


def test_pump_that_is_stopped_when_its_work_is_through_is_no_failure():
    pump = make_pump(Recorder())
    pump.stop()

    pump.run_until(lambda: True)


def test_pump_can_be_stopped_from_another_thread(monkeypatch):
    monkeypatch.setattr(pump_module, "_IDLE_S", 60.0)
    pump = make_pump(Recorder())
    threading.Timer(0.01, pump.stop).start()

    with pytest.raises(Stopped):
        pump.run_until(lambda: False)


def test_pump_raises_the_defect_of_its_worker():
    defect = ConfigurationError("SLUICE_X: found y")
    recorder = Recorder()
    pump = make_pump(recorder, lambda: defect if len(recorder.calls) > 4 else None)

    with pytest.raises(ConfigurationError, match="SLUICE_X"):
        pump.run_until(lambda: False)


def test_pump_waits_an_outage_out(caplog):
    outages = [DatabaseUnavailable("locked"), StorageFull("no space"), 1, StorageFull("again")]
    recorder = Recorder(outages)

    make_pump(recorder).run_until(after(5))

    assert recorder.calls.count("dispatch") == 5
    # once per outage, not per round
    assert [record.reason for record in caplog.records] == ["locked", "again"]


def test_pump_lets_our_defects_fly():
    with pytest.raises(KeyError):
        make_pump(Recorder([KeyError("botched")])).run_until(lambda: False)
