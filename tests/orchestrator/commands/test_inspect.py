import json

import pytest

from orchestrator.commands import EXIT_OK
from orchestrator.commands.ingest import run_ingest
from orchestrator.commands.inspect import (
    print_details,
    print_failed,
    print_status,
    run_failures,
    run_show,
    run_status,
)
from schemas.errors import ConfigurationError
from schemas.reports import (
    AssetDetails,
    FailureList,
    SegmentReport,
    StageReport,
    StageStatus,
    StatusReport,
)
from schemas.segment import Page, TimeSpan
from tests.factories import make_facts, make_failure
from tests.workers.stubs import inside


@pytest.fixture
def ingested(stub_deps, store, folder, capsys):
    """A store with two good files and a broken one in it."""
    run_ingest(["."], wait=True, priority="normal", tenant=None, as_json=True)
    capsys.readouterr()
    return store


def make_details(**overrides) -> AssetDetails:
    fields = {
        "asset_id": "6f0a3b5e-6d1c-4c52-9d53-0f8c3a1d7e42",
        "uri": "s3://b/a.jpg",
        "media_type": "image",
        "state": "ready",
        "facts": make_facts(),
        "stages": {},
        "artifacts": (),
        "segments": (),
        "failures": (),
    }
    return AssetDetails(**{**fields, **overrides})


def make_segment_report(**overrides) -> SegmentReport:
    names = ("language", "confidence", "start_s", "end_s", "page", "box")
    fields = {"stage": "ocr", "text": "hello", "role": "line", "searchable": True}
    return SegmentReport(**{**dict.fromkeys(names), **fields, **overrides})


def shown(capsys) -> list[str]:
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def show_details(capsys, *, everything=False, **overrides) -> list[str]:
    print_details(make_details(**overrides), everything=everything)
    return shown(capsys)


# -- show ------------------------------------------------------------------------------------


def test_show_prints_one_document(ingested, capsys):
    status = run_show("a.txt", everything=False, tenant=None, as_json=True)

    details = AssetDetails.model_validate_json(capsys.readouterr().out)
    assert status == EXIT_OK
    assert details.uri.endswith("/media/a.txt")
    assert {"red", "circle"} <= {segment.text for segment in details.segments}


def test_show_tells_what_is_inside(store, stub_deps, tmp_path, capsys):
    words = f"(hello) {inside('a.zip', inside('b.jpg', 'red'))} {inside('c', 'unreadable-object')}"
    (tmp_path / "mail.eml").write_text(words)
    run_ingest(
        [str(tmp_path / "mail.eml")], wait=True, priority="normal", tenant=None, as_json=False
    )
    told = capsys.readouterr().out

    run_show("mail.eml", everything=False, tenant=None, as_json=False)
    parent = capsys.readouterr().out
    run_show("mail.eml > a.zip > b.jpg", everything=False, tenant=None, as_json=True)
    child = AssetDetails.model_validate_json(capsys.readouterr().out)
    run_failures(tenant=None, as_json=False)
    failures = capsys.readouterr().out
    run_status(tenant=None, as_json=False)

    assert "1 ready (inside them: 2 ready, 1 failed)" in told
    assert "a.zip \u203a b.jpg" in parent
    assert "UnreadableMedia: " in parent
    assert (child.uri[-9:], child.inside) == ("/mail.eml", ("a.zip", "b.jpg"))
    assert "mail.eml \u203a c" in failures
    assert "3 ready, 1 failed; 3 of them inside others" in capsys.readouterr().out


def test_show_needs_one_asset(ingested):
    with pytest.raises(ConfigurationError, match="txt: fits 3 assets; give more of the path"):
        ingested_name(ingested)


def ingested_name(store):
    # All keys end alike once they are renamed.
    from infra.tables import ObjectRow

    with store.session_scope() as session:
        for row in session.query(ObjectRow):
            row.key = f"{row.key}/same.txt"
    run_show("same.txt", everything=False, tenant=None, as_json=True)


def test_show_of_another_tenants_asset_finds_nothing(ingested):
    with pytest.raises(ConfigurationError, match=r"a\.txt: no such asset"):
        run_show("a.txt", everything=False, tenant="other", as_json=True)


def test_details_tell_the_facts_in_words(capsys):
    facts = make_facts(
        mime_type="video/mp4",
        size_bytes=112_017,
        width_px=480,
        height_px=360,
        n_pages=2,
        duration_s=61.5,
        fps=12.0,
        has_video=True,
    )

    lines = show_details(capsys, facts=facts, media_type="video", also_at=("file:///x%20y.mp4",))

    assert lines == [
        "s3://b/a.jpg",
        "also at /x y.mp4",
        "video, ready  6f0a3b5e-6d1c-4c52-9d53-0f8c3a1d7e42",
        "video/mp4, 112,017 bytes, 480 x 360 px, 2 pages, 1:01.5, 12 fps, no sound",
        "sha256 " + "a" * 64,
    ]


def test_details_of_what_nobody_looked_at_are_short(capsys):
    lines = show_details(capsys, facts=None, media_type=None, state="pending")

    assert lines == ["s3://b/a.jpg", "unknown, pending  6f0a3b5e-6d1c-4c52-9d53-0f8c3a1d7e42"]


