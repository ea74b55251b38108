"""The Celery worker: one task, run on threads."""

import signal
import warnings
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

from celery import Celery, signals
from celery.exceptions import CPendingDeprecationWarning, Reject, SecurityWarning
from celery.worker import state
from celery.worker.consumer import Consumer

from infra.broker import RUN_BATCH
from schemas.job import BatchMessage
from workers.runner import N_OVERLAPPED, Runner

#: What asks a process to end: Ctrl-C, a service's stop, a terminal that goes away.
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

#: Does nothing; ends the wait for a message.
_WAKE = "sluice.wake"
_DRAINS_BEFORE_STOP = 2


class _Consumer(Consumer):  # type: ignore[misc]
    """Celery's consumer without the queues of delayed tasks: pauses are rows of the ledger.

    With quorum queues it would declare 28 of them (celery.worker.consumer.delayed_delivery).
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        """The steps of a consumer."""

        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step
        )


class BatchWorker:
    """Takes batches of some queues until it is stopped."""

    def __init__(self, app: Celery, runner: Runner, queues: Sequence[str], name: str) -> None:
        """Bind the task to the runner; nothing is consumed before `run`."""
        self._app = app
        self._queues = list(queues)
        self._name = name
        self._is_stopping = False

        # The message is only a hint: losing or repeating it is safe. Shared tasks would be bound
        # to every app of the process, and an app keeps the first task of a name: not its own.
        @app.task(name=RUN_BATCH, shared=False)  # type: ignore[untyped-decorator]
        def run_batch(message: dict[str, Any]) -> None:
            if self._is_stopping:
                # It was delivered ahead of its turn; others may have it.
                raise Reject(requeue=True)
            runner.run_batch(BatchMessage.model_validate(message))

        @app.task(name=_WAKE, shared=False)  # type: ignore[untyped-decorator]
        def wake() -> None:
            """Nothing."""

    def run(self, *, on_ready: Callable[[], None], on_stopping: Callable[[], None]) -> None:
        """Consume until `stop` or a signal; call it on the main thread.

        The first SIGINT, SIGTERM or SIGHUP finishes the running batches; the second ends the
        process at once.
        """

        def ready(**_kw: Any) -> None:
            on_ready()

        def stop_on(_signum: int, _frame: FrameType | None) -> None:
            for each in _STOPPING:
                signal.signal(each, signal.SIG_DFL)
            state.should_stop = 0
            self._is_stopping = True
            on_stopping()

        class Worker(self._app.Worker):  # type: ignore[name-defined,misc]
            """Celery's own handlers print to stdout, restart the command, or wait for batches."""

            def install_platform_tweaks(self, _worker: Any) -> None:
                for signum in _STOPPING:
                    signal.signal(signum, stop_on)

        # Celery warns root because of pickle; this app accepts JSON only.
        warnings.simplefilter("ignore", SecurityWarning)
        # It asks for tasks to be cancelled when the broker goes away: threads cannot be.
        warnings.simplefilter("ignore", CPendingDeprecationWarning)
        signals.worker_ready.connect(ready)
        handlers = {signum: signal.getsignal(signum) for signum in _STOPPING}
        try:
            Worker(
                pool="threads",
                concurrency=N_OVERLAPPED,
                queues=self._queues,
                hostname=self._name,
                consumer_cls=_Consumer,
                loglevel="WARNING",
                without_heartbeat=True,
                without_mingle=True,
                without_gossip=True,
                quiet=True,
            ).start()
        finally:
            signals.worker_ready.disconnect(ready)
            for signum, handler in handlers.items():
                signal.signal(signum, handler)
            state.should_stop = None

    def stop(self) -> None:
        """Finish the running batches and end `run`; may be called from any thread.

        For the process's own broker only: the message that wakes the loop must reach no other.
        """
        # Celery's consumer loop looks at this flag between messages, and drains once more
        # after it; each drain would otherwise wait two seconds for a message.
        state.should_stop = 0
        for _ in range(_DRAINS_BEFORE_STOP):
            self._app.send_task(_WAKE, queue=self._queues[0])
