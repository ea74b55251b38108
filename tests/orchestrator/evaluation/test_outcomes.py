from infra.database import Database
from orchestrator.evaluation.outcomes import Outcome, object_ref, read_outcomes
from schemas.segment import Page
from tests.factories import make_failure, make_segment
from tests.orchestrator.evaluation.factories import make_case, make_outcome
from tests.workers.stubs import Pipeline


def on_page(page: int, text: str, **overrides):
    return make_segment(text=text, locator=Page(page=page), **overrides)


def test_text_is_read_page_by_page():
    segments = [
        ("prepare", on_page(1, "layer one")),
        ("prepare", on_page(3, "layer three")),
        ("ocr", on_page(2, "scan two")),
        ("caption", on_page(1, "a picture")),
    ]

    assert make_outcome(segments=segments).read_text == "layer one\nscan two\nlayer three"


def test_what_is_beside_the_media_is_no_text_of_it():
    segments = [
        ("prepare", make_segment(text="hello", role="subtitle")),
        ("prepare", make_segment(text="Chapter 1", role="chapter")),
        ("ocr", make_segment(text="on screen")),
    ]
    outcome = make_outcome("video", segments=segments)

    assert outcome.read_text == "on screen"
    assert not outcome.has_text_layer
    assert outcome.texts("subtitle") == ["hello"]


def test_cuts_are_the_starts_of_later_shots():
    shots = [{"start_s": 0.0, "end_s": 2.0}, {"start_s": 2.0, "end_s": 5.0}]

    assert make_outcome("video", extra={"shots": shots}).cuts_s == [2.0]
    assert make_outcome("video").cuts_s == []
    assert Outcome(uri="file:///x").cuts_s == []


def test_error_is_that_of_the_first_failure():
    failures = [make_failure(category="A", message="b"), make_failure()]

    assert make_outcome(failures=failures).error == "A: b"
    assert make_outcome().error is None


def test_outcomes_come_in_the_order_of_the_cases(pipeline: Pipeline, database: Database):
    cases = [make_case("x/b.txt"), make_case("x/absent.txt"), make_case("x/a.txt")]
    words = {"x/b.txt": "(layer) seen", "x/a.txt": "unreadable-object"}
    for case in (cases[0], cases[2]):
        ref = object_ref(case)
        pipeline.objects.put(ref, words["/".join(case.path.parts[-2:])].encode())
        pipeline.intake.admit(ref, "t")
    pipeline.work_to_the_end()

    read, absent, failed = read_outcomes(database, "t", {}, cases)

    assert read.state == "ready"
    assert [s.text for s in read.of_stage("prepare")] == ["layer"]
    assert {s.role for _, s in read.segments}.isdisjoint({"passage"})
    assert (absent.state, absent.asset_id, absent.segments) == (None, None, ())
    assert failed.state == "failed"
    assert failed.error is not None
    assert failed.error.startswith("UnreadableMedia: ")
