"""A filled home, and a cluster of real Postgres, moto's S3 and the double of a Qdrant server."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.database import Database, migrate
from infra.folder_store import FolderStore
from infra.s3_store import S3Store
from infra.settings import LOCAL_ARTIFACTS, Settings, load_settings
from infra.vectors.edge import EdgeVectorStore
from infra.vectors.qdrant import QdrantVectorStore
from infra.vectors.store import Space
from orchestrator.commands.migrate import run_migrate
from orchestrator.move.ends import End, embedded_settings, open_source, open_target
from tests import object_stores, services
from tests.workers.stubs import Pipeline

BUCKET = "derived"
#: What the objects of the home say; one of them is broken.
WORDS = {f"{n}.txt": f"word{n} shared (layer{n}) other{n % 3}" for n in range(9)}
WORDS["broken.txt"] = "unreadable-object"


class Quiet:
    """Shows nothing; counts what it was told."""

    def __init__(self) -> None:
        self.told: dict[str, int] = {}

    def phase(self, name: str, total: int | None = None) -> Callable[[int], None]:
        self.told[name] = 0

        def advance(n: int) -> None:
            self.told[name] += n

        return advance


@pytest.fixture
def show() -> Quiet:
    return Quiet()


@pytest.fixture(scope="session")
def qdrant_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The double, in a process of its own."""
    port = services.free_port()
    command = [sys.executable, "-m", "tests.qdrant_double", str(port + 1)]
    log = tmp_path_factory.mktemp("qdrant") / "log"
    with services.server(command, log, lambda: services.is_listening(port + 1)):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test leaves a copy of the home that it has filled."""
    return tmp_path_factory.mktemp("template") / "home"


@pytest.fixture
def home(
    tmp_path: Path,
    template: Path,
    profile: Path,
    keep_logging: None,
    stub_stages: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """An embedded installation with two tenants, a failed asset, and work that waits."""
    home = tmp_path / "home"
    monkeypatch.setenv("SLUICE_HOME", str(home))
    monkeypatch.setenv("SLUICE_MODELS", str(profile))
    monkeypatch.setenv("SLUICE_LINGER_S", "0")
    if not template.exists():
        fill(load_settings())
        shutil.copytree(home, template)
    else:
        shutil.copytree(template, home)
    return home


def fill(settings: Settings) -> None:
    """Run the words through stub stages, into stores of the real kinds."""
    database = Database(settings.sqlalchemy_url)
    migrate(database)
    vectors = EdgeVectorStore(settings.vectors_dir)
    artifacts = FolderStore(settings.artifacts_dir, LOCAL_ARTIFACTS)
    pipeline = Pipeline(database, settings, vectors, artifacts=artifacts)
    for key, words in WORDS.items():
        pipeline.put(key, words, tenant="t" if key[0] < "5" else "u-2")
    pipeline.work_to_the_end()
    pipeline.put("waits.txt", "nobody has looked at it")
    pipeline.leases.close()
    vectors.close()
    database.close()


@pytest.fixture
def cluster(
    make_postgres: Callable[[], str],
    moto_endpoint: str,
    moto_store: S3Store,
    qdrant_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """Empty servers; the environment names them."""
    object_stores.use_credentials(monkeypatch)
    object_stores.empty_bucket(moto_store, BUCKET)
    vectors = QdrantVectorStore(qdrant_url)
    for name in vectors.collections():
        space, _, fingerprint = name.partition("__")
        vectors.drop(Space(name=space, fingerprint=fingerprint, embedding_dim=1))
    vectors.close()
    env = {
        "SLUICE_BROKER_URL": "amqp://127.0.0.1:1//",
        "SLUICE_DATABASE_URL": make_postgres(),
        "SLUICE_QDRANT_URL": qdrant_url,
        "SLUICE_STORE_URL": f"s3://{BUCKET}/made/here",
        "SLUICE_S3_ENDPOINT": moto_endpoint,
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


@pytest.fixture
def source(home: Path) -> Iterator[End]:
    """The home, open."""
    with open_source(embedded_settings()) as end:
        yield end


@pytest.fixture
def target(cluster: dict[str, str]) -> Iterator[End]:
    """The servers, open."""
    with open_target(load_settings()) as end:
        yield end


@pytest.fixture
def moved(
    home: Path, cluster: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """Runs the command; gives its exit status and its document."""

    def run(*, dry_run: bool = False) -> tuple[int, Any]:
        status = run_migrate(dry_run=dry_run, as_json=True)
        return status, json.loads(capsys.readouterr().out)

    return run
