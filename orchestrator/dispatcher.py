"""Ready jobs -> batches -> broker, with back-pressure: the backlog stays in the database."""

import logging
import time
from collections.abc import Callable, Mapping
from uuid import uuid4

from infra.backlog import Backlog
from infra.database import Database
from infra.queues import queue_names, queue_of
from infra.settings import Settings
from orchestrator.batches import form_batch, is_full
from schemas.errors import BrokerUnavailable
from schemas.job import BatchMessage, Priority
from schemas.stages import STAGES, StageSpec

logger = logging.getLogger(__name__)

#: Jobs looked at for one batch: enough to find like ones, few enough to be quick.
_CANDIDATES = 256

#: Living workers by queue.
CountConsumers = Callable[[], Mapping[str, int]]


def one_worker() -> Mapping[str, int]:
    """The embedded profile: this process takes everything."""
    return dict.fromkeys(queue_names(), 1)


class Dispatcher:
    """Sends batches; safe to run beside other dispatchers.

    Several that run at once may each send the last batch that the limit allows: a queue is then
    longer by one batch for each of them. No job is sent twice, for its row is locked.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        publish: Callable[[BatchMessage], None],
        count_consumers: CountConsumers = one_worker,
    ) -> None:
        self._database = database
        self._settings = settings
        self._publish = publish
        self._count_consumers = count_consumers
        #: Since when the unfilled batch of a stage and priority has waited for more jobs.
        self._lingering: dict[tuple[str, Priority], float] = {}

    def dispatch(self) -> int:
        """Send what may be sent now; returns the number of batches."""
        with self._database.read_scope() as session:
            ready = Backlog(session).ready_classes(STAGES)
        if not ready:
            return 0
        consumers = self._count_consumers()
        return sum(
            self._dispatch_class(spec, priority, consumers.get(queue_of(spec.name, priority), 0))
            for spec in STAGES.values()
            for priority in Priority
            if (spec.name, priority) in ready
        )

    def _dispatch_class(self, spec: StageSpec, priority: Priority, n_consumers: int) -> int:
        limit = self._settings.batches_in_flight * n_consumers
        n_sent = 0
        while limit and (message := self._next_batch(spec, priority, limit)):
            n_sent += 1
            try:
                self._publish(message)
            except BrokerUnavailable as exc:
                # The rows say `dispatched`; the sweeper gives them back when nobody claims them.
                logger.warning("batch_not_published", extra={"reason": str(exc)})
                break
        return n_sent

    def _next_batch(self, spec: StageSpec, priority: Priority, limit: int) -> BatchMessage | None:
        """Take one batch in one transaction: read, decide, mark."""
        version = self._settings.versions[spec.name]
        with self._database.session_scope() as session:
            backlog = Backlog(session)
            if not may_send(priority, backlog.batches_in_flight(spec.name), limit):
                return None
            ready = backlog.take_ready(spec.name, version, _CANDIDATES, priorities=[priority])
            batch = form_batch(ready, spec.batch_cost)
            full = bool(batch) and is_full(batch, spec.batch_cost)
            if not batch or self._should_linger((spec.name, priority), full):
                return None
            message = BatchMessage(
                batch_id=uuid4(),
                stage=spec.name,
                version=version,
                priority=priority,
                job_ids=tuple(job.job_id for job in batch),
            )
            backlog.dispatch(message.job_ids, message.batch_id)
            return message

    def _should_linger(self, of_class: tuple[str, Priority], full: bool) -> bool:  # noqa: FBT001
        """Let an unfilled batch wait a moment for more jobs."""
        if full:
            self._lingering.pop(of_class, None)
            return False
        since = self._lingering.setdefault(of_class, time.monotonic())
        if time.monotonic() - since < self._settings.linger_s:
            return True
        del self._lingering[of_class]
        return False


def may_send(priority: Priority, in_flight: Mapping[Priority, int], limit: int) -> bool:
    """Whether one more batch of this priority may be in flight.

    Only what is at least as urgent counts, so urgent work never waits for the rest to end. Each
    priority may always have one batch under way, so none starves however urgent the others are.
    """
    ahead = sum(n for other, n in in_flight.items() if other <= priority)
    return ahead < limit or not in_flight.get(priority)
