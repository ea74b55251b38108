"""`sluice retry` and `delete`."""

from collections.abc import Sequence

from infra.backlog import Backlog
from infra.reports import Reports
from orchestrator.commands import EXIT_FAILED, EXIT_OK, EXIT_STOPPED
from orchestrator.commands.ingest import STOPPED_HINT
from orchestrator.commands.session import err, get_assets, open_deps, out, print_json
from orchestrator.deps import Deps
from orchestrator.embedded import see_through
from orchestrator.ingest import UNWELL
from orchestrator.progress import ShowProgress
from orchestrator.pump import Pump, Stopped
from schemas.reports import ChangeReport


def run_retry(names: Sequence[str], *, tenant: str | None, as_json: bool) -> int:
    """Run failed jobs again; the exit status."""
    try:
        with open_deps("retry", tenant, must_exist=True) as deps:
            report = _retry(deps, names)
    except Stopped:
        err.print(STOPPED_HINT)
        return EXIT_STOPPED
    if as_json:
        print_json(report)
    else:
        counts = ", ".join(f"{n} {state.value}" for state, n in report.assets.items())
        done = f"jobs tried again: {report.n_changed}" if report.n_changed else "nothing to retry"
        out.print(f"{done}; assets: {counts or 'none'}")
    return EXIT_FAILED if any(report.assets.get(state) for state in UNWELL) else EXIT_OK


def _retry(deps: Deps, names: Sequence[str]) -> ChangeReport:
    tenant = deps.settings.tenant
    asset_ids = get_assets(deps.database, tenant, names) if names else None
    with deps.database.session_scope() as session:
        n_jobs = Backlog(session).retry(tenant, asset_ids)

    def work(pump: Pump) -> None:
        with ShowProgress(err) as show:
            pump.run_until(lambda: _is_idle(deps, show))

    if n_jobs:
        see_through(deps, work)
    with deps.database.read_scope() as session:
        return ChangeReport(n_changed=n_jobs, assets=Reports(session, tenant).assets_by_state())


def _is_idle(deps: Deps, show: ShowProgress) -> bool:
    with deps.database.read_scope() as session:
        reports = Reports(session, deps.settings.tenant)
        show(reports.jobs_by_state)
        return not reports.has_open(deps.settings.versions)


def run_delete(names: Sequence[str], *, tenant: str | None, as_json: bool) -> int:
    """Remove assets from the index, vectors and artifacts included; the exit status."""
    with open_deps("delete", tenant, must_exist=True) as deps:
        asset_ids = get_assets(deps.database, deps.settings.tenant, names)
        deps.lifecycle.delete(asset_ids)
        while deps.lifecycle.purge():
            pass
        with deps.database.read_scope() as session:
            assets = Reports(session, deps.settings.tenant).assets_by_state()
    report = ChangeReport(n_changed=len(asset_ids), assets=assets)
    if as_json:
        print_json(report)
    else:
        out.print(f"assets removed from the index: {report.n_changed}")
    return EXIT_OK
