"""The two ends of a move: the home of this machine, and the cluster that the settings name."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.database import Database
from infra.object_store import ObjectStore
from infra.settings import Settings, load_settings
from infra.vectors.store import VectorStore
from orchestrator.deps import Deps, open_objects, open_vectors
from schemas.errors import ConfigurationError

#: Settings of an installation that keeps everything in its home, whatever the environment says.
_EMBEDDED = {"broker_url": "memory://", "database_url": "", "qdrant_url": "", "store_url": ""}


@dataclass(frozen=True, kw_only=True)
class End:
    """One installation, open."""

    settings: Settings
    database: Database
    artifacts: ObjectStore
    vectors: VectorStore


def embedded_settings() -> Settings:
    """Settings of the installation in `SLUICE_HOME`."""
    return load_settings(**_EMBEDDED)


@contextmanager
def open_source(settings: Settings) -> Iterator[End]:
    """The installation of this machine; nothing else uses it meanwhile.

    Raises:
        StoreInUse: another process has it open.
    """
    with Deps(settings, "migrate") as deps:
        yield End(
            settings=settings,
            database=deps.database,
            artifacts=deps.artifacts,
            vectors=deps.vectors,
        )


@contextmanager
def open_target(settings: Settings) -> Iterator[End]:
    """The servers of the cluster; nothing is made or changed by opening them.

    Raises:
        ConfigurationError: the settings do not name a whole cluster.
    """
    check_names(settings)
    with ExitStack() as resources:
        database = Database(settings.sqlalchemy_url, timeout_s=settings.database_timeout_s)
        resources.callback(database.close)
        vectors = open_vectors(settings)
        resources.callback(vectors.close)
        yield End(
            settings=settings,
            database=database,
            artifacts=open_objects(settings),
            vectors=vectors,
        )


def check_names(settings: Settings) -> None:
    """Refuse settings that leave a part of the installation on this machine.

    Raises:
        ConfigurationError: names what is missing.
    """
    named = {
        "SLUICE_BROKER_URL (amqp:// or redis://)": not settings.is_embedded,
        "SLUICE_DATABASE_URL (postgresql://)": settings.database_url.startswith("postgresql"),
        "SLUICE_QDRANT_URL (http://)": bool(settings.qdrant_url),
        "SLUICE_STORE_URL (s3://bucket/prefix)": urlsplit(settings.store_url).scheme == "s3",
    }
    missing = [name for name, is_named in named.items() if not is_named]
    if missing:
        raise ConfigurationError(
            f"name the cluster to move {settings.home} into; missing: {', '.join(missing)}"
        )


def describe_source(end: End) -> str:
    """The home, with the machine that it is on."""
    return f"{socket.gethostname()}:{end.settings.home.resolve()}"


def describe_target(end: End) -> str:
    """The database, without its password."""
    return end.database.url.set(query={}).render_as_string(hide_password=True)


def describe_stores(end: End) -> str:
    """Where artifacts and points are."""
    return f"{end.settings.store_url} and {end.settings.qdrant_url}"
