"""Engine and session scope; the database's own clock."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Float,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.sql.functions import FunctionElement

from infra.sqlite_errors import judge_sqlite
from schemas.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    StorageFull,
)

#: How long a writer waits for another process's transaction on SQLite.
BUSY_TIMEOUT_MS = 30_000
#: How long a connection to a server may take, and a wait for one of the pool.
_CONNECT_TIMEOUT_S, _POOL_TIMEOUT_S = 5, 30
#: Connections are renewed at this age: firewalls forget those that are long idle.
_POOL_RECYCLE_S = 1800
#: SQLSTATE of a full disk.
_DISK_FULL = "53100"

_MIGRATIONS = Path(__file__).parent / "migrations"


class db_now(FunctionElement[float]):  # noqa: N801  reads as the SQL function it is
    """Unix seconds by the database's clock: leases must not depend on a worker's clock."""

    type = Float()
    inherit_cache = True


@compiles(db_now, "sqlite")
def _sqlite_now(_element: db_now, _compiler: Any, **_kw: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(db_now, "postgresql")
def _postgres_now(_element: db_now, _compiler: Any, **_kw: Any) -> str:
    return "extract(epoch from clock_timestamp())::float8"


class Database:
    """Connections to the database; safe to share between threads."""

    def __init__(self, url: str, *, n_connections: int = 10, timeout_s: float = 30.0) -> None:
        """Connect lazily; a SQLite file's folder is created.

        Args:
            url: of SQLite or Postgres.
            n_connections: to a server, at most; more threads wait for each other.
            timeout_s: for one statement on a server; a transaction that does nothing for twice
                as long is ended by the server, for it would hold rows back from everybody.

        Raises:
            ConfigurationError: not a URL of a database that this installation can talk to.
        """
        try:
            self.url = make_url(url)
            self.is_sqlite = self.url.get_backend_name() == "sqlite"
            options = {} if self.is_sqlite else _server_options(self.url, n_connections, timeout_s)
            self.engine = create_engine(self.url, **options)
        except (ArgumentError, ModuleNotFoundError) as exc:
            raise ConfigurationError(f"SLUICE_DATABASE_URL: {exc}") from exc
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        if self.is_sqlite:
            _configure_sqlite(self.engine)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        readers = self.engine.execution_options(sqlite_begin="BEGIN DEFERRED")
        self._readers = sessionmaker(readers, expire_on_commit=False)

    @contextmanager
    def session_scope(self) -> Iterator[Session]:
        """One transaction that may write: committed at the end, rolled back on any exception.

        Raises:
            DatabaseUnavailable: the database did not answer; nothing is known of the commit.
            StorageFull: no space for the write; nothing was written.
        """
        with translated(), self._sessions.begin() as session:
            yield session

    @contextmanager
    def read_scope(self) -> Iterator[Session]:
        """One transaction that only reads; on SQLite it does not wait for writers."""
        with translated(), self._readers.begin() as session:
            yield session

    def ping(self) -> str:
        """What answers, for `sluice doctor`.

        Raises:
            DatabaseUnavailable: nothing does.
        """
        with self.read_scope() as session:
            session.execute(text("SELECT 1"))
        version = ".".join(map(str, self.engine.dialect.server_version_info or ()))
        return f"{self.engine.dialect.name} {version}".strip()

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's 'not now' errors into ours; defects fly as they are."""
    try:
        yield
    except OperationalError as exc:
        judge_sqlite(exc)
        if _is_disk_full(exc.orig):
            raise StorageFull(f"no space left for the database: {exc.orig}") from exc
        raise DatabaseUnavailable(f"database: {exc.orig}") from exc
    except DBAPIError as exc:
        judge_sqlite(exc)
        if exc.connection_invalidated:
            raise DatabaseUnavailable(f"database connection lost: {exc.orig}") from exc
        raise
    except PoolTimeoutError as exc:
        raise DatabaseUnavailable(f"database: {exc}") from exc


def _is_disk_full(error: Any) -> bool:
    is_told = "disk is full" in str(error) or getattr(error, "errno", None) == errno.ENOSPC
    return is_told or getattr(error, "sqlstate", None) == _DISK_FULL


def _server_options(url: URL, n_connections: int, timeout_s: float) -> dict[str, Any]:
    """Pool and session settings of Postgres; what the URL says itself wins."""
    timeout_ms = round(timeout_s * 1000)
    session = {
        "statement_timeout": timeout_ms,
        "idle_in_transaction_session_timeout": 2 * timeout_ms,
        # A generic plan knows no parameter, and so never uses a partial index.
        "plan_cache_mode": "force_custom_plan",
    }
    ours = " ".join(f"-c{name}={value}" for name, value in session.items())
    return {
        "pool_size": n_connections,
        "max_overflow": 0,
        "pool_timeout": _POOL_TIMEOUT_S,
        "pool_recycle": _POOL_RECYCLE_S,
        "pool_pre_ping": True,
        "connect_args": {
            "application_name": "sluice",
            "connect_timeout": _CONNECT_TIMEOUT_S,
            **url.query,
            "options": f"{ours} {url.query.get('options', '')}".strip(),
        },
    }


def _configure_sqlite(engine: Engine) -> None:
    """WAL, and transactions that SQLAlchemy begins itself.

    Writers begin with IMMEDIATE: a transaction that reads first and writes later would
    otherwise fail at once, without waiting, when another writer got in between.
    """

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            # A power cut may undo the last commits, never tear them: the work runs again.
            "synchronous=NORMAL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        begin = connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE")
        connection.exec_driver_sql(begin)


def migrate(database: Database) -> None:
    """Bring the schema to the newest revision; does nothing when it is there.

    Processes that call it at once wait for each other.

    Raises:
        ConfigurationError: a newer release has changed the schema already.
    """
    from alembic import command
    from alembic.config import Config

    check_revision(database, may_be_older=True)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["engine"] = database.engine
    command.upgrade(config, "head")


def check_revision(database: Database, *, may_be_older: bool = False) -> None:
    """Refuse a schema that this release does not fit.

    Args:
        database: any.
        may_be_older: for the caller that is about to migrate.

    Raises:
        ConfigurationError: the schema is older or newer; says what to do.
    """
    known = revisions()
    found = _find_revision(database)
    if found is not None and found not in known:
        raise ConfigurationError(
            f"the database is at revision {found}, which this release does not know (it knows "
            f"{known[-1]}): update this installation of Sluice"
        )
    if found != known[-1] and not may_be_older:
        state = "empty" if found is None else f"at revision {found}"
        raise ConfigurationError(
            f"the database is {state}, this release needs revision {known[-1]}: start "
            "`sluice orchestrator`, which brings it there"
        )


def revisions() -> list[str]:
    """Names of all revisions of the schema, oldest first: the numbers of the files."""
    return sorted(path.name.partition("_")[0] for path in _MIGRATIONS.glob("versions/[0-9]*.py"))


def _find_revision(database: Database) -> str | None:
    """The revision that the database is at; None where nothing has ever been made."""
    with database.read_scope() as session:
        if not inspect(session.connection()).has_table("alembic_version"):
            return None
        revision: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
        return revision
