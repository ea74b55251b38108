"""Alembic's entry: runs migrations on the engine that `infra.database.migrate` hands in."""

from alembic import context
from sqlalchemy import text

from infra.tables import Base

#: The key differs by schema, so that several installations may share a database.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' migrate', 0))"


def run() -> None:
    """Run the migrations in one transaction."""
    engine = context.config.attributes["engine"]
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Building an index takes longer than any statement of the pipeline may. The lock
            # makes processes that migrate at once wait; SQLite's transactions do that anyway.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text(_LOCK))
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=connection.dialect.name == "sqlite",
        )
        context.run_migrations()


run()
