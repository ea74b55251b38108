import pytest

from infra.home_lock import HomeLock
from orchestrator.commands import EXIT_FAILED, EXIT_OK, EXIT_STOPPED
from orchestrator.commands.change import run_delete, run_retry
from orchestrator.commands.ingest import STOPPED_HINT, run_ingest
from schemas.errors import ConfigurationError
from schemas.reports import ChangeReport, IngestReport
from tests.orchestrator.commands.conftest import InterruptedWorker


@pytest.fixture
def ingested(stub_deps, store, folder, capsys):
    """A store with two good files and a broken one in it."""
    run_ingest(["."], wait=True, priority="normal", tenant=None, as_json=True)
    return IngestReport.model_validate_json(capsys.readouterr().out)


def change(run, names, capsys, *, tenant=None):
    status = run(names, tenant=tenant, as_json=True)
    return status, ChangeReport.model_validate_json(capsys.readouterr().out)


def test_retry_runs_what_was_mended(ingested, folder, capsys):
    (folder / "broken.txt").write_text("green star")

    status, report = change(run_retry, [], capsys)

    assert (status, report.n_changed) == (EXIT_OK, 1)
    assert report.assets == {"ready": 3}


def test_retry_of_what_is_still_broken_exits_with_1(ingested, capsys):
    status, report = change(run_retry, ["broken.txt"], capsys)

    assert (status, report.n_changed) == (EXIT_FAILED, 1)
    assert report.assets == {"ready": 2, "failed": 1}


def test_retry_of_what_is_well_does_nothing(ingested, capsys, stub_deps):
    status, report = change(run_retry, ["a.txt"], capsys)

    # The other one is still broken, and the exit status says so.
    assert (status, report.n_changed) == (EXIT_FAILED, 0)
    assert "_pipeline" not in vars(stub_deps.newest)


def test_retry_tells_people(ingested, folder, capsys):
    (folder / "broken.txt").write_text("green star")

    run_retry([], tenant=None, as_json=False)
    run_retry([], tenant=None, as_json=False)

    assert capsys.readouterr().out.splitlines() == [
        "jobs tried again: 1; assets: 3 ready",
        "nothing to retry; assets: 3 ready",
    ]


def test_retry_that_is_stopped_says_that_nothing_is_lost(ingested, capsys, stub_deps):
    stub_deps.worker_class = InterruptedWorker

    status = run_retry([], tenant=None, as_json=True)

    shown = capsys.readouterr()
    assert (status, shown.out) == (EXIT_STOPPED, "")
    assert shown.err.splitlines()[-1] == STOPPED_HINT


def test_work_that_was_stopped_goes_on_with_any_command(ingested, folder, capsys, stub_deps):
    (folder / "broken.txt").write_text("green star")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stub_deps, "worker_class", InterruptedWorker)
        run_retry([], tenant=None, as_json=True)

    run_ingest(["a.txt"], wait=True, priority="normal", tenant=None, as_json=True)

    capsys.readouterr()
    assert change(run_retry, [], capsys)[1].assets == {"ready": 3}


def test_delete_takes_assets_out_of_the_index(ingested, capsys):
    status, report = change(run_delete, ["a.txt", "broken.txt"], capsys)

    assert (status, report.n_changed) == (EXIT_OK, 2)
    assert report.assets == {"ready": 1}


def test_delete_leaves_the_objects_where_they_are(ingested, folder, capsys):
    change(run_delete, ["a.txt"], capsys)

    assert (folder / "a.txt").read_text() == "red circle"


def test_delete_removes_artifacts(ingested, home, capsys):
    before = sum(path.is_file() for path in (home / "artifacts").rglob("*"))

    change(run_delete, [str(asset.asset_id) for asset in ingested.assets], capsys)

    assert before > 0
    assert not any(path.is_file() for path in (home / "artifacts").rglob("*"))


def test_delete_tells_people(ingested, capsys):
    run_delete(["a.txt"], tenant=None, as_json=False)

    assert capsys.readouterr().out == "assets removed from the index: 1\n"


def test_delete_of_one_unknown_name_deletes_nothing(ingested, capsys):
    with pytest.raises(ConfigurationError, match=r"^x\.txt: no such asset"):
        run_delete(["a.txt", "x.txt"], tenant=None, as_json=True)

    assert change(run_retry, ["a.txt"], capsys)[1].assets == {"ready": 2, "failed": 1}


@pytest.mark.parametrize("run", [run_retry, run_delete])
def test_change_of_another_tenants_asset_is_refused(ingested, run):
    with pytest.raises(ConfigurationError, match=r"a\.txt: no such asset"):
        run(["a.txt"], tenant="other", as_json=True)


@pytest.mark.parametrize("run", [run_retry, run_delete])
def test_change_makes_no_store(home, stub_deps, run):
    with pytest.raises(ConfigurationError, match="no store there yet"):
        run(["a.txt"], tenant=None, as_json=True)

    assert not home.exists()


@pytest.mark.parametrize("run", [run_retry, run_delete])
def test_change_waits_for_nobody(store, home, stub_deps, run):
    with HomeLock(home, "up"), pytest.raises(ConfigurationError, match="in use by `sluice up`"):
        run(["a.txt"], tenant=None, as_json=True)
