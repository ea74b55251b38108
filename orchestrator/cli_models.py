"""`sluice models ...`: parsing; imports stay light."""

from typing import Annotated

import typer

models_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help=(
        "Checkpoints: pull them from a hub, list them, verify them.\n\n"
        "A profile (SLUICE_MODELS) names the model of each stage. Workers load only what "
        "models.lock names, and compare it with its checksums."
    ),
)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Profile = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="demo, small, large or a TOML file; default SLUICE_MODELS."),
]


@models_app.command("pull")
def pull_models(
    *,
    profile: Profile = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Lock what the revisions are today, not what they were."),
    ] = False,
    json: Json = False,
) -> None:
    """Download the models of a profile and lock their commits and checksums.

    Only weights in safetensors and their configs are fetched. Running it again fetches what is
    missing; an interrupted download goes on. HF_ENDPOINT (a mirror), HF_HOME, HF_HUB_OFFLINE and
    HF_TOKEN are respected. Exit status 1: some models failed; 2: no hub answers.

    Examples:
      sluice models pull --profile small
      HF_ENDPOINT=https://mirror.example sluice models pull --json
    """
    from orchestrator.commands.models import run_pull

    raise typer.Exit(run_pull(profile, update=update, as_json=json))


@models_app.command("list")
def list_models(*, profile: Profile = None, json: Json = False) -> None:
    """Show what each stage runs, and whether it is here.

    Examples:
      sluice models list
      sluice models list --profile large --json
    """
    from orchestrator.commands.models import run_list

    raise typer.Exit(run_list(profile, as_json=json))


@models_app.command("verify")
def verify_models(*, profile: Profile = None, json: Json = False) -> None:
    """Compare every byte of the models with the lock. Exit status 1: something is not as locked.

    Examples:
      sluice models verify
      sluice models verify --profile small --json
    """
    from orchestrator.commands.models import run_verify

    raise typer.Exit(run_verify(profile, as_json=json))
