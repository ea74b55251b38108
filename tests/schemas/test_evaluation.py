import json

from schemas.evaluation import EvalFile, EvalReport, EvalSlice


def test_report_has_the_promised_shape():
    file = EvalFile(
        uri="file:///a", kind="image", state=None, error=None, seconds=0.1, metrics={"mrr": 1.0}
    )
    one = EvalSlice(metrics={"mrr": 1.0}, n={"mrr": 1})
    report = EvalReport(
        **one.model_dump(), kinds={"image": one}, folders={}, files=(file,), seconds=1.0
    )

    document = json.loads(report.model_dump_json())

    assert document["metrics"] == {"mrr": 1.0}
    assert document["n"] == {"mrr": 1}
    assert set(document["files"][0]) >= {"uri", "state", "error", "metrics"}
