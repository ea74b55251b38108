"""`sluice doctor`: one line per dependency."""

import platform
import shutil
from collections.abc import Callable, Iterable, Iterator

from rich.table import Table

from infra.home_lock import StoreInUse
from infra.sandbox import Sandbox
from infra.settings import SandboxMode, Settings
from orchestrator.commands import EXIT_OK, EXIT_USAGE
from orchestrator.commands.doctor_cluster import cluster_checks, server_checks, worker_check
from orchestrator.commands.places import plain
from orchestrator.commands.session import open_settings, out, print_json
from orchestrator.deps import Deps
from schemas.errors import ConfigurationError, IngestError
from schemas.reports import Check, DoctorReport

#: Less free space than this is worth a word.
_LOW_DISK_BYTES = 2 << 30

_SANDBOX_ADVICE = "see what needs which kernel in docs/security.md"
#: The doctor tells all that is missing, where a worker would refuse at once.
_LENIENT: dict[SandboxMode, SandboxMode] = {"auto": "auto", "required": "auto", "off": "off"}

_COLORS = {"ok": "green", "warning": "yellow", "error": "red"}


def run_doctor(*, as_json: bool, worker_only: bool = False, servers_only: bool = False) -> int:
    """Check everything, print, and fail if something that is needed does not work.

    Args:
        as_json: for machines.
        worker_only: ask only for a living worker of this host.
        servers_only: ask only for the servers of a cluster, not for who works.
    """
    settings = open_settings()
    if worker_only:
        checks: Iterable[Check] = [worker_check(settings)]
    else:
        checks = server_checks(settings) if servers_only else _checks(settings)
    report = DoctorReport(checks=tuple(checks))
    if as_json:
        print_json(report)
    else:
        print_checks(report)
    return EXIT_USAGE if any(c.status == "error" for c in report.checks) else EXIT_OK


def print_checks(report: DoctorReport) -> None:
    """A line per check, then what to do, each piece of advice once."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for column in ("status", "name", "found"):
        table.add_column(column, overflow="fold")
    advice: dict[str, list[str]] = {}
    for check in report.checks:
        color = _COLORS[check.status]
        latency = "" if check.latency_ms is None else f"  [dim]{check.latency_ms:.1f} ms[/]"
        table.add_row(f"[{color}]{check.status}[/]", check.name, plain(check.found) + latency)
        if check.advice:
            advice.setdefault(check.advice, []).append(check.name)
    out.print(table)
    for what_to_do, names in advice.items():
        out.print(f"{', '.join(names)}: {plain(what_to_do)}")


def _checks(settings: Settings) -> Iterator[Check]:
    yield Check(name="python", status="ok", found=platform.python_version())
    yield _probe("ffmpeg", _find_ffmpeg)
    yield from _sandbox(settings)
    yield from _models(settings)
    yield _disk(settings)
    yield from _stores(settings) if settings.is_embedded else cluster_checks(settings)


def _probe(name: str, find: Callable[[], str]) -> Check:
    try:
        return Check(name=name, status="ok", found=find())
    except (ConfigurationError, IngestError) as exc:
        return Check(name=name, status="error", found=str(exc))


def _find_ffmpeg() -> str:
    from infra.ffmpeg import ffmpeg_binary

    return ffmpeg_binary()


def _sandbox(settings: Settings) -> Iterator[Check]:
    """Have a confined child try to get out, instead of trusting that it can't."""
    limits = settings.sandbox_limits.model_copy(update={"n_children": 1})
    sandbox = Sandbox(limits, settings.sandbox_dir, mode=_LENIENT[settings.sandbox])
    needed = settings.sandbox == "required"
    try:
        for guard in sandbox.check():
            missing = "error" if needed or guard.name == "limits" else "warning"
            yield Check(
                name=f"sandbox {guard.name}",
                status="ok" if guard.holds else missing,
                found=guard.found,
                advice=None if guard.holds else _SANDBOX_ADVICE,
            )
    except (ConfigurationError, IngestError) as exc:
        yield Check(name="sandbox", status="error", found=str(exc))
    finally:
        sandbox.close()


def _models(settings: Settings) -> Iterator[Check]:
    try:
        models = settings.model_refs
    except ConfigurationError as exc:
        yield Check(name="models", status="error", found=str(exc))
        return
    for stage, model in models.items():
        untrained = model.random_weights
        yield Check(
            name=f"model of {stage}",
            status="warning" if untrained else "ok",
            found=f"{model.title} @ {model.revision}",
            advice="random output means nothing; name another profile in SLUICE_MODELS"
            if untrained
            else None,
        )


def _disk(settings: Settings) -> Check:
    folder = settings.home if settings.home.exists() else settings.home.absolute().parent
    free_bytes = shutil.disk_usage(folder).free
    low = free_bytes < _LOW_DISK_BYTES
    return Check(
        name="disk",
        status="warning" if low else "ok",
        found=f"{free_bytes / 1e9:.1f} GB free in {settings.home}",
        advice="artifacts, rows and vectors need room" if low else None,
    )


def _stores(settings: Settings) -> Iterator[Check]:
    """Open the stores as any command would; a store in use is fine, and says by whom."""
    try:
        with Deps(settings, "doctor") as deps:
            yield from (Check(name=n, status="ok", found=f) for n, f in deps.ping().items())
    except StoreInUse as exc:
        yield Check(name="stores", status="warning", found=str(exc))
    except (ConfigurationError, IngestError) as exc:
        yield Check(name="stores", status="error", found=str(exc))
