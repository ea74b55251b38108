from collections import Counter

import pytest
from sqlalchemy import select, update

from infra.tables import WorkerRow
from infra.workforce import Workforce


@pytest.fixture
def workforce(any_database):
    with any_database.session_scope() as session:
        yield Workforce(session, heartbeat_s=5.0)


def silence(workforce, name, seconds):
    aged = WorkerRow.seen_at - seconds
    workforce._session.execute(update(WorkerRow).where(WorkerRow.name == name).values(seen_at=aged))
    workforce._session.expire_all()


def test_consumers_are_counted_by_queue(workforce):
    workforce.join("w1", ["ocr.normal", "caption.normal"], "cuda:0")
    workforce.join("w2", ["ocr.normal"], "cpu")

    assert workforce.consumers() == Counter({"ocr.normal": 2, "caption.normal": 1})


def test_worker_that_left_consumes_nothing(workforce):
    workforce.join("w1", ["ocr.normal"], "cpu")

    workforce.leave("w1")

    assert workforce.consumers() == Counter()
    assert workforce.beat("w1") is False


def test_worker_that_went_silent_consumes_nothing_but_is_shown(workforce):
    workforce.join("w1", ["ocr.normal"], "cpu")
    silence(workforce, "w1", 16)

    (worker,) = workforce.workers()
    assert workforce.consumers() == Counter()
    assert (worker.name, worker.is_alive) == ("w1", False)
    assert worker.silent_s == pytest.approx(16, abs=1)


def test_heartbeat_brings_a_silent_worker_back(workforce):
    workforce.join("w1", ["ocr.normal"], "cpu")
    silence(workforce, "w1", 60)

    assert workforce.beat("w1") is True

    assert workforce.consumers() == Counter({"ocr.normal": 1})


def test_name_that_is_used_again_is_the_new_process(workforce):
    workforce.join("w1", ["ocr.normal"], "cpu")
    workforce.join("w1", ["caption.bulk"], "cpu")

    assert workforce.consumers() == Counter({"caption.bulk": 1})


def test_worker_that_died_long_ago_is_forgotten(workforce):
    workforce.join("w1", ["ocr.normal"], "cpu")
    silence(workforce, "w1", 3601)

    workforce.join("w2", [], "cpu")

    assert workforce._session.scalars(select(WorkerRow.name)).all() == ["w2"]
