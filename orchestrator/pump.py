"""The loop that keeps work moving: dispatch, sweep, purge."""

import logging
import math
import threading
import time
from collections.abc import Callable

from orchestrator.dispatcher import Dispatcher
from orchestrator.lifecycle import Lifecycle
from orchestrator.sweeper import Sweeper
from schemas.errors import ConfigurationError, TransientError

logger = logging.getLogger(__name__)

#: Pause of a loop that found nothing to do; bounds how late a ready job is seen.
_IDLE_S = 0.05
#: How often a process that only waits for others looks.
_LOOK_EVERY_S = 0.5
#: Pause of a loop whose database or stores are in trouble.
_OUTAGE_S = 1.0
#: How often lost work and deleted assets are looked for.
_SWEEP_EVERY_S = 15.0


class Stopped(Exception):
    """The loop was told to stop before its work was through."""


class Pump:
    """Moves jobs from the database to workers until told to stop."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        sweeper: Sweeper,
        lifecycle: Lifecycle,
        find_defect: Callable[[], ConfigurationError | None] = lambda: None,
        leads: Callable[[], bool] = lambda: True,
    ) -> None:
        """Nothing moves yet.

        Args:
            dispatcher: asked in every round.
            sweeper: asked now and then.
            lifecycle: asked now and then to purge.
            find_defect: why the embedded worker can do nothing, if it can't.
            leads: whether this process sweeps and purges; another does it otherwise.
        """
        self._dispatcher = dispatcher
        self._sweeper = sweeper
        self._lifecycle = lifecycle
        self._find_defect = find_defect
        self._leads = leads
        self._stopped = threading.Event()
        self._swept_s = -math.inf
        self._in_trouble = False

    def run_until(self, is_finished: Callable[[], bool]) -> None:
        """Keep work moving until `is_finished`, which is asked after every round.

        Raises:
            Stopped: `stop` was called first.
            ConfigurationError: the worker cannot do its work with these settings.
        """
        while True:
            pause_s = self._pause_after_turn()
            if is_finished():
                return
            if self._stopped.wait(pause_s):
                raise Stopped

    def _pause_after_turn(self) -> float:
        """One round; what it meets of outages is waited out, for jobs are safe in the database."""
        try:
            n_sent = self.turn()
        except TransientError as exc:
            if not self._in_trouble:
                logger.warning("work_paused", extra={"reason": str(exc)})
            self._in_trouble = True
            return _OUTAGE_S
        self._in_trouble = False
        return 0.0 if n_sent else _IDLE_S

    def turn(self) -> int:
        """One round; returns the number of batches sent."""
        if defect := self._find_defect():
            raise defect
        if time.monotonic() - self._swept_s > _SWEEP_EVERY_S:
            if self._leads():
                self._sweeper.sweep()
                self._lifecycle.purge()
            self._swept_s = time.monotonic()
        return self._dispatcher.dispatch()

    def stop(self) -> None:
        """Make `run_until` end after its round; may be called from any thread."""
        self._stopped.set()


class Watch(Pump):
    """In a cluster others move the work; this process only looks until it is done."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def _pause_after_turn(self) -> float:
        return _LOOK_EVERY_S
