import json
from pathlib import Path

import pytest

from orchestrator.commands import EXIT_FAILED, EXIT_OK, EXIT_STOPPED
from orchestrator.commands.evaluate import EvalOptions, run_eval, store_settings
from orchestrator.commands.ingest import STOPPED_HINT
from schemas.errors import ConfigurationError
from schemas.evaluation import EvalReport
from tests.orchestrator.commands.conftest import InterruptedWorker
from tests.workers.stubs import StubStage


@pytest.fixture(autouse=True)
def _deps(stub_deps, store):
    pass


@pytest.fixture
def truths(folder: Path) -> Path:
    """`folder` with truths: one right, one misread, one malformed; `plain.txt` has none."""
    told = {
        "a.txt": {"kind": "image", "text": "red circle", "captions": ["red", "circle"]},
        "b [bold].txt": {"kind": "image", "text": "blue squares"},
        "broken.txt": {"kind": "malformed"},
    }
    for name, truth in told.items():
        (folder / f"{name}.gt.json").write_text(json.dumps(truth))
    (folder / "plain.txt").write_text("no truth")
    (folder / "README.md").write_text("about")
    (folder / "MANIFEST.csv").write_text("file,group\n")
    return folder


def evaluate(truths: Path, home: Path, *, as_json: bool = True, **options) -> int:
    return run_eval(EvalOptions(folder=truths, store=home, **options), as_json=as_json)


def test_eval_prints_one_document(truths, home, stub_deps, capsys):
    status = evaluate(truths, home)

    report = EvalReport.model_validate_json(capsys.readouterr().out)
    assert status == EXIT_OK
    assert [Path(file.uri).name for file in report.files] == [
        "a.txt",
        "b%20%5Bbold%5D.txt",
        "broken.txt",
    ]
    assert [file.state for file in report.files] == ["ready", "ready", "failed"]
    assert report.files[0].metrics["ocr_cer"] == 0.0
    assert report.files[2].error is not None
    assert "not a picture" in report.files[2].error
    assert report.metrics["ocr_cer"] == pytest.approx(1 / 22, abs=1e-6)
    assert report.metrics["recall_at_1"] == 0.0  # the stub finds nothing
    assert report.n["recall_at_1"] == 2
    assert [query.text for query, _ in stub_deps.newest.queries] == ["red", "circle"]


def test_eval_again_reads_nothing_again(truths, home, capsys):
    first = (evaluate(truths, home), json.loads(capsys.readouterr().out))
    n_tried = len(StubStage.tried)
    again = (evaluate(truths, home), json.loads(capsys.readouterr().out))

    assert again[0] == first[0]
    assert {**again[1], "seconds": 0} == {**first[1], "seconds": 0}
    assert len(StubStage.tried) == n_tried > 0


def test_fresh_eval_reads_everything_again(truths, home, capsys):
    evaluate(truths, home)
    before, n_tried = json.loads(capsys.readouterr().out), len(StubStage.tried)
    evaluate(truths, home, fresh=True)
    after = json.loads(capsys.readouterr().out)

    assert after["metrics"] == before["metrics"]
    assert len(StubStage.tried) > n_tried


def test_eval_takes_a_part(truths, home, capsys):
    evaluate(truths, home, kinds=("malformed",))

    report = json.loads(capsys.readouterr().out)
    assert list(report["kinds"]) == ["malformed"]
    assert set(report["metrics"]) == {"states_as_expected"}


def test_file_that_should_be_fine_and_fails_makes_the_status_1(truths, home, capsys):
    (truths / "broken.txt.gt.json").write_text('{"kind": "image"}')

    assert evaluate(truths, home) == EXIT_FAILED


def test_table_for_people(truths, home, capsys):
    evaluate(truths, home, as_json=False)

    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].split() == ["metric", "all", "image", "malformed"]
    assert "states_as_expected" in shown.out
    assert any(line.startswith("b [bold].txt") for line in lines)
    assert "asking 2 questions" in shown.err


def test_page_lies_beside_the_folder(truths, home, capsys):
    page = truths / "report.html"

    evaluate(truths, home, page=page)

    html = page.read_text()
    assert 'href="b%20%5Bbold%5D.txt"' in html
    assert "<del>squares</del>" in html
    assert [path.name for path in truths.glob(".*")] == []


def test_page_without_a_place_is_refused_before_any_work(truths, home, stub_deps):
    with pytest.raises(ConfigurationError, match="its folder does not exist"):
        evaluate(truths, home, page=truths / "absent" / "report.html")


def test_stopped_eval_says_that_it_goes_on(truths, home, stub_deps, capsys, monkeypatch):
    monkeypatch.setattr(stub_deps, "worker_class", InterruptedWorker)

    assert evaluate(truths, home) == EXIT_STOPPED
    assert STOPPED_HINT.split(".")[0] in capsys.readouterr().err


def test_every_folder_has_a_store_of_its_own(home, tmp_path, monkeypatch):
    monkeypatch.setenv("SLUICE_DATABASE_URL", "postgresql://elsewhere")
    first = store_settings(EvalOptions(folder=tmp_path / "a"))
    second = store_settings(EvalOptions(folder=tmp_path / "other" / "a"))

    assert first.home.parent == home / "eval"
    assert first.home != second.home
    assert first.is_embedded
    assert first.sqlalchemy_url.startswith("sqlite:///")
    assert store_settings(EvalOptions(folder=tmp_path, store=home)).home == home
