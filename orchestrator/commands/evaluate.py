"""`sluice eval`: read a folder with truths, and say how well."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from infra.catalog import Catalog
from infra.log import configure_logging
from infra.settings import Settings, load_settings
from orchestrator.commands import EXIT_FAILED, EXIT_OK, EXIT_STOPPED
from orchestrator.commands.ingest import STOPPED_HINT, ingest
from orchestrator.commands.places import name as name_of
from orchestrator.commands.places import plain
from orchestrator.commands.session import err, out, print_json
from orchestrator.evaluation.cards import show_value
from orchestrator.evaluation.measure import Answers, Measured, measure, report
from orchestrator.evaluation.outcomes import Outcome, object_ref, read_outcomes
from orchestrator.evaluation.page import render
from orchestrator.evaluation.previews import preview
from orchestrator.evaluation.retrieval import make_questions
from orchestrator.evaluation.scores import METRICS, badness
from orchestrator.evaluation.truths import Case, find_cases
from orchestrator.pump import Stopped
from schemas.errors import ConfigurationError
from schemas.evaluation import EvalReport
from schemas.job import Priority

if TYPE_CHECKING:
    from orchestrator.deps import Deps

#: Files named below the table, the worst first.
_WORST_SHOWN = 10
#: Folder in `SLUICE_HOME` of the stores of evaluations, one per folder that was evaluated.
_STORES = "eval"


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """What the user asked for."""

    folder: Path
    kinds: tuple[str, ...] = ()
    limit: int | None = None
    #: Where the HTML goes; None for none.
    page: Path | None = None
    #: The store to use instead of one of its own in `SLUICE_HOME`.
    store: Path | None = None
    #: Read everything again, whatever earlier runs have read.
    fresh: bool = False


def run_eval(options: EvalOptions, *, as_json: bool) -> int:
    """Evaluate and print; the exit status is 1 if a file did not end as it should."""
    from orchestrator.deps import Deps

    started_s = time.monotonic()
    _check_page(options)
    cases = find_cases(options.folder, options.kinds, options.limit)
    settings = store_settings(options)
    configure_logging(settings)
    try:
        with Deps(settings, "eval") as deps:
            measured = evaluate(deps, cases, fresh=options.fresh)
            result = report(measured, time.monotonic() - started_s)
            if options.page:
                write_page(options, measured, result, deps)
    except Stopped:
        err.print(STOPPED_HINT)
        return EXIT_STOPPED
    if as_json:
        print_json(result)
    else:
        print_report(measured, result)
    return EXIT_OK if result.metrics["states_as_expected"] == 1.0 else EXIT_FAILED


def store_settings(options: EvalOptions) -> Settings:
    """Settings of a store of its own in this process, whatever else is set up here.

    Nothing of an evaluation is seen by searches elsewhere, and the other way round.
    """
    folder = options.folder.absolute()
    digest = hashlib.sha256(str(folder).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    home = options.store or load_settings().home / _STORES / f"{folder.name}-{digest}"
    apart = {"database_url": "", "broker_url": "memory://", "qdrant_url": "", "store_url": ""}
    return load_settings(home=home, **apart)


def evaluate(deps: "Deps", cases: Sequence[Case], *, fresh: bool = False) -> Measured:
    """Read what was not read yet, ask what can be asked, and score all of it.

    Raises:
        Stopped: the user stopped it; what is done is kept.
    """
    if fresh:
        _forget(deps, cases)
    ingest(deps, [str(case.path) for case in cases], Priority.NORMAL)
    settings = deps.settings
    outcomes = read_outcomes(deps.database, settings.tenant, settings.model_refs, cases)
    return measure(cases, outcomes, _ask(deps, cases, outcomes))


def _forget(deps: "Deps", cases: Sequence[Case]) -> None:
    tenant = deps.settings.tenant
    with deps.database.read_scope() as session:
        catalog = Catalog(session)
        assets = [a for case in cases for a in catalog.find_assets(tenant, object_ref(case).uri)]
    deps.lifecycle.delete(list(dict.fromkeys(assets)))
    while deps.lifecycle.purge():
        pass


def _ask(deps: "Deps", cases: Sequence[Case], outcomes: Sequence[Outcome]) -> Answers:
    questions = make_questions(cases, outcomes)
    if questions:
        err.print(f"asking {len(questions)} questions")
    return [(q, deps.searcher.search(q.query(), deps.settings.tenant).hits) for q in questions]


def _check_page(options: EvalOptions) -> None:
    """Refuse a place for the page before the work, not after it."""
    if options.page and not options.page.absolute().parent.is_dir():
        raise ConfigurationError(f"--report {options.page}: its folder does not exist")


def write_page(options: EvalOptions, measured: Measured, result: EvalReport, deps: "Deps") -> None:
    """Write the report for people; an old one is replaced whole.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    assert options.page
    path = options.page.absolute()
    find_preview = partial(preview, artifacts=deps.artifacts, bucket=deps.settings.artifact_bucket)
    page = render(measured, result, options.folder.absolute().name, path.parent, find_preview)
    fresh = path.with_name(f".{path.name}.part")
    try:
        # Names of files may hold bytes that are no text.
        fresh.write_text(page, encoding="utf-8", errors="replace")
        fresh.replace(path)
    except OSError as exc:
        raise ConfigurationError(f"--report {path}: {exc.strerror}") from exc
    err.print(f"report: {plain(str(path))}", soft_wrap=True)


def print_report(measured: Measured, result: EvalReport) -> None:
    """A row per metric, a column per kind; below it the files that are worst off."""
    table = Table(box=None, pad_edge=False)
    table.add_column("metric", no_wrap=True)
    for header in ("all", *result.kinds):
        table.add_column(plain(header), justify="right", overflow="fold")
    for name in METRICS:
        if name in result.metrics:
            slices = (result, *result.kinds.values())
            table.add_row(name, *(_cell(s.metrics.get(name), s.n.get(name)) for s in slices))
    out.print(table)
    _print_worst(measured, result)


def _cell(value: float | None, n: int | None) -> str:
    return "" if value is None else f"{show_value(value)} [dim]{n}[/]"


def _print_worst(measured: Measured, result: EvalReport) -> None:
    faults = [badness(scores) for scores in measured.files]
    worst = sorted(range(len(faults)), key=faults.__getitem__, reverse=True)
    wrong = [number for number in worst if faults[number][0] > 0.0]
    if wrong:
        out.print(f"\nworst of {len(wrong)} files that are not perfect:")
    for number in wrong[:_WORST_SHOWN]:
        file = result.files[number]
        figures = ", ".join(f"{name} {show_value(value)}" for name, value in file.metrics.items())
        out.print(f"{name_of(file.uri)}  [dim]{figures}[/]", soft_wrap=True)
        if file.error:
            out.print(f"    {plain(file.error)}", soft_wrap=True)
