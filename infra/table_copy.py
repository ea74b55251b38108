"""Rows of an embedded database into Postgres: all of them by one transaction, streamed by COPY.

Values are not decoded on the way: JSON stays the text that was stored, so nothing can change in
between, and both sides can be compared by it (`table_digest`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Integer,
    String,
    Table,
    Text,
    Uuid,
    cast,
    func,
    select,
    text,
    type_coerce,
)
from sqlalchemy.orm import Session

from infra.holdings import CONTENT_TABLES, Holdings
from infra.tables import ArtifactRow
from schemas.errors import ConfigurationError, DatabaseUnavailable, StorageFull

#: Rows that the source's driver hands over at once, and after which progress is told.
CHUNK_ROWS = 5_000

#: A row as stored: ids as 32 hex digits, truth as 0 or 1, JSON as its text.
RawRow = tuple[Any, ...]
#: What becomes of a row of one table on its way; its values are in the order of the columns.
Rewrite = Callable[[RawRow], RawRow]


def raw_rows(session: Session, table: Table) -> Iterator[list[RawRow]]:
    """All rows of a table as stored, in chunks; equal for equal rows of SQLite and Postgres."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    query = select(*(_raw(column, is_sqlite=is_sqlite) for column in table.columns))
    streamed = session.execute(query, execution_options={"yield_per": CHUNK_ROWS})
    for chunk in streamed.partitions():
        yield [tuple(row) for row in chunk]


def _raw(column: Column[Any], *, is_sqlite: bool) -> ColumnElement[Any]:
    """The column without SQLAlchemy's decoding, in SQLite's form."""
    stored: ColumnElement[Any]
    if isinstance(column.type, Boolean):
        stored = type_coerce(column, Integer) if is_sqlite else cast(column, Integer)
    elif isinstance(column.type, Uuid):
        hyphened = cast(column, Text)
        stored = type_coerce(column, String) if is_sqlite else func.replace(hyphened, "-", "")
    elif isinstance(column.type, JSON):
        stored = type_coerce(column, String) if is_sqlite else cast(column, Text)
    else:
        stored = type_coerce(column, String) if isinstance(column.type, String) else column
    return stored.label(column.name)


def keys_below(root: str) -> dict[str, Rewrite]:
    """What becomes of rows whose artifacts move below a prefix, which ends with a slash."""
    place = list(ArtifactRow.__table__.columns.keys()).index("key")

    def rewrite(row: RawRow) -> RawRow:
        return (*row[:place], f"{root}{row[place]}", *row[place + 1 :])

    return {ArtifactRow.__tablename__: rewrite} if root else {}


def copy_rows(
    source: Session,
    target: Session,
    rewrites: Mapping[str, Rewrite],
    on_rows: Callable[[int], None],
) -> None:
    """Copy every table of content, references first, and set the sequences behind their ids.

    Nothing is there before the caller commits, and everything afterwards.

    Args:
        source: reads the embedded database.
        target: writes to Postgres; its writers wait until the transaction ends.
        rewrites: by table; the same are given to `digest`.
        on_rows: told how many rows were sent since it was told last.

    Raises:
        ConfigurationError: the target holds rows.
        DatabaseUnavailable: it went away.
    """
    # A table is copied by one statement, however long it takes.
    target.execute(text("SET LOCAL statement_timeout = 0"))
    names = ", ".join(table.name for table in CONTENT_TABLES)
    target.execute(text(f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE"))
    filled = Holdings(target).filled_tables()
    if filled:
        raise ConfigurationError(f"the target's {', '.join(filled)} hold rows by now: not empty")
    for table in CONTENT_TABLES:
        rewrite = rewrites.get(table.name, _as_it_is)
        with _translated():
            _copy(table, raw_rows(source, table), target, rewrite, on_rows)
        _set_sequence(table, target)
        # Queries come right away, long before the server would look at the tables by itself.
        target.execute(text(f"ANALYZE {table.name}"))


def _copy(
    table: Table,
    chunks: Iterator[list[RawRow]],
    target: Session,
    rewrite: Rewrite,
    on_rows: Callable[[int], None],
) -> None:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    driver: Any = target.connection().connection.dbapi_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as to:
        for rows in chunks:
            for row in rows:
                to.write_row(rewrite(row))
            on_rows(len(rows))


def _set_sequence(table: Table, target: Session) -> None:
    """The next row of the target's own must not take an id that came with the move."""
    column = table.autoincrement_column
    if column is None:
        return
    name = func.pg_get_serial_sequence(table.name, column.name)
    highest = select(func.max(column)).scalar_subquery()
    target.execute(select(func.setval(name, highest)).where(highest.is_not(None)))


def _as_it_is(row: RawRow) -> RawRow:
    return row


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's 'not now' errors into ours: COPY is not SQLAlchemy's."""
    try:
        yield
    except psycopg.errors.DiskFull as exc:
        raise StorageFull(f"no space left for the database: {exc}") from exc
    except psycopg.OperationalError as exc:
        raise DatabaseUnavailable(f"database: {exc}") from exc
