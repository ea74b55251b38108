"""The loop of every source of events: poll until told to stop, wait out what is in trouble."""

import logging
from collections.abc import Callable
from threading import Event
from typing import Protocol

from schemas.errors import TransientError

logger = logging.getLogger(__name__)

#: Pauses while a source or a store is in trouble: doubled each time, from the first to the last.
_FIRST_PAUSE_S = 1.0
_LAST_PAUSE_S = 30.0
#: Of kombu's connections, which would try for ever and not see that they are to stop.
TRY_ONCE = {"max_retries": 1, "interval_start": 0.0, "interval_step": 0.0}


class Source(Protocol):
    """Where notices come from; the orchestrator runs each on a thread of its own."""

    #: For logs and `sluice doctor`.
    name: str

    def poll_once(self) -> int:
        """Wait shortly for messages and take them; returns how many there were."""

    def run(self, stopping: Event) -> None:
        """Poll until `stopping` is set, then let go of what is not taken."""


def poll_until(stopping: Event, name: str, poll_once: Callable[[], int]) -> None:
    """Poll again and again; an outage is waited out, for unacknowledged messages come again.

    Raises:
        ConfigurationError: the source or a store refuses us; waiting would not help.
    """
    pause_s = 0.0
    while not stopping.wait(pause_s):
        try:
            poll_once()
            pause_s = 0.0
        except TransientError as exc:
            pause_s = min(max(_FIRST_PAUSE_S, 2 * pause_s), _LAST_PAUSE_S)
            told = {"source": name, "reason": str(exc), "pause_s": pause_s}
            logger.warning("source_paused", extra=told)
