"""The stages of this process: built and loaded once, when their first batch comes."""

import importlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from infra.passwords import read_passwords
from infra.sandbox import Sandbox
from infra.settings import Settings
from schemas.stages import StageSpec
from workers.device import Device
from workers.stage import Stage, StageContext

logger = logging.getLogger(__name__)


class StageCache:
    """Loaded stages by name; safe to share between threads.

    With a budget, stages that nobody uses are unloaded to make room, the longest unused first.
    What a stage takes is measured when it is first loaded, so that load may pass the budget for
    a moment. A single stage that is larger than the budget is loaded alone.
    """

    def __init__(self, settings: Settings, device: Device, sandbox: Sandbox) -> None:
        self._settings = settings
        self.device = device
        self._sandbox = sandbox
        self._budget_bytes = settings.vram_bytes if device.is_cuda else settings.ram_bytes
        #: In the order of their last use.
        self._stages: dict[str, Stage] = {}
        self._n_users: Counter[str] = Counter()
        #: Of every stage that was ever loaded here.
        self._sizes: dict[str, int] = {}
        self._changed = threading.Condition()

    @contextmanager
    def borrow(self, spec: StageSpec) -> Iterator[Stage]:
        """The stage, with its weights on the device, for the length of the block.

        Waits while stages that others use leave no room for it.

        Raises:
            ConfigurationError: its checkpoint is missing or refused.
        """
        with self._changed:
            stage = self._take(spec)
            self._n_users[spec.name] += 1
        try:
            yield stage
        finally:
            with self._changed:
                self._n_users[spec.name] -= 1
                self._evict(0)
                self._changed.notify_all()

    def close(self) -> None:
        """Unload all stages."""
        with self._changed:
            for name in list(self._stages):
                self._unload(name)

    def _take(self, spec: StageSpec) -> Stage:
        while spec.name not in self._stages:
            needed_bytes = self._sizes.get(spec.name, 0)
            self._evict(needed_bytes)
            if self._fits(needed_bytes) or not self._stages:
                self._measure(spec)
            else:
                self._changed.wait()
        stage = self._stages.pop(spec.name)
        self._stages[spec.name] = stage
        return stage

    def _measure(self, spec: StageSpec) -> None:
        before_bytes = self.device.used_bytes() if self._budget_bytes else 0
        self._stages[spec.name] = self._load(spec)
        if self._budget_bytes and spec.name not in self._sizes:
            self._sizes[spec.name] = max(0, self.device.used_bytes() - before_bytes)

    def _fits(self, needed_bytes: int) -> bool:
        held_bytes = sum(self._sizes.get(name, 0) for name in self._stages)
        return not self._budget_bytes or held_bytes + needed_bytes <= self._budget_bytes

    def _evict(self, needed_bytes: int) -> None:
        """Unload what nobody uses until there is room; the last one left may stay."""
        for name in list(self._stages):
            if self._fits(needed_bytes) or (len(self._stages) == 1 and not needed_bytes):
                return
            if not self._n_users[name]:
                self._unload(name)

    def _unload(self, name: str) -> None:
        self._stages.pop(name).unload()
        self.device.trim()
        logger.info("model_unloaded", extra={"stage": name})

    def _load(self, spec: StageSpec) -> Stage:
        started_s = time.monotonic()
        module, _, name = spec.entry.partition(":")
        stage_class: type[Stage] = getattr(importlib.import_module(module), name)
        models = self._settings.model_refs if spec.needs_model else {}
        context = StageContext(
            model=models.get(spec.name),
            judge=models.get(spec.judged_by or ""),
            sandbox=self._sandbox,
            limits=self._settings.media_limits,
            passwords=() if spec.needs_model else read_passwords(self._settings.password_file),
        )
        stage = stage_class(context)
        stage.load(self.device)
        seconds = time.monotonic() - started_s
        logger.info("model_loaded", extra={"stage": spec.name, "seconds": round(seconds, 3)})
        return stage
