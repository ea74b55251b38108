"""`sluice orchestrator`: dispatches, sweeps, purges, and listens for bucket events."""

import signal
from collections.abc import Callable
from types import FrameType

from orchestrator.commands import EXIT_OK
from orchestrator.commands.announce import Announcer
from orchestrator.commands.session import open_settings
from orchestrator.conductor import Conductor
from orchestrator.deps import Deps
from schemas.errors import ConfigurationError

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_orchestrator(*, migrate_only: bool = False, as_json: bool = False) -> int:
    """Work until SIGTERM or Ctrl-C, or only until the schema is there; the exit status."""
    announcer = Announcer("orchestrator", as_json=as_json)
    settings = open_settings(log_format=announcer.log_format)
    if settings.is_embedded:
        raise ConfigurationError(
            "`sluice orchestrator` needs a broker that other processes reach: set "
            "SLUICE_BROKER_URL (amqp:// or redis://); without one `sluice up` does all the work"
        )
    with Deps(settings, "orchestrator", owns_schema=True) as deps:
        if migrate_only:
            announcer.ready("the database is at this release")
            return EXIT_OK
        conductor = Conductor(deps.pump, deps.sources)
        _stop_on_signals(conductor.stop)
        names = [source.name for source in deps.sources]
        said = ", ".join(names) or "no events"
        announcer.ready(f"orchestrating; listens to {said}; Ctrl-C stops", sources=names)
        conductor.run()
    announcer.stopped()
    return EXIT_OK


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """Stop at the first signal; the second ends the process at once."""

    def on_signal(_signum: int, _frame: FrameType | None) -> None:
        for each in _STOPPING:
            signal.signal(each, signal.SIG_DFL)
        stop()

    for signum in _STOPPING:
        signal.signal(signum, on_signal)
