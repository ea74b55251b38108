"""What SQLite's result codes mean: the class of its exceptions does not say it."""

import sqlite3

from sqlalchemy.exc import DBAPIError

from schemas.errors import ConfigurationError, DatabaseDamaged

#: The file is broken, or something else lies in its place.
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
#: The low byte of an extended code is the code itself.
_PRIMARY = 0xFF


def judge_sqlite(exc: DBAPIError) -> None:
    """Raise what trying again cannot help; return where it may, or where it was not SQLite.

    "No such table" is an `OperationalError` like "database is locked", and a file that is no
    database is a bare `DatabaseError`: only the code tells (https://www.sqlite.org/rescode.html).

    Raises:
        DatabaseDamaged: the file must be restored or moved away.
        ConfigurationError: the file may not be written.
        DBAPIError: the statement was wrong, so it is a defect of ours.
    """
    code = getattr(exc.orig, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY
    if code in _DAMAGED:
        raise DatabaseDamaged(
            f"the database is damaged ({exc.orig}): restore a backup, or move sluice.db away "
            "together with its -wal and -shm files and ingest again"
        ) from exc
    if code == sqlite3.SQLITE_READONLY:
        raise ConfigurationError(f"the database may not be written: {exc.orig}") from exc
    if code == sqlite3.SQLITE_ERROR:
        raise exc
