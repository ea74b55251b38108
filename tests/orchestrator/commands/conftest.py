"""Commands in this process: the real composition root around a worker of stub stages."""

import shutil
import threading
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.database import Database
from infra.vectors.memory import InMemoryVectorStore
from orchestrator.commands import doctor, session
from orchestrator.deps import Deps
from schemas.search import Answer, Query
from tests.workers.stubs import Pipeline


class StubWorker:
    """Takes the main thread, as Celery does, and runs what was dispatched."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._stopped = threading.Event()

    def run(self, *, on_ready: Any, on_stopping: Any) -> None:
        #: What Ctrl-C does.
        self.interrupt = on_stopping
        on_ready()
        while not self._stopped.wait(0.001):
            while self._pipeline.messages:
                self._pipeline.runner.run_batch(self._pipeline.messages.pop(0))

    def stop(self) -> None:
        self._stopped.set()


class InterruptedWorker(StubWorker):
    """One that the user stops at once."""

    def run(self, *, on_ready: Any, on_stopping: Any) -> None:
        on_stopping()
        on_ready()
        self._stopped.wait(5.0)


class StubDeps(Deps):
    """Everything that is cheap is real: lock, database, folders, intake, dispatcher."""

    #: Of the newest command.
    newest: "StubDeps"
    worker_class: type[StubWorker] = StubWorker
    answer = Answer(hits=(), took_ms=1.0)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        StubDeps.newest = self
        self.queries: list[tuple[Query, str]] = []

    @cached_property
    def _pipeline(self) -> Pipeline:
        stores = {"objects": self.objects, "artifacts": self.artifacts}
        pipeline = Pipeline(self.database, self.settings, self.vectors, **stores)
        self._resources.callback(pipeline.leases.close)
        return pipeline

    @cached_property
    def vectors(self) -> InMemoryVectorStore:  # type: ignore[override]
        return InMemoryVectorStore()

    @cached_property
    def dispatcher(self) -> Any:
        return self._pipeline.dispatcher

    @cached_property
    def worker(self) -> Any:
        return SimpleNamespace(runner=self._pipeline.runner, clear_scratch=lambda: None)

    @cached_property
    def batch_worker(self) -> Any:
        return self.worker_class(self._pipeline)

    @cached_property
    def searcher(self) -> Any:
        def search(query: Query, tenant: str) -> Answer:
            self.queries.append((query, tenant))
            return self.answer

        return SimpleNamespace(search=search)


@pytest.fixture
def home(
    tmp_path: Path,
    profile: Path,
    clean_environment: None,
    keep_logging: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Where this test's store would be; the environment says so, as a user would."""
    home = tmp_path / "home"
    monkeypatch.setenv("SLUICE_HOME", str(home))
    monkeypatch.setenv("SLUICE_MODELS", str(profile))
    monkeypatch.setenv("SLUICE_LINGER_S", "0")
    return home


@pytest.fixture
def store(home: Path, migrated_file: Path) -> Iterator[Database]:
    """The database of an empty store in `home`."""
    home.mkdir()
    shutil.copy(migrated_file, home / "sluice.db")
    database = Database(f"sqlite:///{home / 'sluice.db'}")
    yield database
    database.close()


@pytest.fixture
def stub_deps(monkeypatch: pytest.MonkeyPatch, stub_stages: None) -> type[StubDeps]:
    """Commands build this one instead; no model, no Celery."""
    for module in (session, doctor):
        monkeypatch.setattr(module, "Deps", StubDeps)
    monkeypatch.setattr("orchestrator.deps.Deps", StubDeps)
    monkeypatch.setattr(StubDeps, "worker_class", StubWorker)
    monkeypatch.setattr(StubDeps, "answer", Answer(hits=(), took_ms=1.0))
    return StubDeps


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three files to ingest, one of them broken; the current folder."""
    folder = tmp_path / "media"
    folder.mkdir()
    (folder / "a.txt").write_text("red circle")
    (folder / "b [bold].txt").write_text("blue square")
    (folder / "broken.txt").write_text("unreadable-object")
    monkeypatch.chdir(folder)
    return folder
