"""Processes that run until they are stopped, and what a cluster needs besides."""

from typing import Annotated

import typer

cluster_app = typer.Typer()

Lines = Annotated[
    bool,
    typer.Option("--json", help="A JSON document per line: ready, stopping, stopped. Logs too."),
]


@cluster_app.command()
def up(
    *,
    host: Annotated[str | None, typer.Option(help="Default from SLUICE_API_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Default from SLUICE_API_PORT.")
    ] = None,
    json: Lines = False,
) -> None:
    """Serve the HTTP API and process what is waiting, until Ctrl-C.

    In a cluster it serves the API and does nothing else.

    Exit status: 0 stopped in order, 1 a defect of ours (the log has it), 2 a
    setting is wrong, the home is in use, or a server does not answer.

    Examples:
      sluice up --port 8765
      curl --json '{"text": "a red circle"}' http://127.0.0.1:8765/v1/search
    """
    from orchestrator.commands.up import run_up

    raise typer.Exit(run_up(host=host, port=port, as_json=json))


@cluster_app.command()
def worker(
    *,
    queues: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="prepare, ocr, caption, ... separated by commas; ocr.bulk is one priority. "
            "Default: all.",
        ),
    ] = "",
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda:0, ...; default from SLUICE_DEVICE.")
    ] = None,
    warm: Annotated[
        bool, typer.Option("--warm", help="Load the models before the first batch is taken.")
    ] = False,
    json: Lines = False,
) -> None:
    """Take batches from the broker of a cluster, until SIGTERM or Ctrl-C.

    One process per GPU; keep `prepare` on processes of its own, which need no GPU.

    Exit status: 0 stopped in order, 1 a defect of ours (the log has it), 2 a
    setting is wrong or a server does not answer.

    Examples:
      sluice worker --queues ocr,caption --device cuda:0
      sluice worker --queues prepare --device cpu
    """
    from orchestrator.commands.worker import run_worker

    names = [name.strip() for name in queues.split(",") if name.strip()]
    raise typer.Exit(run_worker(queues=names, device=device, warm=warm, as_json=json))


@cluster_app.command()
def orchestrator(
    *,
    migrate_only: Annotated[
        bool, typer.Option("--migrate-only", help="Bring the database to this release, and end.")
    ] = False,
    json: Lines = False,
) -> None:
    """Dispatch work to the workers of a cluster and listen for bucket events.

    Several may run side by side. The first one brings the database to this release.

    Exit status: 0 stopped in order, 1 a defect of ours (the log has it), 2 a
    setting is wrong or a server does not answer.

    Examples:
      sluice orchestrator
      sluice orchestrator --migrate-only
    """
    from orchestrator.commands.orchestrate import run_orchestrator

    raise typer.Exit(run_orchestrator(migrate_only=migrate_only, as_json=json))


@cluster_app.command()
def doctor(
    *,
    worker: Annotated[
        bool,
        typer.Option("--worker", help="Only whether a worker of this host takes batches: a probe."),
    ] = False,
    servers: Annotated[
        bool,
        typer.Option("--servers", help="Only whether the servers of a cluster answer: a probe."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Check the environment: one line per dependency, and what is wrong with it.

    Examples:
      sluice doctor
      sluice doctor --servers
    """
    from orchestrator.commands.doctor import run_doctor

    raise typer.Exit(run_doctor(as_json=json, worker_only=worker, servers_only=servers))


@cluster_app.command()
def migrate(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be moved, and whether it can be.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Move the installation in SLUICE_HOME into a cluster; no model runs.

    Rows go to SLUICE_DATABASE_URL, artifacts to SLUICE_STORE_URL, points to
    SLUICE_QDRANT_URL, all of them empty; then both ends are compared. Killed or
    stopped, the same command goes on; after the end it only compares again.

    Exit status: 0 moved and equal at both ends; 1 something differs; 2 it cannot
    be moved (in use, a setting is missing, the target is not empty), or a server
    went away; 130 stopped by Ctrl-C.

    Examples:
      sluice migrate --dry-run
      sluice migrate --json > moved.json
    """
    from orchestrator.commands.migrate import run_migrate

    raise typer.Exit(run_migrate(dry_run=dry_run, as_json=json))
