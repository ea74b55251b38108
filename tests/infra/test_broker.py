import json
import time
from uuid import uuid4

import pytest

from infra.broker import (
    DEAD_QUEUE,
    DELIVERY_LIMIT,
    RUN_BATCH,
    _rabbitmq_remarks,
    create_app,
    ensure_queues,
    inspect_broker,
    publish,
    queue_depths,
)
from infra.queues import queue_names
from infra.settings import load_settings
from schemas.errors import BrokerUnavailable, ConfigurationError
from schemas.job import BatchMessage, Priority
from schemas.stages import STAGES
from tests.conftest import AMQP_URL
from tests.factories import make_message


@pytest.fixture
def app(settings):
    app = create_app(settings)
    yield app
    app.close()


def take(app, queue):
    """The next message of a queue, as (headers, arguments)."""
    with app.connection_for_read() as connection:
        message = connection.default_channel.basic_get(queue, no_ack=True)
    return message.headers, json.loads(message.body)[0]


def test_every_stage_has_a_queue_for_each_priority(app):
    assert len(queue_names()) == len(STAGES) * len(Priority)
    assert {"ocr.interactive", "ocr.normal", "ocr.bulk"} < set(queue_names())
    assert [queue.name for queue in app.conf.task_queues] == queue_names()


def test_published_batch_lies_in_the_queue_of_its_stage(app):
    message = make_message([uuid4()], stage="transcribe")

    publish(app, message)

    headers, args = take(app, "transcribe.normal")
    assert (headers["task"], headers["id"]) == (RUN_BATCH, str(message.batch_id))
    assert [BatchMessage.model_validate(arg) for arg in args] == [message]


def test_message_carries_ids_and_nothing_else(app):
    message = make_message([uuid4() for _ in range(256)])

    publish(app, message)

    _, (body,) = take(app, "ocr.normal")
    assert set(body) == {"schema_version", "batch_id", "stage", "version", "priority", "job_ids"}
    assert len(json.dumps(body)) < 16_000


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("task_acks_late", True),
        ("task_reject_on_worker_lost", True),
        ("task_ignore_result", True),
        ("accept_content", ["json"]),
        ("worker_prefetch_multiplier", 1),
    ],
)
def test_nothing_is_lost_by_a_default_of_celery(app, setting, value):
    assert app.conf[setting] == value


def test_publishing_to_a_server_is_confirmed(profile, clean_environment):
    settings = load_settings(broker_url="amqp://nobody@127.0.0.1:1//", models=str(profile))

    app = create_app(settings)

    assert app.conf.broker_transport_options["confirm_publish"] is True


@pytest.mark.parametrize("ask", [queue_depths, lambda app, _names: inspect_broker(app)])
def test_broker_that_does_not_answer_is_told(profile, clean_environment, ask):
    settings = load_settings(broker_url="amqp://nobody@127.0.0.1:1//", models=str(profile))
    app = create_app(settings)
    app.conf.broker_transport_options |= {"max_retries": 0}
    app.conf.task_publish_retry = False

    with pytest.raises(BrokerUnavailable, match="was not taken"):
        publish(app, make_message([uuid4()]))
    with pytest.raises(BrokerUnavailable, match="refused"):
        ask(app, ["ocr.normal"])


# -- real brokers ----------------------------------------------------------------------------


def empty(app):
    """Not deleted: a client remembers what it has declared."""
    names = [*queue_names(), DEAD_QUEUE]
    waiting = [name for name, depth in queue_depths(app, names).items() if depth.n_messages]
    with app.connection_for_write() as connection:
        for name in waiting:
            connection.default_channel.queue_purge(queue=name)


@pytest.fixture(params=["rabbitmq", "redis", "memory"])
def any_app(request, profile, clean_environment):
    """An app on each broker, its queues empty."""
    url = "memory://"
    if request.param == "rabbitmq":
        url = request.getfixturevalue("amqp_url")
    elif request.param == "redis":
        url = request.getfixturevalue("redis_url")
    app = create_app(load_settings(broker_url=url, models=str(profile)))
    empty(app)
    yield app
    app.close()


def test_messages_that_wait_are_counted(any_app):
    for _ in range(3):
        publish(any_app, make_message([uuid4()], stage="ocr", priority=Priority.BULK))

    depths = queue_depths(any_app, queue_names())

    assert {name: d.n_messages for name, d in depths.items() if d.n_messages} == {"ocr.bulk": 3}


