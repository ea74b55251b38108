"""`sluice ingest`."""

from collections import Counter
from collections.abc import Sequence

from infra.passwords import read_passwords
from orchestrator.commands import EXIT_FAILED, EXIT_OK, EXIT_STOPPED
from orchestrator.commands.inspect import print_failed
from orchestrator.commands.session import err, open_deps, out, print_json
from orchestrator.deps import Deps
from orchestrator.embedded import see_through
from orchestrator.ingest import UNWELL, Ingest
from orchestrator.progress import ShowProgress
from orchestrator.pump import Pump, Stopped
from schemas.errors import ConfigurationError
from schemas.job import Priority
from schemas.reports import IngestReport

STOPPED_HINT = "Stopped. Nothing is lost: the same command goes on where this one ended."


def run_ingest(
    sources: Sequence[str],
    *,
    wait: bool,
    priority: str,
    tenant: str | None,
    as_json: bool,
    passwords: str | None = None,
) -> int:
    """Ingest and report; the exit status."""
    try:
        with open_deps("ingest", tenant, password_file=passwords) as deps:
            _check_passwords(deps, is_given=passwords is not None)
            report = ingest(deps, sources, parse_priority(priority), wait=wait)
    except Stopped:
        err.print(STOPPED_HINT)
        return EXIT_STOPPED
    if as_json:
        print_json(report)
    else:
        print_report(report)
    return EXIT_FAILED if any(report.counts.get(state) for state in UNWELL) else EXIT_OK


def ingest(
    deps: Deps, sources: Sequence[str], priority: Priority, *, wait: bool = True
) -> IngestReport:
    """Admit the sources and, with `wait`, see them through on the embedded worker.

    Raises:
        Stopped: the user stopped it; what is done is kept.
    """
    run = Ingest(
        deps.database,
        deps.objects,
        deps.intake,
        deps.settings,
        tenant=deps.settings.tenant,
        priority=priority,
    )
    run.check(sources)
    if not wait:
        return run.admit_all(sources)

    def work(pump: Pump) -> IngestReport:
        with ShowProgress(err) as show:
            return run.run(sources, pump, show)

    return see_through(deps, work)


def _check_passwords(deps: Deps, *, is_given: bool) -> None:
    """See that the file can be read before any work begins, and by whom.

    Raises:
        ConfigurationError: it cannot, or not by the workers.
    """
    if deps.settings.is_embedded:
        read_passwords(deps.settings.password_file)
    elif is_given:
        raise ConfigurationError(
            "--password-file: the workers of a cluster decode; set SLUICE_PASSWORD_FILE there"
        )


def parse_priority(name: str) -> Priority:
    """The priority class of that name.

    Raises:
        ConfigurationError: there is none.
    """
    try:
        return Priority[name.upper()]
    except KeyError:
        known = ", ".join(p.name.lower() for p in Priority)
        raise ConfigurationError(f"--priority {name}: expected one of {known}") from None


def print_report(report: IngestReport) -> None:
    """Counts, and what went wrong with everything that is not well."""
    for asset in report.assets:
        if asset.state in UNWELL:
            print_failed(asset.uri, asset.failures, asset.state.value)
    counts = ", ".join(f"{n} {state.value}" for state, n in report.counts.items()) or "nothing"
    inside = sum((Counter(asset.children) for asset in report.assets), Counter())
    inner = ", ".join(f"{n} {state.value}" for state, n in inside.items())
    out.print(f"{counts}{f' (inside them: {inner})' if inner else ''} in {report.seconds:.1f} s")
