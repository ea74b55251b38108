import pytest

from orchestrator.evaluation.measure import measure, report
from orchestrator.evaluation.retrieval import make_questions
from schemas.asset import AssetState
from tests.orchestrator.evaluation.factories import caption, make_case, make_outcome
from tests.orchestrator.evaluation.test_retrieval import hit


@pytest.fixture
def measured():
    cases = [
        make_case("a.png", kind="image", captions=["a cat"], text="cat"),
        make_case("b.png", kind="image", captions=["a dog"]),
        make_case("c.bin", kind="malformed", text="never compared"),
    ]
    outcomes = [
        make_outcome("image", segments=[caption("a cat")], texts=[]),
        make_outcome("image", segments=[caption("a cow")]),
        make_outcome(facts=None, state=AssetState.FAILED),
    ]
    questions = make_questions(cases, outcomes)
    answers = [(question, [hit(outcomes[0])]) for question in questions]
    return measure(cases, outcomes, answers)


def test_figures_over_all_and_by_kind(measured):
    result = report(measured, seconds=1.5)

    assert result.metrics["caption_exact"] == 0.5
    assert result.metrics["recall_at_1"] == 0.5
    assert result.n["recall_at_1"] == 2
    assert result.metrics["states_as_expected"] == 1.0
    assert set(result.kinds) == {"image", "malformed"}
    assert result.kinds["image"].metrics["ocr_cer"] == 1.0
    assert set(result.kinds["malformed"].metrics) == {"states_as_expected"}
    assert set(result.folders) == {"."}


def test_files_carry_their_own_questions(measured):
    first, second, third = report(measured, seconds=0.0).files

    assert (first.metrics["recall_at_1"], second.metrics["recall_at_1"]) == (1.0, 0.0)
    assert third.metrics == {"states_as_expected": 1.0}
    assert (third.kind, third.state) == ("malformed", "failed")


def test_recordings_have_no_written_text():
    case = make_case("a.wav", kind="speech", text="said", transcript="said", must_contain=["x"])

    result = report(measure([case], [make_outcome("audio")], []), seconds=0.0)

    assert {"asr_wer", "asr_cer", "states_as_expected"} == set(result.metrics)