def test_message_that_is_held_waits_no_more(any_app):
    publish(any_app, make_message([uuid4()]))
    with any_app.connection_for_read() as connection:
        held = connection.channel().basic_get("ocr.normal")

        assert held is not None
        assert queue_depths(any_app, ["ocr.normal"])["ocr.normal"].n_messages == 0


def test_broker_says_what_it_is(any_app):
    facts = inspect_broker(any_app)

    assert facts.product in {"RabbitMQ", "Redis", "in this process"}
    assert facts.version.split(".")[0].isdigit() or facts.product == "in this process"


def test_redis_that_may_lose_messages_is_remarked(redis_url, profile, clean_environment):
    app = create_app(load_settings(broker_url=redis_url, models=str(profile)))

    assert any("appendonly is off" in remark for remark in inspect_broker(app).remarks)
    app.close()


@pytest.mark.parametrize(("version", "n_remarks"), [("3.10.8", 1), ("3.12.0", 0), ("4.3", 0)])
def test_rabbitmq_that_reads_no_time_limit_from_queues_is_remarked(version, n_remarks):
    assert len(list(_rabbitmq_remarks(version))) == n_remarks


@pytest.fixture
def rabbit(amqp_url, profile, clean_environment):
    app = create_app(load_settings(broker_url=amqp_url, models=str(profile)))
    empty(app)
    yield app
    app.close()


def test_queue_that_nobody_has_used_is_told_apart(rabbit):
    publish(rabbit, make_message([uuid4()]))

    depths = queue_depths(rabbit, ["ocr.normal", f"never-{uuid4()}"])

    assert [depth.exists for depth in depths.values()] == [True, False]


def test_queue_that_was_deleted_is_made_again(rabbit):
    publish(rabbit, make_message([uuid4()]))
    with rabbit.connection_for_write() as connection:
        connection.default_channel.queue_delete(queue="ocr.normal")

    ensure_queues(rabbit)
    publish(rabbit, make_message([uuid4()]))

    assert queue_depths(rabbit, ["ocr.normal"])["ocr.normal"].n_messages == 1


def test_queue_that_was_made_with_other_settings_is_told(rabbit):
    with rabbit.connection_for_write() as connection:
        connection.default_channel.queue_delete(queue="ocr.bulk")
        connection.default_channel.queue_declare(queue="ocr.bulk", durable=True, auto_delete=False)

    with pytest.raises(ConfigurationError, match=r"queue ocr\.bulk was made with other settings"):
        ensure_queues(rabbit)

    with rabbit.connection_for_write() as connection:
        connection.default_channel.queue_delete(queue="ocr.bulk")


def test_message_that_killed_its_workers_ends_in_the_dead_queue(rabbit):
    """Each connection that breaks while it holds the message is a delivery that counts."""
    message = make_message([uuid4()])
    publish(rabbit, message)
    n_deliveries = 0
    deadline_s = time.monotonic() + 20
    while queue_depths(rabbit, [DEAD_QUEUE])[DEAD_QUEUE].n_messages == 0:
        assert time.monotonic() < deadline_s
        with rabbit.connection_for_read() as connection:
            held = connection.channel().basic_get("ocr.normal")
            n_deliveries += held is not None

    headers, _ = take(rabbit, DEAD_QUEUE)
    assert n_deliveries == DELIVERY_LIMIT + 1
    assert headers["id"] == str(message.batch_id)


@pytest.mark.skipif(bool(AMQP_URL), reason="the server of SLUICE_TEST_AMQP_URL is not ours")
def test_queues_survive_a_restart_with_their_messages(rabbit, rabbitmq):
    publish(rabbit, make_message([uuid4()]))
    rabbit.close()

    rabbitmq.stop()
    rabbitmq.start()

    assert queue_depths(rabbit, ["ocr.normal"])["ocr.normal"].n_messages == 1


def test_publishing_declares_what_it_needs_once(rabbit):
    publish(rabbit, make_message([uuid4()]))
    started_s = time.perf_counter()
    for _ in range(50):
        publish(rabbit, make_message([uuid4()]))

    assert queue_depths(rabbit, ["ocr.normal"])["ocr.normal"].n_messages == 51
    assert time.perf_counter() - started_s < 10
