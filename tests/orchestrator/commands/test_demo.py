import pytest

from orchestrator.commands import EXIT_FAILED, EXIT_OK, EXIT_STOPPED
from orchestrator.commands import demo as demo_module
from orchestrator.commands.demo import SAMPLES, SEARCHES, run_demo
from orchestrator.commands.ingest import STOPPED_HINT
from schemas.reports import DemoReport
from schemas.search import Answer
from tests.orchestrator.commands.conftest import InterruptedWorker
from tests.orchestrator.commands.test_search import make_hit


@pytest.fixture(autouse=True)
def samples(stub_deps, store, tmp_path, monkeypatch):
    """Words under the names of the samples: the stub stages read nothing else."""
    folder = tmp_path / "samples"
    folder.mkdir()
    for name in ("circle-above-square-again.png", "sounds.ogg", "sign.png", "truth.json"):
        (folder / name).write_text(f"words of {name}")
    monkeypatch.setattr(demo_module, "SAMPLES", folder)
    return folder


def test_demo_prints_one_document(capsys):
    status = run_demo(as_json=True)

    report = DemoReport.model_validate_json(capsys.readouterr().out)
    assert status == EXIT_OK
    assert report.ingest.counts == {"ready": 3}  # the truth is no sample
    assert [search.title for search in report.searches] == [s.title for s in SEARCHES]
    assert report.untrained == ()


def test_demo_searches_by_text_image_and_sound(samples, stub_deps):
    run_demo(as_json=True)

    queries = [query for query, _ in stub_deps.newest.queries]
    assert len(queries) == len(SEARCHES)
    assert {query.image for query in queries if query.image} == {
        b"words of circle-above-square-again.png"
    }
    assert {query.audio for query in queries if query.audio} == {b"words of sounds.ogg"}


def test_demo_shows_a_row_per_sample_and_the_hits(stub_deps, capsys):
    stub_deps.answer = Answer(hits=(make_hit(text="hello"),), took_ms=12.0)

    run_demo(as_json=False)

    shown = capsys.readouterr().out
    assert "sign.png" in shown
    assert "3 samples in" in shown
    assert shown.count("  1  a b.jpg  image") == len(SEARCHES)
    assert "fused over everything: a red circle above a blue square  12 ms" in shown
    assert "random weights" not in shown
    assert shown.splitlines()[-1].startswith("Next: sluice ingest FOLDER")


def test_demo_fits_a_narrow_terminal(samples, capsys, monkeypatch):
    monkeypatch.setattr(demo_module.out, "width", 80)
    (samples / "sign.png").write_text("unreadable-object")

    run_demo(as_json=False)

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0].split() == ["sample", "state", "seconds", "segments"]
    assert lines[2].split()[:2] == ["sign.png", "failed"]
    assert lines[4] == f"failed {samples}/sign.png"
    assert lines[5].startswith("    prepare  UnreadableMedia: ")
    assert all(len(line) <= 80 for line in lines[:4])


def test_demo_says_when_nothing_matches(capsys):
    run_demo(as_json=False)

    assert capsys.readouterr().out.count("     no match") == len(SEARCHES)


def test_demo_says_whose_output_means_nothing(capsys):
    demo_module._print(
        DemoReport.model_validate(
            {"ingest": {"assets": [], "counts": {}, "seconds": 0}, "searches": [], "untrained": []}
        ).ingest,
        (),
        ["blip (random weights)", "clap (random weights)"],
    )

    words = " ".join(capsys.readouterr().out.split())
    assert "Random weights, so their output means nothing: blip, clap" in words


def test_demo_of_a_broken_sample_exits_with_1(samples, capsys):
    (samples / "sign.png").write_text("unreadable-object")

    assert run_demo(as_json=True) == EXIT_FAILED


def test_demo_that_is_stopped_says_that_nothing_is_lost(stub_deps, capsys):
    stub_deps.worker_class = InterruptedWorker

    status = run_demo(as_json=True)

    shown = capsys.readouterr()
    assert (status, shown.out) == (EXIT_STOPPED, "")
    assert shown.err.splitlines()[-1] == STOPPED_HINT


def test_demo_refers_to_samples_that_exist():
    named = {s.image for s in SEARCHES if s.image} | {s.audio for s in SEARCHES if s.audio}

    assert {name for name in named if not (SAMPLES / name).exists()} == set()
