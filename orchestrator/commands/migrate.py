"""`sluice migrate`: the installation of this machine into a cluster."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from orchestrator.commands import EXIT_FAILED, EXIT_OK, EXIT_STOPPED
from orchestrator.commands.places import plain
from orchestrator.commands.session import err, open_settings, out, print_json, require_store
from orchestrator.move.ends import check_names, embedded_settings, open_source, open_target
from orchestrator.move.mover import Mover
from schemas.move import MoveReport, MoveState

_STOPPED_HINT = "Stopped. Nothing is lost: the same command goes on where this one ended."
#: Lines about one phase come this often, where there is no terminal.
_LINE_EVERY_S = 5.0


def run_migrate(*, dry_run: bool, as_json: bool) -> int:
    """Move rows, artifacts and points, then compare; the exit status."""
    settings, ours = open_settings(), embedded_settings()
    check_names(settings)
    require_store(ours)
    try:
        with open_source(ours) as source, open_target(settings) as target, _showing() as show:
            mover = Mover(source, target, show)
            report = mover.plan() if dry_run else mover.run()
    except KeyboardInterrupt:
        err.print(_STOPPED_HINT)
        return EXIT_STOPPED
    if as_json:
        print_json(report)
    else:
        _print(report, is_plan=dry_run)
    return EXIT_FAILED if report.differences else EXIT_OK


class _Phases:
    """A bar per phase on a terminal, a line now and then elsewhere."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars

    def phase(self, name: str, total: int | None = None) -> Callable[[int], None]:
        """See `Show`."""
        if not err.is_terminal:
            return _lines(name, total)
        bar = self._bars.add_task(name, total=total)
        return lambda n: self._bars.update(bar, advance=n)


def _lines(name: str, total: int | None) -> Callable[[int], None]:
    err.print(name)
    n_done, told_s = 0, time.monotonic()

    def advance(n: int) -> None:
        nonlocal n_done, told_s
        n_done += n
        if time.monotonic() - told_s > _LINE_EVERY_S:
            told_s = time.monotonic()
            err.print(f"{name}: {n_done:,}" + (f" of {total:,}" if total else ""))

    return advance


@contextmanager
def _showing() -> Iterator[_Phases]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bars:
        yield _Phases(bars)


def _print(report: MoveReport, *, is_plan: bool) -> None:
    out.print(f"from {plain(report.source)}\ninto {plain(report.target)}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for column in ("", "here", "there", ""):
        table.add_column(column, justify="left" if not column else "right")
    for rows in report.tables:
        table.add_row(*_row(f"rows {rows.name}", rows.n_source, rows.n_target))
    for points in report.collections:
        table.add_row(*_row(f"points {points.name}", points.n_source, points.n_target))
    artifacts = report.artifacts
    table.add_row(*_row("artifacts", artifacts.n_source, artifacts.n_target))
    table.add_row(*_row("bytes", artifacts.bytes_source, artifacts.bytes_target))
    out.print(table)
    for line in report.remarks:
        out.print(f"note: {plain(line)}", soft_wrap=True)
    for line in report.differences:
        out.print(f"[red]different[/] {plain(line)}", soft_wrap=True)
    out.print(_verdict(report, is_plan=is_plan), soft_wrap=True)


def _row(name: str, n_source: int, n_target: int | None) -> tuple[str, str, str]:
    return plain(name), f"{n_source:,}", "" if n_target is None else f"{n_target:,}"


def _verdict(report: MoveReport, *, is_plan: bool) -> str:
    if is_plan:
        state = {
            None: "can be moved; nothing was written",
            MoveState.FINISHED: "was moved already; run it again to compare",
        }
        return state.get(report.state, "was begun; run it again to go on")
    if not report.differences:
        return f"[green]moved[/], and equal at both ends ({report.seconds:.0f} s)"
    if report.state is MoveState.FINISHED:
        return "it was moved and equal before: what the cluster did since differs, too"
    return "not equal; run it again: artifacts and points that differ are copied once more"
