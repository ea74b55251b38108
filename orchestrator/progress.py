"""Progress of a run: a bar per stage on a terminal, plain lines elsewhere; always on stderr."""

import time
from types import TracebackType
from typing import NamedTuple, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.text import Text

from orchestrator.ingest import JobCounts
from orchestrator.pump import Stopped
from schemas.job import TERMINAL_JOB_STATES, JobState

#: Said when work is asked to stop, for that may take as long as a batch.
STOPPING_HINT = "Stopping: the batches at hand are finished first. Ctrl-C again ends at once."

#: How often a bar and a plain line are renewed.
_BAR_EVERY_S, _LINE_EVERY_S = 0.25, 5.0


class _CountColumn(ProgressColumn):
    """Ended of all, aligned over all bars."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:.0f}/{task.total:.0f}", style="green", justify="right")


class _PaceColumn(ProgressColumn):
    """Jobs per second since the stage began and time to go; empty until the first has ended.

    Jobs end in batches, so a rate over the last seconds would mostly be zero.
    """

    def render(self, task: Task) -> Text:
        if not task.completed or not task.elapsed:
            return Text()
        rate = task.completed / task.elapsed
        left_s = round((task.remaining or 0) / rate)
        left = f"{left_s // 60}:{left_s % 60:02d} left" if left_s else ""
        return Text(f"{rate:.1f}/s {left:>10}", style="cyan")


class _Count(NamedTuple):
    """Jobs of one stage."""

    total: int
    ended: int
    failed: int


class ShowProgress:
    """Shows job counts as they change; a context manager."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            _CountColumn(),
            _PaceColumn(),
            TextColumn("[red]{task.fields[failed]}"),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._started_s = time.monotonic()
        self._shown_s = 0.0
        #: Ended jobs when the run began: a second run shows its own work only.
        self._before: dict[str, _Count] = {}

    def __call__(self, counts: JobCounts) -> None:
        """Renew what is shown, if it is time."""
        every_s = _BAR_EVERY_S if self._console.is_terminal else _LINE_EVERY_S
        if time.monotonic() - self._shown_s < every_s:
            return
        self._shown_s = time.monotonic()
        by_stage = {stage: _count(jobs) for stage, jobs in counts().items()}
        self._before = self._before or by_stage
        own = {stage: self._own(stage, now) for stage, now in by_stage.items()}
        begun = {stage: count for stage, count in own.items() if count.total > 0}
        if self._console.is_terminal:
            for stage, count in begun.items():
                self._show_bar(stage, count)
        elif begun:
            self._show_line(begun)

    def _own(self, stage: str, now: _Count) -> _Count:
        """What this run has planned and ended of a stage."""
        before = self._before.get(stage, _Count(0, 0, 0))
        ended, failed = now.ended - before.ended, now.failed - before.failed
        return _Count(now.total - before.ended, max(0, ended), max(0, failed))

    def _show_bar(self, stage: str, count: _Count) -> None:
        failed = f"{count.failed} failed" if count.failed else ""
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=count.total, failed=failed)
        self._bars.update(
            self._tasks[stage], total=count.total, completed=count.ended, failed=failed
        )

    def _show_line(self, begun: dict[str, _Count]) -> None:
        parts = (f"{stage} {count.ended}/{count.total}" for stage, count in begun.items())
        elapsed_s = time.monotonic() - self._started_s
        self._console.print(f"{elapsed_s:6.0f} s  {'  '.join(parts)}", soft_wrap=True)

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        exc: BaseException | None,
        _tb: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        if self._console.is_terminal:
            self._bars.stop()
        if isinstance(exc, Stopped):
            self._console.print(STOPPING_HINT)


def _count(jobs: dict[JobState, int]) -> _Count:
    ended = sum(n for state, n in jobs.items() if state in TERMINAL_JOB_STATES)
    failed = jobs.get(JobState.FAILED, 0) + jobs.get(JobState.QUARANTINED, 0)
    return _Count(sum(jobs.values()), ended, failed)
