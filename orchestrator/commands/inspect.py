"""`sluice show`, `status` and `failures`: reads only."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from rich.table import Table

from infra.reports import Reports
from orchestrator.attendance import find_attendance
from orchestrator.commands import EXIT_OK
from orchestrator.commands.places import clock, plain, spot, title
from orchestrator.commands.session import get_assets, open_reader, out, print_indented, print_json
from schemas.asset import MediaFacts
from schemas.errors import ConfigurationError, Failure
from schemas.job import JobState
from schemas.member import INSIDE
from schemas.reports import (
    AssetDetails,
    Attendance,
    ChildReport,
    FailureList,
    StageReport,
    StatusReport,
)
from schemas.segment import place

#: Segments shown without `--all`.
_FIRST_SEGMENTS = 20
#: Children shown without `--all`.
_FIRST_CHILDREN = 20
#: Columns before what is said of an object.
_INDENT = 4


def run_show(name: str, *, everything: bool, tenant: str | None, as_json: bool) -> int:
    """Print one asset; the exit status."""
    with open_reader(tenant) as (settings, database):
        assets = get_assets(database, settings.tenant, [name])
        if len(assets) > 1:
            raise ConfigurationError(f"{name}: fits {len(assets)} assets; give more of the path")
        with database.read_scope() as session:
            details = Reports(session, settings.tenant, settings.model_refs).details(assets[0])
    if as_json:
        print_json(details)
    else:
        print_details(details, everything=everything)
    return EXIT_OK


def run_status(*, tenant: str | None, as_json: bool) -> int:
    """Print counts by state and stage; the exit status."""
    with open_reader(tenant) as (settings, database), database.read_scope() as session:
        reports = Reports(session, settings.tenant)
        status = StatusReport(
            assets=reports.assets_by_state(),
            n_children=reports.n_children(),
            stages=reports.stages(),
            models={name: model.title for name, model in settings.model_refs.items()},
            attendance=None
            if settings.is_embedded
            else find_attendance(database, settings.heartbeat_s),
        )
    if as_json:
        print_json(status)
    else:
        print_status(status)
    return EXIT_OK


def run_failures(*, tenant: str | None, as_json: bool) -> int:
    """Print every recorded failure; the exit status."""
    with open_reader(tenant) as (settings, database), database.read_scope() as session:
        failures = FailureList(failures=tuple(Reports(session, settings.tenant).failures()))
    if as_json:
        print_json(failures)
        return EXIT_OK
    by_place = attrgetter("uri", "inside")
    for (uri, inside), entries in groupby(sorted(failures.failures, key=by_place), key=by_place):
        print_failed(uri, [entry.failure for entry in entries], inside=inside)
    if not failures.failures:
        out.print("no failures")
    return EXIT_OK


def print_failed(
    uri: str, failures: Iterable[Failure], state: str = "", *, inside: Sequence[str] = ()
) -> None:
    """An object, or what is inside of it, and below it what went wrong with it."""
    name = title(uri, inside)
    out.print(f"[red]{state}[/] {name}" if state else name, soft_wrap=True)
    for failure in failures:
        where = place(failure.locator)
        parts = (failure.stage, spot(where.page, where.start_s, where.end_s))
        spots = " ".join(part for part in parts if part)
        reason = f"{failure.category}: {plain(failure.message)}"
        print_indented(f"[dim]{spots}[/]  {reason}", _INDENT)


def print_details(details: AssetDetails, *, everything: bool) -> None:
    """An asset for people."""
    kind = details.media_type.value if details.media_type else "unknown"
    out.print(f"[bold]{title(details.uri, details.inside)}[/]", soft_wrap=True)
    for uri in details.also_at:
        out.print(f"also at {title(uri)}", soft_wrap=True)
    out.print(f"{kind}, {details.state.value}  [dim]{details.asset_id}[/]", soft_wrap=True)
    if details.facts:
        out.print(f"{', '.join(_facts(details.facts))}", soft_wrap=True)
        out.print(f"[dim]sha256 {details.facts.sha256}[/]", soft_wrap=True)
    if details.stages:
        out.print("", _stage_table(details.stages), sep="\n")
    _print_texts(details, everything=everything)
    print_children(details.children, everything=everything)
    if details.failures:
        out.print()
        print_failed(details.uri, details.failures, "failed", inside=details.inside)


def _facts(facts: MediaFacts) -> Iterator[str]:
    """What was measured, in the words of people."""
    yield plain(facts.mime_type)
    yield f"{facts.size_bytes:,} bytes"
    if facts.width_px and facts.height_px:
        yield f"{facts.width_px} x {facts.height_px} px"
    if facts.n_pages:
        yield f"{facts.n_pages} pages"
    if facts.duration_s is not None:
        yield clock(facts.duration_s)
    if facts.fps:
        yield f"{facts.fps:g} fps"
    if facts.has_video and not facts.has_audio:
        yield "no sound"


def _print_texts(details: AssetDetails, *, everything: bool) -> None:
    """What stages read, said and saw; passages and bare embeddings only repeat it."""
    segments = [s for s in details.segments if s.text and s.role != "passage"]
    shown = segments if everything else segments[:_FIRST_SEGMENTS]
    table = _table("stage", "where", "text")
    for segment in shown:
        stage = details.stages.get(segment.stage)
        remarks = [] if segment.searchable else ["not searched"]
        remarks += ["random weights"] if stage and "random weights" in (stage.model or "") else []
        remark = f"[yellow]({', '.join(remarks)})[/] " if remarks else ""
        where = spot(segment.page, segment.start_s, segment.end_s)
        table.add_row(segment.stage, where, remark + plain(segment.text or ""))
    if shown:
        out.print("", table, sep="\n")
    if len(shown) < len(segments):
        out.print(f"... {len(segments) - len(shown)} more; --all shows them")


def print_children(children: Sequence[ChildReport], *, everything: bool) -> None:
    """What is inside an asset, with states of its own."""
    shown = children if everything else children[:_FIRST_CHILDREN]
    table = _table("inside", "kind", "state", "error")
    for child in shown:
        kind = child.media_type.value if child.media_type else ""
        inside = plain(INSIDE.join(child.inside))
        table.add_row(inside, kind, child.state.value, plain(child.error or ""))
    if shown:
        out.print("", table, sep="\n")
    if len(shown) < len(children):
        out.print(f"... {len(children) - len(shown)} more; --all shows them")


def print_status(status: StatusReport) -> None:
    """Counts for people."""
    assets = ", ".join(f"{n} {state.value}" for state, n in status.assets.items())
    inner = f"; {status.n_children} of them inside others" if status.n_children else ""
    out.print(f"assets: {assets or 'none'}{inner}")
    numbers = ("waiting", "ready", "running", "done", "failed", "jobs/s", "to go")
    table = _table("stage", *numbers, right=numbers)
    for stage, row in status.stages.items():
        n = {state: row.jobs.get(state, 0) for state in JobState}
        table.add_row(
            stage,
            str(n[JobState.WAITING]),
            str(n[JobState.READY] + n[JobState.DISPATCHED]),
            str(n[JobState.RUNNING]),
            str(n[JobState.DONE]),
            str(n[JobState.FAILED] + n[JobState.QUARANTINED]),
            f"{row.rate_per_s:.2f}" if row.rate_per_s else "",
            clock(row.eta_s) if row.eta_s else "",
        )
    out.print(table)
    if status.attendance is not None:
        _print_attendance(status.attendance)
    if untrained := [stage for stage, title in status.models.items() if "random" in title]:
        out.print(f"[yellow]random weights: {', '.join(untrained)}[/]")


def _print_attendance(attendance: Attendance) -> None:
    for worker in attendance.workers:
        silence = "" if worker.is_alive else f" [red]silent for {worker.silent_s:.0f} s[/]"
        out.print(f"worker {plain(worker.name)} on {worker.device}{silence}")
    if attendance.unattended:
        out.print(f"[yellow]no worker takes {', '.join(attendance.unattended)}[/]")
    if attendance.waiting:
        out.print(f"[red]work waits for {', '.join(attendance.waiting)}[/]")


def _stage_table(stages: dict[str, StageReport]) -> Table:
    errors = ("error",) if any(stage.error for stage in stages.values()) else ()
    numbers = ("seconds", "segments")
    table = _table("stage", "state", *numbers, "model", *errors, right=numbers)
    for name, stage in stages.items():
        table.add_row(
            name,
            stage.state.value,
            f"{stage.seconds:.2f}",
            str(stage.n_segments),
            stage.model or "",
            *([plain(stage.error or "")] if errors else []),
        )
    return table


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table
