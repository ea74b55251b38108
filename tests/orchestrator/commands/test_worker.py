"""The processes of a cluster refuse what cannot work, before anything is opened."""

import pytest

from infra.database import Database, check_revision
from orchestrator.commands import EXIT_OK
from orchestrator.commands.orchestrate import run_orchestrator
from orchestrator.commands.worker import run_worker
from schemas.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _environment(clean_environment, profile, monkeypatch):
    monkeypatch.setenv("SLUICE_MODELS", str(profile))


@pytest.mark.parametrize(
    ("command", "run"),
    [
        ("sluice worker", lambda: run_worker(queues=[], device=None)),
        ("sluice orchestrator", run_orchestrator),
    ],
)
def test_process_of_a_cluster_needs_a_broker_that_others_reach(command, run):
    with pytest.raises(ConfigurationError, match=f"`{command}` needs a broker.*SLUICE_BROKER_URL"):
        run()


def test_worker_of_an_unknown_queue_says_which_there_are(monkeypatch):
    monkeypatch.setenv("SLUICE_BROKER_URL", "redis://127.0.0.1:1/0")

    with pytest.raises(ConfigurationError, match="--queues ocrr: no such queue; known: prepare"):
        run_worker(queues=["ocrr"], device=None)


def test_worker_beside_an_empty_database_says_how_to_begin(monkeypatch, tmp_path):
    monkeypatch.setenv("SLUICE_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("SLUICE_DATABASE_URL", f"sqlite:///{tmp_path / 'empty.db'}")

    with pytest.raises(ConfigurationError, match=r"database is empty.*sluice orchestrator"):
        run_worker(queues=["ocr"], device="cpu")


def test_database_is_brought_to_this_release_without_any_other_server(monkeypatch, make_postgres):
    url = make_postgres()
    monkeypatch.setenv("SLUICE_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("SLUICE_DATABASE_URL", url)

    assert [run_orchestrator(migrate_only=True) for _ in range(2)] == [EXIT_OK, EXIT_OK]

    database = Database(url)
    check_revision(database)
    database.close()
