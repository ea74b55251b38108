"""One leader among several processes, by a lock that the database drops with its holder."""

from contextlib import ExitStack

from sqlalchemy import Connection, text

from infra.database import Database, translated
from schemas.errors import DatabaseUnavailable

#: The key differs by schema, so that several installations may share a database.
_TRY = text("SELECT pg_try_advisory_lock(hashtextextended(current_schema() || :matter, 0))")
_ALIVE = text("SELECT 1")


class Leadership:
    """Whether this process leads in a matter. One thread may use it.

    A leader that loses its connection has lost the lead. It learns of that with its next `hold`,
    so two leaders may overlap for one round: what they do must be safe to do twice.
    """

    def __init__(self, database: Database, matter: str) -> None:
        self._database = database
        self._matter = matter
        #: Holds the lock; open only while this process leads.
        self._connection: Connection | None = None

    def hold(self) -> bool:
        """Keep the lead or take it; False while another process has it.

        The only process on a SQLite file always leads.

        Raises:
            DatabaseUnavailable: nobody knows who leads.
        """
        if self._database.is_sqlite:
            return True
        try:
            with translated():
                if self._connection is not None:
                    self._connection.execute(_ALIVE)
                    return True
                return self._take()
        except DatabaseUnavailable:
            self.close()
            raise

    def _take(self) -> bool:
        with ExitStack() as opened:
            connection = self._database.engine.connect()
            opened.callback(connection.close)
            # A transaction that stays open would keep the server from cleaning up.
            connection.execution_options(isolation_level="AUTOCOMMIT")
            if not connection.scalar(_TRY, {"matter": f" {self._matter}"}):
                return False
            # Not the pool's any more: the lock belongs to this very connection.
            connection.detach()
            self._connection = connection
            opened.pop_all()
        return True

    def close(self) -> None:
        """Give the lead up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
