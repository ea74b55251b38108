import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

import infra
from infra.database import Database, check_revision, db_now, migrate, revisions
from infra.tables import WorkerRow
from schemas.errors import ConfigurationError, DatabaseUnavailable, StorageFull

MIGRATIONS = Path(infra.__file__).parent / "migrations"


def worker(name="w1"):
    return WorkerRow(name=name, queues=["ocr"], device="cpu", started_at=0.0, seen_at=0.0)


def n_workers(database):
    with database.read_scope() as session:
        return session.scalar(select(func.count()).select_from(WorkerRow))


def test_session_scope_commits_at_the_end(any_database):
    with any_database.session_scope() as session:
        session.add(worker())

    assert n_workers(any_database) == 1


def test_session_scope_leaves_nothing_after_an_exception(any_database):
    def write_and_fail():
        with any_database.session_scope() as session:
            session.add(worker())
            session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()

    assert n_workers(any_database) == 0


def test_db_now_is_the_time_in_seconds(any_database):
    with any_database.read_scope() as session:
        now_s = session.scalar(select(db_now()))

    assert now_s == pytest.approx(time.time(), abs=5)


def test_ping_says_what_answers(any_database):
    assert any_database.ping().startswith(any_database.engine.dialect.name)


def test_defects_fly_as_they_are(any_database):
    with any_database.session_scope() as session:
        session.add(worker())

    with pytest.raises(IntegrityError), any_database.session_scope() as session:
        session.add(worker())


def test_database_that_does_not_answer_is_unavailable(tmp_path):
    (tmp_path / "sluice.db").mkdir()
    database = Database(f"sqlite:///{tmp_path / 'sluice.db'}")

    with pytest.raises(DatabaseUnavailable, match="unable to open"), database.read_scope() as s:
        s.execute(text("SELECT 1"))


def test_disk_that_is_full_is_told_apart(database):
    with database.session_scope() as session:  # the pool hands out this connection again
        session.execute(text("PRAGMA max_page_count=1"))

    with pytest.raises(StorageFull, match="disk is full"), database.session_scope() as session:
        session.add_all(worker(f"{'w' * 5000}{n}") for n in range(50))


def test_connection_that_was_cut_is_unavailable(database):
    cut = DBAPIError("SELECT 1", None, OSError("gone"), connection_invalidated=True)

    with pytest.raises(DatabaseUnavailable, match="connection lost"), database.session_scope():
        raise cut


def test_writers_of_sqlite_wait_for_each_other(database):
    """A read before a write would otherwise fail at once when another writer got in between."""
    together = threading.Barrier(2, timeout=60)

    def count_up(_n):
        together.wait()
        for _ in range(20):
            with database.session_scope() as session:
                n = session.scalar(select(func.count()).select_from(WorkerRow))
                session.add(worker(f"w{n}"))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(count_up, range(2)))

    assert n_workers(database) == 40


def test_reader_of_sqlite_does_not_wait_for_a_writer(database):
    with database.session_scope() as session:
        session.add(worker())
        session.flush()

        assert n_workers(database) == 0


def test_sqlite_makes_the_folder_of_its_file(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'new' / 'home' / 'sluice.db'}")
    migrate(database)

    assert n_workers(database) == 0
    database.close()


def test_migrate_twice_does_nothing_the_second_time(database):
    with database.session_scope() as session:
        session.add(worker())

    migrate(database)

    assert n_workers(database) == 1


@pytest.mark.parametrize("url", ["", "nonsense", "oddsql://host/db", "mysql+nodriver://host/db"])
def test_url_that_no_driver_reads_names_the_setting(url):
    with pytest.raises(ConfigurationError, match="SLUICE_DATABASE_URL"):
        Database(url)


# -- revisions -------------------------------------------------------------------------------


def set_revision(database, revision):
    with database.session_scope() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


def test_revisions_are_those_of_alembic(database):
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)

    assert revisions()[-1] == script.get_current_head()
    assert set(revisions()) == {each.revision for each in script.walk_revisions()}


def test_database_at_the_newest_revision_is_fine(any_database):
    check_revision(any_database)


def test_database_that_is_older_is_refused_but_may_be_migrated(any_database):
    set_revision(any_database, revisions()[-2])
    try:
        with pytest.raises(ConfigurationError, match=r"at revision \d+, this release needs"):
            check_revision(any_database)
        check_revision(any_database, may_be_older=True)
    finally:
        set_revision(any_database, revisions()[-1])


def test_database_of_a_newer_release_is_refused_and_left_alone(any_database):
    set_revision(any_database, "9999")
    try:
        for look in (check_revision, migrate):
            with pytest.raises(ConfigurationError, match=r"9999.*does not know.*update this"):
                look(any_database)
    finally:
        set_revision(any_database, revisions()[-1])


def test_empty_database_says_how_to_begin(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")

    with pytest.raises(ConfigurationError, match=r"database is empty.*sluice orchestrator"):
        check_revision(database)
    database.close()


# -- Postgres --------------------------------------------------------------------------------


def test_processes_that_migrate_at_once_wait_for_each_other(make_postgres):
    url = make_postgres()
    script = "import sys; from infra.database import *; migrate(Database(sys.argv[1]))"
    started = [
        subprocess.Popen([sys.executable, "-c", script, url], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    errors = [process.communicate(timeout=60)[1] for process in started]

    assert [process.returncode for process in started] == [0, 0], errors
    database = Database(url)
    check_revision(database)
    database.close()


def test_statement_that_takes_too_long_is_ended(postgres):
    database = Database(postgres.url.render_as_string(hide_password=False), timeout_s=0.1)

    with pytest.raises(DatabaseUnavailable, match="statement timeout"), database.read_scope() as s:
        s.execute(text("SELECT pg_sleep(5)"))
    database.close()


def test_more_threads_than_connections_wait_for_each_other(postgres):
    database = Database(postgres.url.render_as_string(hide_password=False), n_connections=2)

    def ask(_n):
        with database.read_scope() as session:
            return session.scalar(text("SELECT count(*) FROM pg_sleep(0.01)"))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(24))) == 24
    assert database.engine.pool.checkedin() <= 2
    database.close()


def test_connection_that_the_server_ended_is_replaced(postgres):
    database = Database(postgres.url.render_as_string(hide_password=False))
    with database.read_scope() as session:
        pid = session.scalar(text("SELECT pg_backend_pid()"))
    with postgres.session_scope() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})

    assert database.ping().startswith("postgresql")
    database.close()


def test_server_that_is_not_there_is_unavailable():
    database = Database("postgresql://nobody@127.0.0.1:1/none")

    with pytest.raises(DatabaseUnavailable, match="refused"):
        database.ping()
