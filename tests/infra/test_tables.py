"""The migrations lead to the tables, and back."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select

import infra
from infra.database import migrate
from infra.tables import Base, JobRow, ObjectRow
from schemas.job import JobState
from tests.factories import make_plan, plant_asset

MIGRATIONS = Path(infra.__file__).parent / "migrations"


def alembic(database):
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = database.engine
    return config


def test_migrations_lead_to_the_tables(any_database):
    with any_database.engine.connect() as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, Base.metadata)

    assert differences == []


def test_every_migration_runs_down_and_up_again(database):
    config = alembic(database)
    revisions = [r.revision for r in ScriptDirectory.from_config(config).walk_revisions()]

    for revision in [*revisions[1:], "base"]:
        command.downgrade(config, revision)
    assert inspect(database.engine).get_table_names() == ["alembic_version"]

    migrate(database)
    assert set(inspect(database.engine).get_table_names()) > set(Base.metadata.tables)


def test_postgres_migrations_run_down_and_up_again(request, any_database):
    if any_database.is_sqlite:
        pytest.skip("the test above is SQLite's")
    command.downgrade(alembic(any_database), "base")

    migrate(any_database)

    assert "jobs" in inspect(any_database.engine).get_table_names()


def test_migrations_are_one_line_of_succession(database):
    assert len(ScriptDirectory.from_config(alembic(database)).get_heads()) == 1


def test_states_are_stored_by_value(any_database):
    with any_database.session_scope() as session:
        plant_asset(session, [make_plan()])
        raw = session.connection().exec_driver_sql("SELECT state FROM jobs").scalar()

        assert raw == "ready"
        assert session.scalar(select(JobRow.state)) is JobState.READY


def test_size_of_a_large_object_has_room(any_database):
    """Postgres's INTEGER ends at 2 GiB; recordings are larger."""
    with any_database.session_scope() as session:
        plant_asset(session, size_bytes=20 << 30)

        assert session.scalar(select(ObjectRow.size_bytes)) == 20 << 30
