"""The composition root: what is opened is closed, whatever goes wrong in between."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from infra.broker import RUN_BATCH
from infra.home_lock import HomeLock, StoreInUse, read_owner
from infra.settings import load_settings
from infra.vectors.edge import EdgeVectorStore
from orchestrator.deps import Deps
from schemas.asset import FILE_BUCKET, ObjectRef
from schemas.errors import ConfigurationError, DatabaseDamaged, ObjectNotFound
from schemas.search import Query
from tests.factories import make_message


@pytest.fixture
def home(tmp_path, migrated_file):
    """A store of its own folder, already migrated."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "sluice.db").write_bytes(migrated_file.read_bytes())
    return home


@pytest.fixture
def embedded(home, profile, clean_environment):
    return load_settings(home=home, models=str(profile), device="cpu")


def is_free(home) -> bool:
    try:
        HomeLock(home, "test").close()
    except StoreInUse:
        return False
    return True


def test_deps_hold_the_store_until_they_are_closed(embedded, home):
    with Deps(embedded, "ingest"):
        assert read_owner(home)["command"] == "ingest"
        assert not is_free(home)

    assert is_free(home)


def test_deps_refuse_a_store_that_is_in_use(embedded, home):
    with HomeLock(home, "up"), pytest.raises(StoreInUse, match="in use by `sluice up`"):
        Deps(embedded, "ingest")


def test_deps_make_a_store_where_there_is_none(tmp_path, profile, clean_environment):
    settings = load_settings(home=tmp_path / "new" / "home", models=str(profile))

    with Deps(settings, "ingest") as deps, deps.database.read_scope() as session:
        assert session.execute(text("SELECT count(*) FROM assets")).scalar_one() == 0


def test_failing_constructor_gives_the_store_free(embedded, home):
    (home / "sluice.db").write_bytes(b"this is no database, but long enough to be read as one" * 99)

    with pytest.raises(DatabaseDamaged, match="not a database"):
        Deps(embedded, "ingest")

    assert is_free(home)


def test_wrong_database_url_gives_the_store_free(embedded, home):
    settings = embedded.model_copy(update={"database_url": "nonsense"})

    with pytest.raises(ConfigurationError, match="SLUICE_DATABASE_URL"):
        Deps(settings, "ingest")

    assert is_free(home)


def test_what_is_built_later_is_closed_first(embedded, home):
    closed = []
    with Deps(embedded, "ingest") as deps:
        assert isinstance(deps.vectors, EdgeVectorStore)
        deps._resources.callback(lambda: closed.append(is_free(home)))

    assert closed == [False]
    assert is_free(home)


def test_deps_read_files_in_place(embedded, tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with Deps(embedded, "ingest") as deps:
        ref = ObjectRef(bucket=FILE_BUCKET, key=f"{tmp_path}/a.txt".lstrip("/"))

        assert deps.objects.head(ref).size_bytes == 5
        with pytest.raises(ObjectNotFound):
            deps.objects.head(ref.model_copy(update={"key": ref.key + "x"}))


def test_ping_names_what_answers(embedded, home):
    with Deps(embedded, "doctor") as deps:
        found = deps.ping()

    assert set(found) == {"database", "vectors", "artifacts"}
    assert found["database"].startswith("sqlite")
    assert found["artifacts"] == f"folder {home / 'artifacts'}"


def test_services_share_one_set_of_stores(embedded):
    with Deps(embedded, "ingest") as deps:
        assert deps.intake is deps.intake
        assert deps.lifecycle is deps.lifecycle
        assert deps.sweeper is deps.sweeper
        assert deps.dispatcher is deps.dispatcher


def test_server_profile_takes_no_lock(embedded, home):
    settings = embedded.model_copy(update={"broker_url": "amqp://localhost"})
    with HomeLock(home, "up"), Deps(settings, "ingest") as deps:
        assert not hasattr(deps, "lock")


def test_stores_named_by_url_are_not_connected_before_they_are_needed(embedded):
    settings = embedded.model_copy(
        update={"store_url": "s3://bucket/prefix", "qdrant_url": "http://127.0.0.1:1"}
    )
    with Deps(settings, "ingest") as deps:
        assert type(deps.artifacts).__name__ == "S3Store"
        assert type(deps.vectors).__name__ == "QdrantVectorStore"


def test_worker_and_search_are_built_around_the_same_stores(embedded, stub_stages):
    """Nothing is loaded or consumed before there is work."""
    import torch

    n_threads = torch.get_num_threads()
    settings = embedded.model_copy(update={"n_threads": n_threads})
    with Deps(settings, "up") as deps:
        assert deps.batch_worker is deps.batch_worker
        assert deps.worker.runner.defect is None
        assert deps.searcher.search(Query(text="red"), "t").hits == ()
        message = make_message([uuid4()])
        deps.dispatcher._publish(message)
        assert deps.celery.tasks[RUN_BATCH]
        deps.celery.close()

    with pytest.raises(RuntimeError, match="closed"):
        deps.worker.sandbox.run(int)
