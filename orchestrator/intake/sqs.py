"""Bucket events from SQS: S3 directly, through SNS, or through EventBridge."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from threading import Event, Thread
from typing import Any
from urllib.parse import urlsplit

from orchestrator.intake.receiver import Receiver, Verdict
from orchestrator.intake.source import poll_until
from schemas.errors import ConfigurationError, EventSourceUnavailable

logger = logging.getLogger(__name__)

#: Most messages of one request; SQS's own bound.
_MAX_MESSAGES = 10
#: Long poll; bounds how late a stop is seen.
_WAIT_S = 10
#: A message that is not deleted comes again after this long; extended while it is worked on.
_VISIBILITY_S = 60
_MAX_ATTEMPTS = 5
_HTTP_BUSY, _HTTP_BROKEN = 429, 500
_AWS_HOST = re.compile(r"sqs\.([a-z0-9-]+)\.amazonaws\.com")


class SqsSource:
    """Long-polls one queue. Several processes and threads may poll the same one.

    A message is deleted after what it names is committed. What cannot be answered now, and what is
    no notification, is left: it comes again, until the queue's redrive policy sets it aside.
    """

    def __init__(
        self,
        queue_url: str,
        receiver: Receiver,
        *,
        region: str = "us-east-1",
        wait_s: int = _WAIT_S,
        visibility_s: int = _VISIBILITY_S,
    ) -> None:
        """Connects with the first poll; credentials come from boto3's own chain.

        Args:
            queue_url: its host is the endpoint, so that other servers than AWS need no setting.
            receiver: takes the messages.
            region: of a queue whose host does not say it.
            wait_s: how long a poll waits for the first message, at most 20.
            visibility_s: how long the messages of a process that died stay hidden.
        """
        self.name = f"SQS {queue_url}"
        self._queue_url = queue_url
        self._receiver = receiver
        self._region = region
        self._wait_s = wait_s
        self._visibility_s = visibility_s

    @cached_property
    def _client(self) -> Any:
        from boto3.session import Session
        from botocore.config import Config

        url = urlsplit(self._queue_url)
        found = _AWS_HOST.fullmatch(url.hostname or "")
        return Session().client(
            "sqs",
            endpoint_url=f"{url.scheme}://{url.netloc}",
            region_name=found[1] if found else self._region,
            config=Config(
                retries={"mode": "adaptive", "total_max_attempts": _MAX_ATTEMPTS},
                connect_timeout=5,
                read_timeout=self._wait_s + 10,
            ),
        )

    def run(self, stopping: Event) -> None:
        """Poll until told to stop; what is not taken becomes visible again by itself.

        Raises:
            ConfigurationError: no such queue, or it may not be read.
        """
        poll_until(stopping, self.name, self.poll_once)

    def poll_once(self) -> int:
        """Take the messages of one long poll; returns how many there were.

        Raises:
            EventSourceUnavailable: the queue did not answer.
            TransientError: nothing was deleted; the messages come again.
        """
        messages = self._receive()
        if not messages:
            return 0
        with self._hidden(messages):
            verdicts = self._receiver.receive([message["Body"] for message in messages])
        pairs = zip(messages, verdicts, strict=True)
        self._delete([message for message, verdict in pairs if verdict is Verdict.TAKEN])
        return len(messages)

    def ping(self) -> str:
        """What answers, for `sluice doctor`.

        Raises:
            EventSourceUnavailable: nothing does.
            ConfigurationError: no such queue, or it may not be read.
        """
        names = ["ApproximateNumberOfMessages"]
        with _translated(self.name):
            answer = self._client.get_queue_attributes(
                QueueUrl=self._queue_url, AttributeNames=names
            )
        return f"{answer['Attributes'][names[0]]} messages wait"

    def _receive(self) -> list[dict[str, Any]]:
        with _translated(self.name):
            answer = self._client.receive_message(
                QueueUrl=self._queue_url,
                MaxNumberOfMessages=_MAX_MESSAGES,
                WaitTimeSeconds=self._wait_s,
                VisibilityTimeout=self._visibility_s,
            )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def _delete(self, messages: Sequence[dict[str, Any]]) -> None:
        """Acknowledge; a message that SQS fails to delete comes again and changes nothing."""
        if not messages:
            return
        with _translated(self.name):
            answer = self._client.delete_message_batch(
                QueueUrl=self._queue_url, Entries=_entries(messages)
            )
        self._log_failed("delete", answer)

    @contextmanager
    def _hidden(self, messages: Sequence[dict[str, Any]]) -> Iterator[None]:
        """Keep messages from being delivered to others while they are worked on."""
        done = Event()
        beat = Thread(target=self._keep_hidden, args=(messages, done), name="sqs-heartbeat")
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()

    def _keep_hidden(self, messages: Sequence[dict[str, Any]], done: Event) -> None:
        entries = _entries(messages, VisibilityTimeout=self._visibility_s)
        while not done.wait(self._visibility_s / 3):
            try:
                with _translated(self.name):
                    answer = self._client.change_message_visibility_batch(
                        QueueUrl=self._queue_url, Entries=entries
                    )
            except (EventSourceUnavailable, ConfigurationError) as exc:
                # Another process may now take them, too: work twice, no harm.
                logger.warning("sqs_heartbeat_failed", extra={"reason": str(exc)})
            else:
                self._log_failed("hide", answer)

    def _log_failed(self, action: str, answer: dict[str, Any]) -> None:
        for failed in answer.get("Failed", []):
            told = {"source": self.name, "action": action, "reason": failed.get("Code")}
            logger.warning("sqs_message_kept", extra=told)


def _entries(messages: Sequence[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    return [
        {"Id": str(n), "ReceiptHandle": message["ReceiptHandle"], **more}
        for n, message in enumerate(messages)
    ]


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn boto3's errors into ours."""
    from botocore import exceptions as boto

    try:
        yield
    except boto.ClientError as exc:
        status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        is_busy = status == _HTTP_BUSY or status >= _HTTP_BROKEN or "Throttl" in str(exc)
        kind = EventSourceUnavailable if is_busy else ConfigurationError
        raise kind(f"{name}: {exc}") from exc
    except (boto.HTTPClientError, boto.ConnectionError, boto.CredentialRetrievalError) as exc:
        raise EventSourceUnavailable(f"{name}: {exc}") from exc
    except (boto.BotoCoreError, ValueError) as exc:  # no credentials, no URL
        raise ConfigurationError(f"{name}: {exc}") from exc
