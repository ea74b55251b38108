"""Stores and settings of one test: a migrated database, vectors, artifacts, a fake profile."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from infra.database import Database, migrate
from infra.model_lock import write_lock
from infra.object_store import ObjectStore
from infra.settings import Settings, load_settings
from infra.tables import Base
from infra.vectors.store import VectorStore
from schemas.lock import LockedFile, LockedModel, ModelLock
from schemas.stages import STAGES
from tests import object_stores, services

if TYPE_CHECKING:
    from infra.s3_store import S3Store
    from tests.workers.stubs import Pipeline

#: Servers that the tests may use instead of starting their own: an empty PostgreSQL database, a
#: Redis database and a RabbitMQ virtual host. The tests delete what they find in the last two.
POSTGRES_URL = os.environ.get("SLUICE_TEST_POSTGRES_URL", "")
REDIS_URL = os.environ.get("SLUICE_TEST_REDIS_URL", "")
AMQP_URL = os.environ.get("SLUICE_TEST_AMQP_URL", "")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that tests copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "sluice.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The server that the environment names, or one of this test run's own."""
    if POSTGRES_URL:
        yield POSTGRES_URL
        return
    with services.run_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def make_postgres(postgres_url: str) -> Iterator[Callable[[], str]]:
    """URLs of empty schemas, dropped at the end of the test run."""
    admin = Database(postgres_url)
    schemas: list[str] = []

    def make() -> str:
        schemas.append(f"sluice_test_{uuid4().hex[:8]}")
        with admin.session_scope() as session:
            session.execute(text(f"CREATE SCHEMA {schemas[-1]}"))
        options = {"options": f"-csearch_path={schemas[-1]}"}
        url = make_url(postgres_url).update_query_dict(options)
        return url.render_as_string(hide_password=False)

    yield make
    for schema in schemas:
        with admin.session_scope() as session:
            session.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    admin.close()


@pytest.fixture(scope="session")
def postgres(make_postgres: Callable[[], str]) -> Iterator[Database]:
    """A migrated schema of this test run."""
    database = Database(make_postgres())
    migrate(database)
    yield database
    database.close()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The server that the environment names, or one of this test run's own."""
    if REDIS_URL:
        yield REDIS_URL
        return
    with services.run_redis() as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[services.RabbitMQ]:
    """A RabbitMQ server of this test run, which tests may stop and start."""
    with services.run_rabbitmq() as broker:
        yield broker


@pytest.fixture(scope="session")
def amqp_url(request: pytest.FixtureRequest) -> str:
    """The server that the environment names, or one of this test run's own."""
    url: str = AMQP_URL or request.getfixturevalue("rabbitmq").url
    return url


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    """S3, SQS and SNS of this test run, in memory."""
    with object_stores.run_moto() as url:
        yield url


@pytest.fixture(scope="session")
def moto_store(moto_endpoint: str) -> Iterator["S3Store"]:
    """S3 that forgets. One client for all tests: making one takes longer than using it."""
    with object_stores.open_store(moto_endpoint) as store:
        yield store


@pytest.fixture(scope="session")
def nanio_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator["S3Store"]:
    """S3 that keeps objects in files."""
    with (
        object_stores.run_nanio(tmp_path_factory.mktemp("nanio")) as url,
        object_stores.open_store(url) as store,
    ):
        yield store


@pytest.fixture
def database(tmp_path: Path, migrated_file: Path) -> Iterator[Database]:
    """An empty migrated SQLite database."""
    shutil.copy(migrated_file, tmp_path / "sluice.db")
    database = Database(f"sqlite:///{tmp_path / 'sluice.db'}")
    yield database
    database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_database(request: pytest.FixtureRequest) -> Database:
    """An empty migrated database of each kind."""
    if request.param == "sqlite":
        sqlite: Database = request.getfixturevalue("database")
        return sqlite
    server: Database = request.getfixturevalue("postgres")
    names = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with server.session_scope() as session:
        session.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    return server


@pytest.fixture
def profile(tmp_path: Path, clean_environment: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model profile that names a fake model for every stage, locked: no checkpoint is read."""
    path, lock_file = tmp_path / "fake-models.toml", tmp_path / "fake-models.lock"
    stages = [spec.name for spec in STAGES.values() if spec.needs_model]
    tables = [f'[{s}]\nsource = "fake/{s}"\nrevision = "r1"\nfamily = "fake"\n' for s in stages]
    path.write_text("\n".join(tables))
    file = LockedFile(sha256="0" * 64, size_bytes=1)
    models = [
        LockedModel(repository=f"fake/{s}", revision="r1", commit="f" * 40, files={"x": file})
        for s in stages
    ]
    write_lock(lock_file, ModelLock(models=tuple(models)))
    monkeypatch.setenv("SLUICE_MODELS_LOCK", str(lock_file))
    return path


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of this machine's user reaches the test."""
    for name in [name for name in os.environ if name.startswith("SLUICE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings(tmp_path: Path, profile: Path, clean_environment: None) -> Settings:
    """Settings of an embedded pipeline that lives in `tmp_path`."""
    return load_settings(home=tmp_path, models=str(profile), device="cpu", linger_s=0.0)


@pytest.fixture
def vectors() -> Iterator[VectorStore]:
    """Vectors in memory."""
    from infra.vectors.memory import InMemoryVectorStore

    store = InMemoryVectorStore()
    yield store
    store.close()


@pytest.fixture
def artifacts() -> ObjectStore:
    """Artifacts in memory; their bucket is `artifacts`."""
    from infra.memory_store import InMemoryObjectStore

    return InMemoryObjectStore()


@pytest.fixture
def objects() -> ObjectStore:
    """The users' bucket `b`, in memory."""
    from infra.memory_store import InMemoryObjectStore

    return InMemoryObjectStore()


@pytest.fixture
def stub_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage is a stub that does what the words of its input say."""
    from tests.workers.stubs import StubStage

    for name, spec in list(STAGES.items()):
        stub = "StubPrepare" if name == "prepare" else "StubStage"
        monkeypatch.setitem(STAGES, name, replace(spec, entry=f"tests.workers.stubs:{stub}"))
    fresh = {"refusal": None, "on_forward": None, "room": 1000, "tried": [], "n_loaded": 0}
    for name, value in fresh.items():
        monkeypatch.setattr(StubStage, name, value)


@pytest.fixture
def pipeline(
    database: Database, settings: Settings, vectors: VectorStore, stub_stages: None
) -> Iterator["Pipeline"]:
    """A whole pipeline of stub stages on one thread."""
    from tests.workers.stubs import Pipeline

    pipeline = Pipeline(database, settings, vectors)
    yield pipeline
    pipeline.leases.close()
