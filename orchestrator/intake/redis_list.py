"""Bucket events from a Redis list, as MinIO-compatible servers push them (`RPUSH`).

A message is moved to `<list>:taken` while it is worked on, so that it outlives the process that
took it. Redis itself may still lose what it holds; a scan finds what that named.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Event
from typing import Any

from kombu.connection import Connection
from kombu.exceptions import KombuError

from orchestrator.intake.receiver import Receiver, Verdict
from orchestrator.intake.source import TRY_ONCE, poll_until
from schemas.errors import EventSourceUnavailable

#: Messages that are taken together, and how long the first of them is waited for.
_BATCH = 64
_WAIT_S = 1.0


class RedisListSource:
    """Takes the messages of one list, oldest first. Several processes may take from the same one.

    A message is removed after what it names is committed. One that is no notification goes to
    `<list>:malformed`; one that cannot be answered now goes back.
    """

    def __init__(self, url: str, key: str, receiver: Receiver, *, wait_s: float = _WAIT_S) -> None:
        """Connects with the first poll.

        Args:
            url: `redis://` or `rediss://`; may hold a password, so it is never shown.
            key: of the list.
            receiver: takes the messages.
            wait_s: how long a poll waits for the first message.
        """
        self.name = f"Redis list {key}"
        self._connection: Any = Connection(  # type: ignore[no-untyped-call]
            url, transport_options=TRY_ONCE
        )
        self._key = key
        self._receiver = receiver
        self._wait_s = wait_s
        self._client: Any = None

    def run(self, stopping: Event) -> None:
        """Take messages until told to stop."""
        try:
            poll_until(stopping, self.name, self.poll_once)
        finally:
            self.close()

    def poll_once(self) -> int:
        """Take a batch of messages; returns how many there were.

        Raises:
            EventSourceUnavailable: Redis did not answer, or messages went back.
            TransientError: a store is in trouble; the messages went back.
        """
        with self._translated():
            bodies = self._take()
        if not bodies:
            return 0
        with ExitStack() as on_error:
            on_error.callback(self._settle, bodies, [Verdict.UNANSWERED] * len(bodies))
            verdicts = self._receiver.receive(bodies)
            on_error.pop_all()
        self._settle(bodies, verdicts)
        if n_back := verdicts.count(Verdict.UNANSWERED):
            raise EventSourceUnavailable(f"{self.name}: {n_back} messages went back, unanswered")
        return len(bodies)

    def ping(self) -> str:
        """What answers, for `sluice doctor`.

        Raises:
            EventSourceUnavailable: nothing does.
        """
        with self._translated():
            return f"{self._open().llen(self._key)} messages wait"

    def close(self) -> None:
        """Close the connection."""
        self._client = None
        self._connection.release()

    def _open(self) -> Any:
        """The client; what a process that died has left in `:taken` goes back once.

        Others may be at work on some of it: it is then received twice, which changes nothing.
        """
        if self._client is None:
            client = self._connection.default_channel.client
            while client.lmove(f"{self._key}:taken", self._key, "RIGHT", "LEFT") is not None:
                pass
            self._client = client
        return self._client

    def _take(self) -> list[bytes]:
        client, taken = self._open(), f"{self._key}:taken"
        body = client.blmove(self._key, taken, self._wait_s, "LEFT", "RIGHT")
        bodies = []
        while body is not None:
            bodies.append(body)
            if len(bodies) == _BATCH:
                break
            body = client.lmove(self._key, taken, "LEFT", "RIGHT")
        return bodies

    def _settle(self, bodies: Sequence[bytes], verdicts: Sequence[Verdict]) -> None:
        """Put each message where it belongs; a transaction, so that none is in two places."""
        with self._translated(), self._open().pipeline(transaction=True) as steps:
            for body, verdict in zip(bodies, verdicts, strict=True):
                steps.lrem(f"{self._key}:taken", 1, body)
                if verdict is Verdict.MALFORMED:
                    steps.rpush(f"{self._key}:malformed", body)
                elif verdict is Verdict.UNANSWERED:
                    steps.rpush(self._key, body)
            steps.execute()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn Redis's errors into ours, and begin with a fresh connection after them."""
        connection = self._connection
        try:
            yield
        except (*connection.connection_errors, *connection.channel_errors, KombuError) as exc:
            self.close()
            raise EventSourceUnavailable(f"{self.name}: {exc}") from exc
