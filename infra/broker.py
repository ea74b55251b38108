"""The Celery app: queues and routes from the registry, settings that lose nothing.

The message is only a hint. Whatever the broker loses or repeats, the ledger knows.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from amqp.exceptions import MessageNacked, PreconditionFailed
from celery import Celery
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from infra.queues import queue_names, queue_of
from infra.settings import Settings
from schemas.errors import BrokerUnavailable, ConfigurationError
from schemas.job import BatchMessage

#: The one task there is; its argument is a `BatchMessage` as JSON.
RUN_BATCH = "sluice.run_batch"

#: How often the in-process transport looks for messages; bounds its latency.
MEMORY_POLL_S = 0.01
#: Deliveries of one message before RabbitMQ gives it up: each is a worker that died with it.
DELIVERY_LIMIT = 5
#: Longest that a worker may hold a message on RabbitMQ 3.12 and newer, which read it from the
#: queue; older servers need it in `rabbitmq.conf`. Well above the deadline of any stage, for a
#: message that waits behind three others counts from its delivery.
CONSUMER_TIMEOUT_S = 4 * 3600
_CONSUMER_TIMEOUT_BY_QUEUE = (3, 12)
#: Redis gives a message to another worker after this long, finished or not.
_VISIBILITY_TIMEOUT_S = CONSUMER_TIMEOUT_S
_CONFIRM_TIMEOUT_S = 10.0
_HEARTBEAT_S = 30

_EXCHANGE = Exchange("sluice", type="topic", durable=True)  # type: ignore[no-untyped-call]
_DEAD_EXCHANGE = Exchange("sluice.dead", type="topic", durable=True)  # type: ignore[no-untyped-call]
#: Messages that RabbitMQ gave up. Nobody consumes them: the sweeper has long sent the jobs anew.
DEAD_QUEUE = "sluice.dead"
_DEAD = Queue(  # type: ignore[no-untyped-call]
    DEAD_QUEUE,
    _DEAD_EXCHANGE,
    routing_key="#",
    queue_arguments={
        "x-queue-type": "quorum",
        "x-max-length": 10_000,
        "x-message-ttl": 7 * 24 * 3600 * 1000,
    },
)


@dataclass(frozen=True)
class QueueDepth:
    """One queue as the broker sees it."""

    #: Messages that wait; those that a worker holds are not counted.
    n_messages: int
    #: False where nobody has ever sent or consumed.
    exists: bool = True


def create_app(settings: Settings) -> Celery:
    """Build the Celery app for this broker; nothing connects yet."""
    app = Celery("sluice", broker=settings.broker_url)
    app.conf.update(
        task_queues=[_queue(name) for name in queue_names()],
        task_default_exchange_type="topic",
        task_default_queue_type="quorum",
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure_or_timeout=True,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        result_accept_content=["json"],
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_enable_remote_control=False,
        # Threads cannot be cancelled; the fence refuses the one that comes second.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # A worker that came back takes as much as before: nothing here is measured in messages.
        worker_enable_prefetch_count_reduction=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_heartbeat=_HEARTBEAT_S,
        broker_transport_options=_transport_options(settings),
    )
    return app


def _queue(name: str) -> Queue:
    """A queue that survives its server's death; arguments that a broker does not know do nothing.

    What is rejected or was delivered too often goes to the dead queue, and is kept until that
    has taken it: `at-least-once`, which needs `reject-publish`.
    """
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": _DEAD_EXCHANGE.name,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
        "x-consumer-timeout": CONSUMER_TIMEOUT_S * 1000,
    }
    return Queue(name, _EXCHANGE, routing_key=name, queue_arguments=arguments)  # type: ignore[no-untyped-call]


def _transport_options(settings: Settings) -> dict[str, Any]:
    if settings.is_embedded:
        return {"polling_interval": MEMORY_POLL_S}
    if settings.broker_scheme.startswith("redis"):
        return {"visibility_timeout": _VISIBILITY_TIMEOUT_S, "socket_keepalive": True}
    return {"confirm_publish": True, "max_retries": 3}


def publish(app: Celery, message: BatchMessage) -> None:
    """Send one batch to its queue, which is made where it is absent.

    Raises:
        BrokerUnavailable: the broker did not take it, as far as is known; the ledger's sweep
            will dispatch the jobs again.
    """
    queue = app.amqp.queues[queue_of(message.stage, message.priority)]
    try:
        app.send_task(
            RUN_BATCH,
            args=[message.model_dump(mode="json")],
            task_id=str(message.batch_id),
            queue=queue,
            declare=[_DEAD, queue],
            confirm_timeout=_CONFIRM_TIMEOUT_S,
        )
    except (OperationalError, MessageNacked) as exc:
        raise BrokerUnavailable(f"broker: batch {message.batch_id} was not taken: {exc}") from exc


def ensure_queues(app: Celery) -> None:
    """Make the queues that are absent.

    A publisher declares a queue once per connection; without this, messages for a queue that
    somebody deletes meanwhile would go nowhere.

    Raises:
        BrokerUnavailable: the broker does not answer.
        ConfigurationError: a queue of that name was made with other settings.
    """
    with _connected(app) as connection:
        for queue in (_DEAD, *app.amqp.queues.values()):
            try:
                queue(connection.default_channel).declare()
            except PreconditionFailed as exc:
                raise ConfigurationError(
                    f"broker: queue {queue.name} was made with other settings; delete it, for "
                    f"its messages are only hints: {exc}"
                ) from exc


def queue_depths(app: Celery, names: Sequence[str]) -> dict[str, QueueDepth]:
    """What waits in queues; asks, and changes nothing.

    Raises:
        BrokerUnavailable: the broker does not answer.
    """
    with _connected(app) as connection:
        return {name: _depth(connection, name) for name in names}


@dataclass(frozen=True)
class BrokerFacts:
    """What answers, and what of its own settings endangers work or messages."""

    product: str
    #: Empty where the broker tells none.
    version: str = ""
    remarks: tuple[str, ...] = ()


def inspect_broker(app: Celery) -> BrokerFacts:
    """Ask the broker what it is.

    Raises:
        BrokerUnavailable: the broker does not answer.
    """
    with _connected(app) as connection:
        told = getattr(connection.connection, "server_properties", None)
        if told is not None:
            product, version = str(told.get("product", "AMQP")), str(told.get("version", ""))
            return BrokerFacts(product, version, tuple(_rabbitmq_remarks(version)))
        client = getattr(connection.default_channel, "client", None)
        if client is not None:
            found = client.info()
            version = str(found["redis_version"])
            return BrokerFacts("Redis", version, tuple(_redis_remarks(found)))
        return BrokerFacts("in this process")


def _rabbitmq_remarks(version: str) -> Iterator[str]:
    """What AMQP lets us know: it tells no server setting, but its age says which it has."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < _CONSUMER_TIMEOUT_BY_QUEUE:
        yield (
            "older than 3.12, so it takes its time limit for held messages from its own settings "
            "(default 30 min) and not from the queues: set consumer_timeout = "
            f"{CONSUMER_TIMEOUT_S * 1000} in rabbitmq.conf, or it disconnects workers with long "
            "batches"
        )


