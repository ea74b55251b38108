import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from infra.sqlite_errors import judge_sqlite
from schemas.errors import ConfigurationError, DatabaseDamaged


def error_of(path, statement, *before):
    """What SQLite says to a statement."""
    engine = create_engine(f"sqlite:///{path}?timeout=0")
    try:
        with engine.connect() as connection:
            for earlier in before:
                connection.execute(text(earlier))
            connection.execute(text(statement))
    except DBAPIError as exc:
        return exc
    finally:
        engine.dispose()
    raise AssertionError


def test_file_that_is_no_database_is_damaged(tmp_path):
    (tmp_path / "sluice.db").write_bytes(b"no database, whatever the name says" * 40)

    with pytest.raises(DatabaseDamaged, match=r"\(file is not a database\): restore a backup"):
        judge_sqlite(error_of(tmp_path / "sluice.db", "SELECT * FROM jobs"))


def test_file_that_was_overwritten_in_the_middle_is_damaged(tmp_path, migrated_file):
    content = migrated_file.read_bytes()
    (tmp_path / "sluice.db").write_bytes(content[:4096] + bytes(len(content) - 4096))

    with pytest.raises(DatabaseDamaged, match="malformed"):
        judge_sqlite(error_of(tmp_path / "sluice.db", "SELECT * FROM jobs"))


def test_statement_that_is_wrong_is_a_defect(tmp_path):
    with pytest.raises(OperationalError, match="no such table"):
        judge_sqlite(error_of(tmp_path / "sluice.db", "SELECT * FROM absent"))


def test_database_that_may_not_be_written_is_the_users_to_mend(tmp_path):
    error = error_of(tmp_path / "sluice.db", "CREATE TABLE t (a)", "PRAGMA query_only=ON")

    with pytest.raises(ConfigurationError, match=r"may not be written: .*readonly"):
        judge_sqlite(error)


def test_database_that_is_busy_may_be_tried_again(tmp_path, migrated_file):
    writer = create_engine(f"sqlite:///{migrated_file}")
    with writer.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        error = error_of(migrated_file, "BEGIN IMMEDIATE")

    assert "locked" in str(error)
    assert judge_sqlite(error) is None
    writer.dispose()


def test_error_of_another_database_is_left_alone():
    assert judge_sqlite(OperationalError("SELECT 1", None, OSError("gone"))) is None
