"""An orchestrator process: the pump, and a thread for each source of events."""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from orchestrator.intake.source import Source
from orchestrator.pump import Pump, Stopped

logger = logging.getLogger(__name__)


class Conductor:
    """Runs all parts of an orchestrator until one of them ends or it is told to stop."""

    def __init__(self, pump: Pump, sources: Sequence[Source]) -> None:
        self._pump = pump
        self._sources = sources
        self._stopping = threading.Event()

    def run(self) -> None:
        """Work until `stop`; a part that ends with an error ends the others.

        Raises:
            ConfigurationError: a source or a store refuses us; waiting would not help.
        """
        with ThreadPoolExecutor(1 + len(self._sources), thread_name_prefix="part") as threads:
            parts: list[Future[Any]] = [threads.submit(self._run_pump)]
            parts += [threads.submit(source.run, self._stopping) for source in self._sources]
            wait(parts, return_when=FIRST_COMPLETED)
            self.stop()
        for part in parts:
            part.result()

    def stop(self) -> None:
        """End `run` after the rounds at hand; may be called from a signal handler."""
        self._stopping.set()
        self._pump.stop()

    def _run_pump(self) -> None:
        try:
            self._pump.run_until(lambda: False)
        except Stopped:
            logger.info("orchestrator_stopped")
