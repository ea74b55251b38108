"""A list of a real Redis: a message is in one place at any moment, and outlives its taker."""

import threading

import pytest
import redis

from orchestrator.intake.redis_list import RedisListSource
from schemas.errors import EventSourceUnavailable, ObjectStoreUnavailable
from tests.orchestrator.intake.recorder import Recorder, asking_for

KEY = "events"


@pytest.fixture
def client(redis_url):
    client = redis.Redis.from_url(redis_url)
    client.delete(KEY, f"{KEY}:taken", f"{KEY}:malformed")
    yield client
    client.close()


@pytest.fixture
def make_source(redis_url, client):
    opened = []

    def make(receiver):
        opened.append(RedisListSource(redis_url, KEY, receiver, wait_s=0.2))
        return opened[-1]

    yield make
    for source in opened:
        source.close()


def left(client):
    """What lies where, as the lists' lengths: waiting, taken, malformed."""
    return tuple(client.llen(key) for key in (KEY, f"{KEY}:taken", f"{KEY}:malformed"))


def test_what_is_taken_is_removed_oldest_first(make_source, client):
    client.rpush(KEY, *asking_for("taken", "malformed"))
    receiver = Recorder()

    assert make_source(receiver).poll_once() == 2

    assert receiver.bodies == [b.encode() for b in asking_for("taken", "malformed")]
    assert left(client) == (0, 0, 1)


def test_what_cannot_be_answered_goes_back(make_source, client):
    client.rpush(KEY, *asking_for("unanswered", "taken"))

    with pytest.raises(EventSourceUnavailable, match="1 messages went back"):
        make_source(Recorder()).poll_once()

    assert left(client) == (1, 0, 0)


def test_a_batch_that_met_trouble_goes_back(make_source, client):
    def fail():
        assert left(client) == (0, 1, 0)
        raise ObjectStoreUnavailable("503")

    client.rpush(KEY, *asking_for("taken"))

    with pytest.raises(ObjectStoreUnavailable):
        make_source(Recorder(fail)).poll_once()

    assert left(client) == (1, 0, 0)


def test_what_a_dead_process_took_is_taken_again(make_source, client):
    client.rpush(f"{KEY}:taken", *asking_for("taken", "taken"))

    assert make_source(Recorder()).poll_once() == 2

    assert left(client) == (0, 0, 0)


def test_the_same_message_twice_is_removed_twice(make_source, client):
    client.rpush(KEY, *asking_for("taken", "taken", "unanswered"))

    with pytest.raises(EventSourceUnavailable):
        make_source(Recorder()).poll_once()

    assert left(client) == (1, 0, 0)


def test_an_empty_list_is_nothing_to_do(make_source, client):
    source = make_source(Recorder())

    assert source.poll_once() == 0
    assert source.ping() == "0 messages wait"


def test_run_takes_until_it_is_stopped(make_source, client):
    stopping = threading.Event()
    client.rpush(KEY, *asking_for("taken"))

    make_source(Recorder(stopping.set)).run(stopping)

    assert left(client) == (0, 0, 0)


def test_a_redis_that_does_not_answer_is_unavailable():
    source = RedisListSource("redis://:secret@127.0.0.1:1/0", KEY, Recorder())

    with pytest.raises(EventSourceUnavailable) as caught:
        source.poll_once()
    assert "secret" not in str(caught.value)
