"""`sluice scan`."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel, ConfigDict

from infra.scans import ScanProgress
from orchestrator.commands import EXIT_OK, EXIT_STOPPED
from orchestrator.commands.session import err, open_deps, out, print_json
from orchestrator.intake.scan import ScanStopped

_STOPPED_HINT = "Stopped. Nothing is lost: the same command goes on where this one ended."


class ScanReport(BaseModel):
    """What a scan compared and found."""

    model_config = ConfigDict(frozen=True)

    source: str
    n_listed: int
    n_new: int
    n_changed: int
    n_gone: int


def run_scan(
    source: str, *, restart: bool, max_gone: float, tenant: str | None, as_json: bool
) -> int:
    """Compare a bucket with the index; the exit status."""
    with open_deps("scan", tenant) as deps, _stopping() as stopping:
        scan = deps.open_scan(source)
        try:
            with err.status("scanning") as line:

                def show(progress: ScanProgress) -> None:
                    line.update(f"{_words(progress)}; at {progress.after_key!a}")

                progress = scan.run(
                    restart=restart, max_gone=max_gone, show=show, stopping=stopping
                )
        except ScanStopped:
            err.print(_STOPPED_HINT)
            return EXIT_STOPPED
    if as_json:
        found = progress._asdict()
        found.pop("after_key")
        print_json(ScanReport(source=source, **found))
    else:
        out.print(_words(progress))
    return EXIT_OK


def _words(progress: ScanProgress) -> str:
    return (
        f"{progress.n_listed:,} listed, {progress.n_new:,} new, "
        f"{progress.n_changed:,} changed, {progress.n_gone:,} gone"
    )


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Set by Ctrl-C, so that the page at hand is finished; a second one ends at once."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: object) -> None:
        stopping.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopping
    finally:
        signal.signal(signal.SIGINT, before)
