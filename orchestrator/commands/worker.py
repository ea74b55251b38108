"""`sluice worker`: one process that takes batches, one per GPU."""

from collections.abc import Sequence

from infra.queues import parse_queues, queue_names
from orchestrator.commands import EXIT_OK
from orchestrator.commands.announce import Announcer
from orchestrator.commands.session import open_settings
from orchestrator.deps import Deps
from schemas.errors import ConfigurationError


def run_worker(
    *, queues: Sequence[str], device: str | None, warm: bool = False, as_json: bool = False
) -> int:
    """Work until SIGTERM or Ctrl-C; the exit status."""
    announcer = Announcer("worker", as_json=as_json)
    settings = open_settings(device=device, log_format=announcer.log_format)
    if settings.is_embedded:
        raise ConfigurationError(
            "`sluice worker` needs a broker that other processes reach: set SLUICE_BROKER_URL "
            "(amqp:// or redis://); without one `sluice up` does all the work itself"
        )
    names = parse_queues(queues) if queues else queue_names()
    with Deps(settings, "worker") as deps:
        service = deps.worker_service(names)
        if warm:
            deps.worker.warm(names)
        name, said = deps.worker.name, ", ".join(queues) or "all"
        service.run(
            on_ready=lambda: announcer.ready(f"{name} takes {said}", name=name, queues=[*names]),
            on_stopping=announcer.stopping,
        )
        if deps.worker.runner.defect:
            raise deps.worker.runner.defect
    announcer.stopped()
    return EXIT_OK
