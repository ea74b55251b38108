import json

import pytest

from infra.home_lock import HomeLock
from orchestrator.commands import EXIT_FAILED, EXIT_OK, EXIT_STOPPED
from orchestrator.commands.ingest import STOPPED_HINT, parse_priority, print_report, run_ingest
from schemas.errors import ConfigurationError
from schemas.job import Priority
from schemas.reports import AssetReport, IngestReport
from tests.factories import make_failure
from tests.orchestrator.commands.conftest import InterruptedWorker


@pytest.fixture(autouse=True)
def _deps(stub_deps, store):
    pass


def ingest(*sources, wait=True, priority="normal", tenant=None, as_json=True) -> int:
    return run_ingest(sources, wait=wait, priority=priority, tenant=tenant, as_json=as_json)


def test_ingest_prints_one_document(folder, capsys):
    status = ingest("a.txt", "b [bold].txt")

    report = IngestReport.model_validate_json(capsys.readouterr().out)
    assert status == EXIT_OK
    assert report.counts == {"ready": 2}
    assert [asset.uri for asset in report.assets] == [
        (folder / name).as_uri() for name in ("a.txt", "b [bold].txt")
    ]
    assert report.assets[0].stages["embed_text"].model == "fake/embed_text"


def test_ingest_of_broken_media_exits_with_1_and_does_the_rest(folder, capsys):
    status = ingest(".")

    report = json.loads(capsys.readouterr().out)
    assert status == EXIT_FAILED
    assert report["counts"] == {"ready": 2, "failed": 1}


def test_ingest_tells_people_what_failed_and_why(folder, capsys):
    ingest(".", as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"failed {folder}/broken.txt"
    assert lines[1].startswith("    prepare  UnreadableMedia: ")
    assert lines[1].endswith("not a picture")
    assert lines[2].startswith("2 ready, 1 failed in ")


def test_ingest_opens_what_is_locked_once_there_is_a_password(folder, capsys):
    (folder / "locked.txt").write_text("locked-object words")
    (folder / "passwords").write_text("secret\n")

    first = ingest("locked.txt"), json.loads(capsys.readouterr().out)["assets"][0]["failures"]
    again = run_ingest(
        ["locked.txt"],
        wait=True,
        priority="normal",
        tenant=None,
        as_json=False,
        passwords="passwords",
    )

    assert (first[0], first[1][0]["category"]) == (EXIT_FAILED, "EncryptedMedia")
    assert again == EXIT_OK
    assert "secret" not in capsys.readouterr().out


def test_ingest_without_the_file_of_passwords_begins_no_work(folder):
    with pytest.raises(ConfigurationError, match="SLUICE_PASSWORD_FILE: nowhere: No such file"):
        run_ingest(
            ["a.txt"], wait=True, priority="normal", tenant=None, as_json=True, passwords="nowhere"
        )


def test_ingest_again_says_the_same(folder, capsys):
    first = (ingest("."), json.loads(capsys.readouterr().out)["assets"])
    again = (ingest("."), json.loads(capsys.readouterr().out)["assets"])

    assert again == first


def test_ingest_without_waiting_only_plans(folder, capsys):
    status = ingest(".", wait=False)

    assert status == EXIT_OK
    assert json.loads(capsys.readouterr().out)["counts"] == {"pending": 3}


def test_ingest_is_of_one_tenant(folder, capsys):
    ingest("a.txt", tenant="mine")
    mine = json.loads(capsys.readouterr().out)["assets"][0]["asset_id"]
    ingest("a.txt", tenant="theirs")
    theirs = json.loads(capsys.readouterr().out)["assets"][0]["asset_id"]

    assert mine != theirs


def test_ingest_that_is_stopped_says_that_nothing_is_lost(folder, capsys, stub_deps):
    stub_deps.worker_class = InterruptedWorker

    status = ingest(".")

    shown = capsys.readouterr()
    assert status == EXIT_STOPPED
    assert shown.out == ""
    assert shown.err.splitlines()[-1] == STOPPED_HINT


def test_ingest_refuses_a_missing_source_before_any_work(folder, stub_deps):
    with pytest.raises(ConfigurationError, match="no-such: no such file"):
        ingest("a.txt", "no-such")

    assert "_pipeline" not in vars(stub_deps.newest)


def test_ingest_refuses_a_store_in_use(folder, home):
    with HomeLock(home, "up"), pytest.raises(ConfigurationError, match="in use by `sluice up`"):
        ingest("a.txt")


@pytest.mark.parametrize("name", ["interactive", "NORMAL", "Bulk"])
def test_priority_is_known_by_name(name):
    assert parse_priority(name) is Priority[name.upper()]


@pytest.mark.parametrize("name", ["", "urgent", "1"])
def test_priority_that_is_none_lists_those_that_are(name):
    with pytest.raises(ConfigurationError, match="expected one of interactive, normal, bulk"):
        parse_priority(name)


def test_report_shows_names_and_reasons_as_they_are(capsys):
    failure = make_failure(message="found [/] and \x1b[2J", stage="ocr")
    asset = AssetReport(
        uri="s3://b/[red]\x1b[31m.jpg",
        asset_id=None,
        media_type=None,
        state="partial",
        failures=(failure,),
    )

    print_report(IngestReport(assets=(asset,), counts={"partial": 1}, seconds=0.0))

    assert capsys.readouterr().out.splitlines() == [
        r"partial s3://b/[red]\x1b[31m.jpg",
        r"    ocr  UnreadableMedia: found [/] and \x1b[2J",
        "1 partial in 0.0 s",
    ]


def test_report_of_nothing_says_so(capsys):
    print_report(IngestReport(assets=(), counts={}, seconds=0.1))

    assert capsys.readouterr().out == "nothing in 0.1 s\n"
