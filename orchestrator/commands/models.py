"""`sluice models`: pull, list, verify."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import NamedTuple

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from infra.hub import HubUnreachable
from infra.hub_cache import pulling
from infra.model_lock import read_lock, write_lock
from infra.profiles import read_unpinned
from infra.settings import Settings
from infra.snapshots import Snapshots
from orchestrator.commands import EXIT_FAILED, EXIT_OK
from orchestrator.commands.places import plain
from orchestrator.commands.session import err, open_settings, out, print_json
from orchestrator.inventory import take_stock
from orchestrator.pull import OFFLINE_ADVICE, OnBytes, Question, pull, questions
from schemas.errors import ConfigurationError
from schemas.lock import ModelLock
from schemas.model_reports import ModelList, PulledModel, PullReport, StageModel

_COLORS = {"here": "green", "unlocked": "yellow", "missing": "red", "damaged": "red"}


class _Place(NamedTuple):
    """Where one command works."""

    settings: Settings
    profile: str
    snapshots: Snapshots


def _open(profile: str | None) -> _Place:
    if find_spec("huggingface_hub") is None:
        raise ConfigurationError("models are pulled where workers run: huggingface_hub is not here")
    settings = open_settings()
    return _Place(settings, profile or settings.models, Snapshots(settings.models_dir))


def run_pull(profile: str | None, *, update: bool, as_json: bool) -> int:
    """Download and lock the models of a profile; the exit status."""
    place, begun_s = _open(profile), time.monotonic()
    asked = questions(read_unpinned(place.profile, place.snapshots.checksums))
    models: list[PulledModel] = []
    if asked:
        with pulling():
            models = [_pull_one(place, question, update=update) for question in asked]
    report = PullReport(
        profile=place.profile,
        lock_file=str(place.settings.lock_file),
        models=tuple(models),
        size_bytes=sum(model.size_bytes for model in models),
        seconds=time.monotonic() - begun_s,
    )
    if as_json:
        print_json(report)
    else:
        _print_pulled(report)
    return EXIT_FAILED if any(m.state == "failed" for m in models) else EXIT_OK


def _pull_one(place: _Place, question: Question, *, update: bool) -> PulledModel:
    """Bring one model here, and lock it at once: what is locked survives an interruption.

    Raises:
        ConfigurationError: nothing answers, so that the next model would fare no better.
    """
    lock = read_lock(place.settings.lock_file)
    locked = None if update else lock.find(*question)
    try:
        with _progress(question.repository) as on_bytes:
            pulled = pull(question, locked, place.snapshots, on_bytes)
    except HubUnreachable as exc:
        raise ConfigurationError(f"{exc}; {OFFLINE_ADVICE}") from exc
    except ConfigurationError as exc:
        err.print(f"[red]failed[/] {plain(str(exc))}", soft_wrap=True)
        return PulledModel(**question._asdict(), commit=None, state="failed", error=str(exc))
    if pulled.model != lock.find(*question):
        write_lock(place.settings.lock_file, lock.with_model(pulled.model))
    model = pulled.model
    return PulledModel.model_validate(
        {
            **question._asdict(),
            "commit": model.commit,
            "state": pulled.state,
            "n_files": len(model.files),
            "size_bytes": model.size_bytes,
        }
    )


@contextmanager
def _progress(repository: str) -> Iterator[OnBytes]:
    """A bar on a terminal, a line per file elsewhere; both on stderr."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(plain(repository), total=None)
        told: set[str] = set()

        def on_bytes(file: str, total_bytes: int, n_bytes: int) -> None:
            progress.update(bar, advance=n_bytes, total=total_bytes)
            if file not in told and not err.is_terminal:
                err.print(f"{plain(repository)}: {plain(file)}", soft_wrap=True)
            told.add(file)

        yield on_bytes


def _print_pulled(report: PullReport) -> None:
    for model in report.models:
        if model.state != "failed":
            size = f"{model.n_files} files, {model.size_bytes / 1e6:.1f} MB"
            commit = (model.commit or "")[:12]
            out.print(f"{model.state}  {plain(model.repository)} @ {commit}  {size}")
    if not report.models:
        out.print(f"{plain(report.profile)} needs nothing from a hub")
        return
    n_failed = sum(model.state == "failed" for model in report.models)
    failed = f", {n_failed} failed" if n_failed else ""
    out.print(
        f"{report.size_bytes / 1e6:.1f} MB locked in {plain(report.lock_file)} "
        f"({report.seconds:.0f} s){failed}"
    )


def run_list(profile: str | None, *, as_json: bool) -> int:
    """Show what each stage runs; reads no weights; the exit status."""
    report = _take_stock(_open(profile), afresh=False)
    _print_stock(report, as_json=as_json)
    return EXIT_OK


def run_verify(profile: str | None, *, as_json: bool) -> int:
    """Compare every byte with the lock; the exit status."""
    report = _take_stock(_open(profile), afresh=True)
    _print_stock(report, as_json=as_json)
    return EXIT_OK if all(model.state == "here" for model in report.stages) else EXIT_FAILED


def _take_stock(place: _Place, *, afresh: bool) -> ModelList:
    lock: ModelLock = read_lock(place.settings.lock_file)
    models = read_unpinned(place.profile, place.snapshots.checksums)
    return ModelList(
        profile=place.profile,
        lock_file=str(place.settings.lock_file),
        stages=tuple(take_stock(models, lock, place.snapshots, afresh=afresh)),
    )


def _print_stock(report: ModelList, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    table = Table(box=None, pad_edge=False)
    for column in ("stage", "model", "family", "revision", "MB", "state"):
        table.add_column(column, overflow="fold", justify="right" if column == "MB" else "left")
    for model in report.stages:
        revision = model.commit[:12] if model.commit else model.revision
        size = f"{model.size_bytes / 1e6:.1f}"
        source = plain(model.source)
        table.add_row(model.stage, source, model.family, plain(revision), size, _state(model))
    out.print(table)
    for model in report.stages:
        if model.error:
            out.print(f"{model.stage}: {plain(model.error)}")


def _state(model: StageModel) -> str:
    words = [f"[{_COLORS[model.state]}]{model.state}[/]"]
    if model.verified is not None:
        words.append("verified" if model.verified else "not verified")
    if model.random_weights:
        words.append("[yellow]random weights[/]")
    return ", ".join(words)
