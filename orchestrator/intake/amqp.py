"""Bucket events from a queue of RabbitMQ or another AMQP 0-9-1 broker."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any

from kombu.connection import Connection
from kombu.entity import Queue
from kombu.exceptions import KombuError
from kombu.messaging import Consumer

from orchestrator.intake.receiver import Receiver, Verdict
from orchestrator.intake.source import TRY_ONCE, poll_until
from schemas.errors import ConfigurationError, EventSourceUnavailable

#: Messages that are taken together, and how long the first of them is waited for.
_BATCH = 64
_WAIT_S = 1.0
#: How long an unfilled batch waits for one more.
_LINGER_S = 0.02
_CONNECT_TIMEOUT_S = 5


class AmqpSource:
    """Consumes one queue, which its owner declares and binds to where the bucket publishes.

    A message is acknowledged after what it names is committed. One that is no notification is
    rejected, for the queue's dead-letter exchange; one that cannot be answered now goes back.
    """

    def __init__(
        self, url: str, queue: str, receiver: Receiver, *, wait_s: float = _WAIT_S
    ) -> None:
        """Connects with the first poll.

        Args:
            url: `amqp://` or `amqps://`; may hold a password, so it is never shown.
            queue: name of an existing queue.
            receiver: takes the messages.
            wait_s: how long a poll waits for the first message.
        """
        self.name = f"AMQP queue {queue}"
        self._connection: Any = Connection(  # type: ignore[no-untyped-call]
            url, connect_timeout=_CONNECT_TIMEOUT_S, transport_options=TRY_ONCE
        )
        self._queue = queue
        self._receiver = receiver
        self._wait_s = wait_s
        self._consumer: Any = None
        self._messages: list[Any] = []

    def run(self, stopping: Event) -> None:
        """Consume until told to stop; what is not acknowledged goes back to the queue.

        Raises:
            ConfigurationError: no such queue.
        """
        try:
            poll_until(stopping, self.name, self.poll_once)
        finally:
            self.close()

    def poll_once(self) -> int:
        """Take a batch of messages; returns how many there were.

        Raises:
            EventSourceUnavailable: the broker did not answer, or messages went back.
            TransientError: nothing was acknowledged.
        """
        with self._translated():
            self._collect()
        messages, self._messages = self._messages, []
        if not messages:
            return 0
        with ExitStack() as on_error:
            on_error.callback(self.close)  # which gives them all back
            verdicts = self._receiver.receive([_body(message) for message in messages])
            on_error.pop_all()
        with self._translated():
            for message, verdict in zip(messages, verdicts, strict=True):
                _tell(message, verdict)
        if n_back := verdicts.count(Verdict.UNANSWERED):
            raise EventSourceUnavailable(f"{self.name}: {n_back} messages went back, unanswered")
        return len(messages)

    def ping(self) -> str:
        """What answers, for `sluice doctor`.

        Raises:
            EventSourceUnavailable: nothing does.
            ConfigurationError: no such queue.
        """
        with self._translated():
            declared = _declared(self._connection.default_channel, self._queue)
        return f"{declared.message_count} messages wait"

    def close(self) -> None:
        """Close the connection; the broker takes back what is not acknowledged."""
        self._consumer, self._messages = None, []
        self._connection.release()

    def _collect(self) -> None:
        """Wait for a first message, then shortly for more."""
        if self._consumer is None:
            channel = self._connection.default_channel
            _declared(channel, self._queue)
            queue = Queue(self._queue, no_declare=True)  # type: ignore[no-untyped-call]
            self._consumer = Consumer(  # type: ignore[no-untyped-call]
                channel,
                [queue],
                on_message=self._messages_append,
                prefetch_count=_BATCH,
                auto_declare=False,
            )
            self._consumer.consume()
        timeout_s = self._wait_s
        while len(self._messages) < _BATCH:
            try:
                self._connection.drain_events(timeout=timeout_s)
            except TimeoutError:
                return
            timeout_s = _LINGER_S

    def _messages_append(self, message: Any) -> None:
        self._messages.append(message)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn the broker's errors into ours, and begin with a fresh connection after them."""
        connection = self._connection
        try:
            yield
        except connection.channel_errors as exc:
            self.close()
            raise ConfigurationError(f"{self.name}: {exc}; declare and bind it first") from exc
        except (*connection.connection_errors, KombuError, socket.gaierror) as exc:
            self.close()
            raise EventSourceUnavailable(f"{self.name}: {exc}") from exc


def _declared(channel: Any, name: str) -> Any:
    """What the broker says of a queue; an error of the channel if there is none."""
    queue: Any = Queue(name)  # type: ignore[no-untyped-call]
    return queue(channel).queue_declare(passive=True)


def _body(message: Any) -> bytes:
    """The bytes as they came: notifications say nothing of their encoding."""
    body: bytes | str = message.body
    return body.encode() if isinstance(body, str) else bytes(body)


def _tell(message: Any, verdict: Verdict) -> None:
    if verdict is Verdict.TAKEN:
        message.ack()
    else:
        message.reject(requeue=verdict is Verdict.UNANSWERED)
