"""A queue of a real RabbitMQ: what is acknowledged, what goes back, what is set aside."""

import threading
from itertools import count

import pytest
from kombu import Connection, Exchange, Producer, Queue

from orchestrator.intake.amqp import AmqpSource
from schemas.errors import ConfigurationError, EventSourceUnavailable, ObjectStoreUnavailable
from tests.orchestrator.intake.recorder import Recorder, asking_for

_names = (f"events{n}" for n in count())


class Bound:
    """A queue with a dead-letter queue behind it."""

    def __init__(self, connection):
        self.name = next(_names)
        self.channel = connection.default_channel
        self.dead = Queue(f"{self.name}-dead", Exchange(f"{self.name}-dead", "fanout"))
        self.dead(self.channel).declare()
        arguments = {"x-dead-letter-exchange": f"{self.name}-dead"}
        self.queue = Queue(self.name, queue_arguments=arguments)
        self.queue(self.channel).declare()

    def send(self, *bodies):
        producer = Producer(self.channel, routing_key=self.name)
        for body in bodies:  # as a bucket's server does: bytes, and no word of what they are
            producer.publish(body.encode(), content_type="", content_encoding="binary")

    def take(self, queue):
        message = queue(self.channel).get(no_ack=True)
        return None if message is None else bytes(message.body)


@pytest.fixture
def connection(rabbitmq):
    with Connection(rabbitmq.url) as connection:
        yield connection


@pytest.fixture
def bound(connection):
    return Bound(connection)


@pytest.fixture
def make_source(rabbitmq, bound):
    opened = []

    def make(receiver, queue=bound.name):
        opened.append(AmqpSource(rabbitmq.url, queue, receiver, wait_s=2.0))
        return opened[-1]

    yield make
    for source in opened:
        source.close()


def test_what_is_taken_is_acknowledged(make_source, bound):
    bound.send(*asking_for("taken", "taken", "taken"))
    receiver = Recorder()
    source = make_source(receiver)

    assert source.poll_once() == 3
    source.close()

    assert receiver.bodies == [b.encode() for b in asking_for("taken", "taken", "taken")]
    assert bound.take(bound.queue) is None


def test_what_is_no_notification_is_set_aside(make_source, bound):
    bound.send(*asking_for("malformed"))
    source = make_source(Recorder())

    assert source.poll_once() == 1
    source.close()

    assert bound.take(bound.queue) is None
    assert bound.take(bound.dead) == asking_for("malformed")[0].encode()


def test_what_cannot_be_answered_goes_back(make_source, bound):
    bound.send(*asking_for("unanswered", "taken"))
    source = make_source(Recorder())

    with pytest.raises(EventSourceUnavailable, match="1 messages went back"):
        source.poll_once()
    source.close()

    assert bound.take(bound.queue) == asking_for("unanswered")[0].encode()
    assert bound.take(bound.queue) is None


def test_a_batch_that_met_trouble_goes_back(make_source, bound):
    def fail():
        raise ObjectStoreUnavailable("503")

    bound.send(*asking_for("taken"))
    receiver = Recorder(fail)
    source = make_source(receiver)
    with pytest.raises(ObjectStoreUnavailable):
        source.poll_once()

    receiver.on_receive = lambda: None
    assert source.poll_once() == 1


def test_run_consumes_until_it_is_stopped(make_source, bound):
    stopping = threading.Event()
    bound.send(*asking_for("taken"))

    make_source(Recorder(stopping.set)).run(stopping)

    assert bound.take(bound.queue) is None


def test_ping_tells_how_many_wait(make_source, bound):
    assert make_source(Recorder()).ping() == "0 messages wait"


def test_a_queue_that_is_not_there_is_a_wrong_setting(make_source):
    with pytest.raises(ConfigurationError, match="declare and bind"):
        make_source(Recorder(), queue="absent").poll_once()


def test_a_broker_that_does_not_answer_is_unavailable():
    source = AmqpSource("amqp://guest:secret@127.0.0.1:1//", "q", Recorder())

    with pytest.raises(EventSourceUnavailable) as caught:
        source.poll_once()
    assert "secret" not in str(caught.value)
