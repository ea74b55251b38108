"""The shapes that machines read: `--json` documents keep their fields."""

import json

import pytest
from pydantic import ValidationError

from schemas.reports import (
    AssetReport,
    Check,
    DoctorReport,
    FailureList,
    IngestReport,
    StageReport,
    StatusReport,
)
from schemas.segment import Page
from tests.factories import make_failure


def test_ingest_report_has_the_promised_shape():
    stage = StageReport(state="done", seconds=0.5, n_segments=2, model="m")
    asset = AssetReport(
        uri="s3://b/k", asset_id=None, media_type="image", state="ready", stages={"ocr": stage}
    )
    report = IngestReport(assets=(asset,), counts={"ready": 1}, seconds=1.0)

    assert json.loads(report.model_dump_json()) == {
        "assets": [
            {
                "uri": "s3://b/k",
                "asset_id": None,
                "media_type": "image",
                "state": "ready",
                "segments": 0,
                "stages": {
                    "ocr": {
                        "state": "done",
                        "seconds": 0.5,
                        "error": None,
                        "n_segments": 2,
                        "model": "m",
                    }
                },
                "failures": [],
                "children": {},
            }
        ],
        "counts": {"ready": 1},
        "seconds": 1.0,
    }


def test_status_report_is_keyed_by_state_and_stage():
    report = StatusReport(
        assets={"ready": 2},
        stages={"ocr": {"jobs": {"done": 3}, "rate_per_s": 0.1, "eta_s": None}},
        models={"ocr": "m"},
    )

    document = json.loads(report.model_dump_json())

    assert document["stages"]["ocr"] == {"jobs": {"done": 3}, "rate_per_s": 0.1, "eta_s": None}
    assert StatusReport.model_validate(document) == report


def test_failure_tells_its_place():
    failure = make_failure(locator=Page(page=7))
    report = FailureList(
        failures=({"uri": "u", "asset_id": "0" * 32, "failure": failure.model_dump()},)
    )

    (entry,) = json.loads(report.model_dump_json())["failures"]

    assert entry["failure"]["locator"]["page"] == 7


def test_report_cannot_be_changed():
    report = DoctorReport(checks=(Check(name="disk", status="ok", found="much"),))

    with pytest.raises(ValidationError, match="frozen"):
        report.checks = ()


def test_report_of_another_shape_is_refused():
    with pytest.raises(ValidationError, match="counts"):
        IngestReport.model_validate({"assets": [], "counts": {"splendid": 1}, "seconds": 0})
