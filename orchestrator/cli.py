"""`sluice`: the command line. Imports stay light, so that `--help` answers at once."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli_cluster import cluster_app
from orchestrator.cli_models import models_app
from orchestrator.commands import EXIT_USAGE
from schemas.asset import MediaType
from schemas.errors import ConfigurationError, IngestError

app = typer.Typer(
    name="sluice",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help=(
        "Turn a bucket of media into a searchable index.\n\n"
        "With [bold]--json[/] a command prints one document for machines. Exit status: 0 fine, "
        "1 some assets failed, 2 wrong usage or environment, 130 stopped by Ctrl-C. Settings "
        "come from SLUICE_* and sluice.toml."
    ),
)
app.add_typer(models_app, name="models")
app.add_typer(cluster_app)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Tenant = Annotated[str | None, typer.Option(help="Whose media; default from SLUICE_TENANT.")]
Assets = Annotated[
    list[str],
    typer.Argument(metavar="ASSET", help="Ids, starts of ids, URIs, paths or ends of them."),
]
Sources = Annotated[
    list[str], typer.Argument(metavar="SOURCE", help="Files, folders or s3://BUCKET/PREFIX.")
]
PriorityName = Annotated[
    str, typer.Option(help="interactive, normal or bulk.", metavar="CLASS", show_default=True)
]

PasswordFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="Passwords of encrypted PDFs, one a line.")
]


@app.command()
def demo(*, json: Json = False) -> None:
    """Run the sample media through the whole pipeline, then search them.

    Examples:
      sluice demo
      sluice demo --json | jq '.searches'
    """
    from orchestrator.commands.demo import run_demo

    raise typer.Exit(run_demo(as_json=json))


@app.command()
def ingest(
    sources: Sources,
    *,
    wait: Annotated[
        bool, typer.Option(help="See the work through; --no-wait only admits the objects.")
    ] = True,
    priority: PriorityName = "normal",
    password_file: PasswordFile = None,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Read objects into the index. Running it again does no work twice.

    Examples:
      sluice ingest ~/Pictures
      sluice ingest s3://media/2026/ --priority bulk
      sluice ingest report.pdf talk.mp4 --json
    """
    from orchestrator.commands.ingest import run_ingest

    status = run_ingest(
        sources, wait=wait, priority=priority, tenant=tenant, as_json=json, passwords=password_file
    )
    raise typer.Exit(status)


@app.command()
def scan(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="s3://BUCKET or a prefix of it.")],
    *,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew, not where a scan was stopped.")
    ] = False,
    max_gone: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Share of the index that may be dropped as gone."),
    ] = 0.5,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Admit what a bucket has more than the index, drop what it has less.

    Examples:
      sluice scan s3://media/2026/
      sluice scan s3://media --max-gone 1
    """
    from orchestrator.commands.scan import run_scan

    raise typer.Exit(
        run_scan(source, restart=restart, max_gone=max_gone, tenant=tenant, as_json=json)
    )


@app.command()
def search(  # noqa: PLR0913  one parameter per option
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="What to look for.")] = None,
    *,
    image: Annotated[Path | None, typer.Option(help="Look for what this picture shows.")] = None,
    audio: Annotated[Path | None, typer.Option(help="Look for what this recording holds.")] = None,
    weight_image: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Image against text when both are given.")
    ] = 0.5,
    kind: Annotated[
        list[MediaType] | None,
        typer.Option(metavar="KIND", help="image, document, audio or video; may be repeated."),
    ] = None,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="KEY=VALUE",
            help="mime_type, bucket, language, stage, page, asset_id, created_after or "
            "created_before; may be repeated.",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most hits shown.")] = 10,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Find the page, the picture or the second that answers.

    Examples:
      sluice search "delivery note" --kind document
      sluice search --image circle.jpg --limit 5
      sluice search "a red circle" --filter language=en --json
    """
    from orchestrator.commands.search import SearchOptions, run_search

    options = SearchOptions(
        text=text,
        image=image,
        audio=audio,
        weight_image=weight_image,
        kinds=tuple(kind or ()),
        filters=tuple(filters or ()),
        limit=limit,
    )
    raise typer.Exit(run_search(options, tenant=tenant, as_json=json))


@app.command()
def show(
    asset: Annotated[
        str,
        typer.Argument(metavar="ASSET", help="An id, the start of one, a URI, a path or its end."),
    ],
    *,
    all_segments: Annotated[
        bool, typer.Option("--all", help="All segments, not the first ones only.")
    ] = False,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Show facts, stages, segments and failures of an asset.

    Examples:
      sluice show report.pdf
      sluice show 271e0c25 --all
    """
    from orchestrator.commands.inspect import run_show

    raise typer.Exit(run_show(asset, everything=all_segments, tenant=tenant, as_json=json))


@app.command()
def status(*, tenant: Tenant = None, json: Json = False) -> None:
    """Show counts by state and stage, rates and time to go.

    Examples:
      sluice status
      watch sluice status
    """
    from orchestrator.commands.inspect import run_status

    raise typer.Exit(run_status(tenant=tenant, as_json=json))


@app.command()
def failures(*, tenant: Tenant = None, json: Json = False) -> None:
    """List what went wrong: object, stage, place, reason.

    Examples:
      sluice failures
      sluice failures --json | jq -r '.failures[].uri'
    """
    from orchestrator.commands.inspect import run_failures

    raise typer.Exit(run_failures(tenant=tenant, as_json=json))


@app.command()
def retry(
    assets: Annotated[
        list[str] | None, typer.Argument(metavar="ASSET", help="Default: all that failed.")
    ] = None,
    *,
    tenant: Tenant = None,
    json: Json = False,
) -> None:
    """Run failed and quarantined jobs again from their first attempt.

    Examples:
      sluice retry
      sluice retry talk.mp4
    """
    from orchestrator.commands.change import run_retry

    raise typer.Exit(run_retry(assets or [], tenant=tenant, as_json=json))


@app.command()
def delete(assets: Assets, *, tenant: Tenant = None, json: Json = False) -> None:
    """Remove assets from the index; the objects themselves stay where they are.

    Ingesting an object again brings it back.

    Examples:
      sluice delete report.pdf s3://media/2026/talk.mp4
    """
    from orchestrator.commands.change import run_delete

    raise typer.Exit(run_delete(assets, tenant=tenant, as_json=json))


@app.command("eval")
def evaluate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Files with truths beside them.")],
    *,
    kind: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Only truths of this kind; may be repeated."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many files, spread over all.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html", help="Write a page with the worst cases and their media."
        ),
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Where it keeps what it read; default in SLUICE_HOME.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Read everything again.")] = False,
    json: Json = False,
) -> None:
    """Measure how well a folder of media is read and found again.

    Each file with a truth FILE.gt.json beside it is read into a store of its own; running it
    again does no work twice. Exit status 1: a file did not end as its truth says.

    Examples:
      sluice eval ~/truths --report truths.html
      sluice eval ~/truths --kind speech --json
    """
    from orchestrator.commands.evaluate import EvalOptions, run_eval

    options = EvalOptions(
        folder=folder, kinds=tuple(kind or ()), limit=limit, page=report, store=store, fresh=fresh
    )
    raise typer.Exit(run_eval(options, as_json=json))


def main() -> None:
    """Run a command; expected errors become one line and an exit status."""
    try:
        app(prog_name="sluice")
    except (ConfigurationError, IngestError) as exc:
        from orchestrator.commands.places import visible

        line = " ".join(str(exc).splitlines())
        sys.stderr.write(f"sluice: {visible(line)}\n")
        sys.exit(EXIT_USAGE)