def test_details_tell_stages_and_errors(capsys):
    stages = {
        "prepare": StageReport(state="done", seconds=0.25, n_segments=3),
        "ocr": StageReport(state="failed", seconds=1.5, error="X: [/] torn", model="m"),
    }

    lines = show_details(capsys, stages=stages)

    assert [line.split() for line in lines[-3:]] == [
        ["stage", "state", "seconds", "segments", "model", "error"],
        ["prepare", "done", "0.25", "3"],
        ["ocr", "failed", "1.50", "0", "m", "X:", "[/]", "torn"],
    ]


def test_details_without_errors_have_no_column_for_them(capsys):
    lines = show_details(capsys, stages={"ocr": StageReport(state="done", seconds=1.0)})

    assert "error" not in lines[-2]


def test_details_show_texts_with_places_and_remarks(capsys):
    stages = {"caption": StageReport(state="done", seconds=1.0, model="c (random weights)")}
    segments = (
        make_segment_report(text="[b] \x1b[2J", page=2),
        make_segment_report(stage="caption", text="noise", searchable=False),
        make_segment_report(stage="transcribe", text="said", start_s=1.0, end_s=2.0),
        make_segment_report(stage="embed_text", text="again", role="passage"),
        make_segment_report(stage="embed_visual", text=None),
    )

    lines = show_details(capsys, stages=stages, segments=segments)

    assert [line.split(maxsplit=2) for line in lines[-3:]] == [
        ["ocr", "page", r"2           [b] \x1b[2J"],
        ["caption", "(not", "searched, random weights) noise"],
        ["transcribe", "0:01.0", "- 0:02.0  said"],
    ]


@pytest.mark.parametrize("everything", [False, True])
def test_details_show_the_first_texts_or_all(capsys, everything):
    segments = tuple(make_segment_report(text=f"line {n}") for n in range(25))

    lines = show_details(capsys, everything=everything, segments=segments)

    assert ("... 5 more; --all shows them" in lines) is not everything
    assert sum("line" in line for line in lines) == (25 if everything else 20)


def test_details_end_with_what_failed(capsys):
    lines = show_details(capsys, failures=(make_failure(locator=Page(page=7)),))

    assert lines[-2:] == [
        "failed s3://b/a.jpg",
        "    ocr page 7  UnreadableMedia: page 7 is torn",
    ]


# -- status ----------------------------------------------------------------------------------


def test_status_prints_one_document(ingested, capsys):
    assert run_status(tenant=None, as_json=True) == EXIT_OK

    status = StatusReport.model_validate_json(capsys.readouterr().out)
    assert status.assets == {"ready": 2, "failed": 1}
    assert status.stages["prepare"].jobs == {"done": 2, "failed": 1}
    assert status.models["ocr"] == "fake/ocr"


def test_status_tells_people_the_same(ingested, capsys):
    run_status(tenant=None, as_json=False)

    lines = shown(capsys)
    assert lines[0] == "assets: 2 ready, 1 failed"
    prepare = next(line for line in lines if line.startswith("prepare"))
    assert prepare.split()[1:7] == ["0", "0", "0", "2", "1", "0.05"]


def test_status_of_an_empty_store_says_so(store, capsys):
    run_status(tenant=None, as_json=False)

    assert shown(capsys)[0] == "assets: none"


def test_status_tells_backlog_and_time_to_go(capsys):
    jobs = {"waiting": 1, "ready": 2, "dispatched": 3, "running": 4, "quarantined": 5, "failed": 6}
    stage = StageStatus(jobs=jobs, rate_per_s=1.5, eta_s=100.0)
    idle = StageStatus(jobs={}, rate_per_s=0.0, eta_s=None)

    print_status(StatusReport(assets={}, stages={"ocr": stage, "caption": idle}, models={}))

    lines = [line.split() for line in shown(capsys)]
    assert lines[2] == ["ocr", "1", "5", "4", "0", "11", "1.50", "1:40.0"]
    assert lines[3] == ["caption", "0", "0", "0", "0", "0"]


def test_status_says_which_stages_are_not_trained(capsys):
    models = {"ocr": "m", "caption": "c (random weights)"}

    print_status(StatusReport(assets={}, stages={}, models=models))

    assert shown(capsys)[-1] == "random weights: caption"


# -- failures --------------------------------------------------------------------------------


def test_failures_print_one_document(ingested, capsys):
    assert run_failures(tenant=None, as_json=True) == EXIT_OK

    (entry,) = FailureList.model_validate_json(capsys.readouterr().out).failures
    assert entry.uri.endswith("broken.txt")
    assert (entry.failure.stage, entry.failure.category) == ("prepare", "UnreadableMedia")


def test_failures_tell_people_the_same(ingested, folder, capsys):
    run_failures(tenant=None, as_json=False)

    lines = shown(capsys)
    assert lines[0] == f"{folder}/broken.txt"
    assert lines[1].startswith("    prepare  UnreadableMedia: ")


def test_no_failures_is_said(store, capsys):
    assert run_failures(tenant=None, as_json=False) == EXIT_OK

    assert shown(capsys) == ["no failures"]


def test_no_failures_is_an_empty_document(store, capsys):
    run_failures(tenant=None, as_json=True)

    assert json.loads(capsys.readouterr().out) == {"failures": []}


def test_failures_of_one_object_stand_together(capsys):
    failures = [
        make_failure(),
        make_failure(stage="transcribe", locator=TimeSpan(start_s=1.0, end_s=2.0)),
    ]

    print_failed("s3://b/[a].mp4", failures)

    assert shown(capsys) == [
        "s3://b/[a].mp4",
        "    ocr  UnreadableMedia: page 7 is torn",
        "    transcribe 0:01.0 - 0:02.0  UnreadableMedia: page 7 is torn",
    ]
