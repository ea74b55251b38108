"""What commands share: settings, logs, open stores, and where output goes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pydantic import BaseModel
from rich.console import Console
from rich.padding import Padding

from infra.catalog import Catalog
from infra.database import Database, check_revision
from infra.log import configure_logging
from infra.settings import Settings, load_settings, misspelt_variables
from orchestrator.commands.places import plain
from orchestrator.deps import Deps
from schemas.asset import AssetId
from schemas.errors import ConfigurationError

#: Columns of output that no terminal bounds.
_PLAIN_WIDTH = 120


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    return console


#: Answers go to stdout, progress and remarks to stderr.
out = _console(stderr=False)
err = _console(stderr=True)


def print_indented(markup: str, n_columns: int) -> None:
    """Print a paragraph below its heading: wrapped on a terminal, one line elsewhere."""
    if out.is_terminal:
        out.print(Padding(markup, (0, 0, 0, n_columns)))
    else:
        out.print(" " * n_columns + markup, soft_wrap=True)


def open_settings(
    tenant: str | None = None,
    device: str | None = None,
    password_file: str | None = None,
    log_format: str | None = None,
) -> Settings:
    """Settings of this command, with logging set up."""
    given = {"tenant": tenant, "device": device, "password_file": password_file}
    given["log_format"] = log_format
    settings = load_settings(**{name: value for name, value in given.items() if value is not None})
    configure_logging(settings)
    for line in misspelt_variables():
        err.print(f"[yellow]sluice: {plain(line)}[/]", soft_wrap=True)
    return settings


@contextmanager
def open_deps(
    command: str,
    tenant: str | None = None,
    *,
    must_exist: bool = False,
    password_file: str | None = None,
    log_format: str | None = None,
) -> Iterator[Deps]:
    """Open stores for one command, closed at its end; made here unless they `must_exist`.

    Raises:
        ConfigurationError: a setting is wrong, or the embedded store is absent or in use.
    """
    settings = open_settings(tenant, password_file=password_file, log_format=log_format)
    if must_exist:
        require_store(settings)
    with Deps(settings, command) as deps:
        yield deps


def print_json(document: BaseModel) -> None:
    """The one JSON document of a command."""
    print(document.model_dump_json(indent=2))  # noqa: T201  stdout is the interface


@contextmanager
def open_reader(tenant: str | None = None) -> Iterator[tuple[Settings, Database]]:
    """The database alone, for commands that only read: others may have the store open.

    Raises:
        ConfigurationError: there is no store yet.
    """
    settings = open_settings(tenant)
    require_store(settings)
    database = Database(settings.sqlalchemy_url)
    try:
        check_revision(database)
        yield settings, database
    finally:
        database.close()


def require_store(settings: Settings) -> None:
    """Refuse to look into a store that a mistyped or forgotten `SLUICE_HOME` would make.

    Raises:
        ConfigurationError: there is no store yet.
    """
    if not settings.database_url and not settings.database_file.exists():
        raise ConfigurationError(f"{settings.home}: no store there yet; `sluice ingest` makes one")


def get_assets(database: Database, tenant: str, names: Sequence[str]) -> list[AssetId]:
    """Assets that a user named.

    Raises:
        ConfigurationError: a name fits no asset.
    """
    found: dict[AssetId, None] = {}
    with database.read_scope() as session:
        for name in names:
            assets = Catalog(session).find_assets(tenant, name)
            if not assets:
                raise ConfigurationError(f"{name}: no such asset; `sluice ingest` adds it")
            found |= dict.fromkeys(assets)
    return list(found)
