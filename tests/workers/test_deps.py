"""The worker's composition root: closed with its resources, in whatever state it was left."""

import threading

import pytest
import torch

from schemas.errors import ConfigurationError
from tests.workers.stubs import StubStage
from workers import deps as deps_module
from workers.deps import WorkerDeps


@pytest.fixture(autouse=True)
def _keep_threads(monkeypatch):
    """The number of threads is torch's, and of this whole process."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    n_threads = torch.get_num_threads()
    yield
    torch.set_num_threads(n_threads)


def build(database, settings, objects, artifacts, vectors):
    return WorkerDeps(settings, database, objects=objects, artifacts=artifacts, vectors=vectors)


@pytest.fixture
def leases_run():
    """Whether a thread keeps leases that did not run before this test."""
    before = set(threading.enumerate())
    return lambda: "leases" in {thread.name for thread in set(threading.enumerate()) - before}


def test_worker_is_built_for_its_settings(
    database, settings, objects, artifacts, vectors, leases_run
):
    settings = settings.model_copy(update={"n_threads": 1})
    with build(database, settings, objects, artifacts, vectors) as worker:
        assert worker.device.name == "cpu"
        assert worker.runner.defect is None
        assert worker.sandbox.limits == settings.sandbox_limits
        assert torch.get_num_threads() == 1
        assert leases_run()

    assert not leases_run()


def test_worker_is_named_by_host_and_process(database, settings, objects, artifacts, vectors):
    with build(database, settings, objects, artifacts, vectors) as worker:
        host, _, process = worker.name.rpartition("-")

    assert host
    assert process.isdigit()


@pytest.mark.usefixtures("stub_stages")
def test_warm_worker_has_loaded_the_models_of_its_queues_only(
    database, settings, objects, artifacts, vectors
):
    with build(database, settings, objects, artifacts, vectors) as worker:
        worker.warm(["ocr.bulk", "caption.normal", "caption.bulk"])

        assert StubStage.n_loaded == 2


def test_worker_that_is_closed_runs_nothing_more(database, settings, objects, artifacts, vectors):
    with build(database, settings, objects, artifacts, vectors) as worker:
        pass

    with pytest.raises(RuntimeError, match="closed"):
        worker.sandbox.run(int)


def test_failing_constructor_closes_what_it_opened(
    database, settings, objects, artifacts, vectors, leases_run, monkeypatch
):
    def refuse(*_args, **_how):
        raise ConfigurationError("SLUICE_X: found y")

    monkeypatch.setattr(deps_module, "ResultStore", refuse)

    with pytest.raises(ConfigurationError, match="SLUICE_X"):
        build(database, settings, objects, artifacts, vectors)

    assert not leases_run()


def test_scratch_of_a_killed_process_is_removed(database, settings, objects, artifacts, vectors):
    left = settings.scratch_dir / "left"
    left.mkdir(parents=True)
    (left / "page.jpg").write_bytes(b"x")

    with build(database, settings, objects, artifacts, vectors) as worker:
        worker.clear_scratch()

    assert not left.exists()
