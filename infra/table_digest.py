"""Digests of tables that do not depend on the order of rows, nor on the database."""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Table
from sqlalchemy.orm import Session

from infra.table_copy import Rewrite, raw_rows

#: Digests of rows are added up modulo this: proof against accidents, not against forgers.
_MODULUS = 1 << 128


class TableDigest(NamedTuple):
    """Equal where two tables hold the same rows."""

    n_rows: int
    #: 32 hex digits.
    digest: str


def digest(
    session: Session,
    table: Table,
    rewrite: Rewrite | None = None,
    on_rows: Callable[[int], None] = lambda _n: None,
) -> TableDigest:
    """Read a whole table, in chunks.

    Args:
        session: of SQLite or Postgres.
        table: of content.
        rewrite: what becomes of each row on its way into the target; for the source.
        on_rows: told how many rows were read since it was told last.
    """
    n_rows, total = 0, 0
    for rows in raw_rows(session, table):
        for row in rows:
            canonical = repr(rewrite(row) if rewrite else row).encode("utf-8", "backslashreplace")
            total += int.from_bytes(hashlib.sha256(canonical).digest()[:16])
        n_rows += len(rows)
        on_rows(len(rows))
    return TableDigest(n_rows, f"{total % _MODULUS:032x}")
