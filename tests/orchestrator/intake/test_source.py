import threading

import pytest

from orchestrator.intake import source
from orchestrator.intake.source import poll_until
from schemas.errors import ConfigurationError, ObjectStoreUnavailable


class Pauses:
    """An event that is set after some polls, and remembers how long each wait was."""

    def __init__(self, n_polls):
        self.n_polls, self.waits_s = n_polls, []

    def wait(self, timeout_s):
        self.waits_s.append(timeout_s)
        return len(self.waits_s) > self.n_polls


def test_polls_without_a_pause_until_stopped():
    pauses = Pauses(3)

    poll_until(pauses, "sqs", lambda: 1)

    assert pauses.waits_s == [0.0] * 4


def test_trouble_is_waited_out_ever_longer_up_to_a_bound():
    def fail():
        raise ObjectStoreUnavailable("503")

    pauses = Pauses(8)
    poll_until(pauses, "sqs", fail)

    assert pauses.waits_s == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_poll_that_succeeds_ends_the_pauses():
    outcomes = iter([ObjectStoreUnavailable("503"), None, ObjectStoreUnavailable("503"), None])

    def poll():
        if error := next(outcomes):
            raise error
        return 0

    pauses = Pauses(4)
    poll_until(pauses, "sqs", poll)

    assert pauses.waits_s == [0.0, 1.0, 0.0, 1.0, 0.0]


def test_a_wrong_setting_is_not_waited_out():
    def refuse():
        raise ConfigurationError("no such queue")

    with pytest.raises(ConfigurationError):
        poll_until(threading.Event(), "sqs", refuse)


def test_stopping_ends_a_pause_at_once(monkeypatch):
    monkeypatch.setattr(source, "_FIRST_PAUSE_S", 60.0)
    stopping = threading.Event()

    def fail():
        threading.Timer(0.05, stopping.set).start()
        raise ObjectStoreUnavailable("503")

    thread = threading.Thread(target=poll_until, args=(stopping, "sqs", fail))
    thread.start()
    thread.join(timeout=5)

    assert not thread.is_alive()