def _redis_remarks(found: dict[str, Any]) -> Iterator[str]:
    policy = found.get("maxmemory_policy", "noeviction")
    if found.get("maxmemory") and policy != "noeviction":
        yield f"maxmemory-policy is {policy}: set noeviction, or messages vanish when it is full"
    if not found.get("aof_enabled"):
        yield (
            "appendonly is off: a restart loses the messages that wait, and their work waits for "
            "the sweeper"
        )


@contextmanager
def _connected(app: Celery) -> Iterator[Connection]:
    """A connection of its own, for a moment."""
    connection = app.connection_for_read()
    try:
        with connection:
            connection.ensure_connection(max_retries=1, timeout=_CONFIRM_TIMEOUT_S)
            yield connection
    except (OperationalError, *connection.connection_errors) as exc:
        raise BrokerUnavailable(f"{connection.as_uri()}: {exc}") from exc


def _depth(connection: Connection, name: str) -> QueueDepth:
    # A question for a queue that is not there closes the channel.
    channel = connection.channel()  # type: ignore[no-untyped-call]
    try:
        found = channel.queue_declare(queue=name, passive=True)
    except connection.channel_errors:
        return QueueDepth(0, exists=False)
    else:
        return QueueDepth(found.message_count)
    finally:
        channel.close()
