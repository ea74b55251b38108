"""The worker's row comes, stays fresh and goes."""

import time

import pytest

from infra.database import Database
from infra.workforce import Workforce
from schemas.errors import DatabaseUnavailable
from workers.heartbeat import Heartbeat


def consumers(database):
    with database.read_scope() as session:
        return dict(Workforce(session, 0.05).consumers())


def wait_for(holds):
    deadline_s = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


@pytest.fixture
def heartbeat(database):
    heartbeat = Heartbeat(database, "w1", ["ocr.normal"], device="cpu", heartbeat_s=0.05)
    yield heartbeat
    heartbeat.leave()


def test_worker_is_counted_from_its_start_to_its_end(database, heartbeat):
    assert consumers(database) == {}
    heartbeat.join()
    wait_for(lambda: consumers(database) == {"ocr.normal": 1})

    heartbeat.leave()

    assert consumers(database) == {}


def test_row_that_somebody_removed_comes_back(database, heartbeat):
    heartbeat.join()
    wait_for(lambda: consumers(database))
    with database.session_scope() as session:
        Workforce(session, 0.05).leave("w1")

    wait_for(lambda: consumers(database) == {"ocr.normal": 1})


def test_outage_of_the_database_is_waited_out(database, heartbeat, monkeypatch):
    real, n_refused = Database.session_scope, []

    def refuse(self):
        if len(n_refused) < 3:
            n_refused.append(1)
            raise DatabaseUnavailable("locked")
        return real(self)

    monkeypatch.setattr(Database, "session_scope", refuse)
    heartbeat.join()

    wait_for(lambda: consumers(database) == {"ocr.normal": 1})


def test_worker_that_never_started_may_leave(database, heartbeat):
    heartbeat.leave()
    heartbeat.leave()

    assert consumers(database) == {}
