import pytest

from orchestrator.evaluation.retrieval import (
    index_found,
    judge,
    make_questions,
    overlap,
    rank_scores,
)
from schemas.asset import MediaType
from schemas.search import Hit
from tests.orchestrator.evaluation.factories import make_case, make_outcome

IMAGES = (MediaType.IMAGE,)


def hit(outcome, start_s=None, end_s=None) -> Hit:
    return Hit(
        uri=outcome.uri,
        asset_id=outcome.asset_id,
        media_type=outcome.facts.media_type,
        score=1.0,
        start_s=start_s,
        end_s=end_s,
    )


def test_ranks_by_hand():
    assert rank_scores(["x", "right", "y"], {"right"}) == {
        "recall_at_1": 0.0,
        "recall_at_5": 1.0,
        "mrr": 0.5,
        "ndcg_at_10": pytest.approx(1 / 1.58496, abs=1e-4),
    }
    assert set(rank_scores([], {"right"}).values()) == {0.0}
    assert rank_scores(["b", "a"], {"a", "b"})["ndcg_at_10"] == 1.0


def test_pictures_with_one_caption_are_one_question():
    cases = [make_case(name, captions=["a face", f"face {name}"]) for name in "ab"]
    outcomes = [make_outcome("image"), make_outcome("image")]

    questions = {q.text: q.answers for q in make_questions(cases, outcomes)}

    assert questions == {"a face": (0, 1), "face a": (0,), "face b": (1,)}


def test_only_phrases_that_single_a_document_out_are_asked():
    phrase = "One morning, when Gregor"
    cases = [
        make_case("a.pdf", must_contain=["Yes", "two words", phrase]),
        make_case("b.txt", text="So: one\nmorning, when   Gregor woke"),
        make_case("c.txt", text="nothing"),
        make_case("d.wav", must_contain=["spoken words are others"]),
    ]
    kinds = ("document", "document", "document", "audio")

    (question,) = make_questions(cases, [make_outcome(kind) for kind in kinds])

    assert question.text == phrase
    # The other document holds it too, so either is right.
    assert question.answers == (0, 1)
    assert question.query().filter.kinds == (MediaType.DOCUMENT, MediaType.IMAGE)


def test_a_group_is_one_answer_at_its_best_rank():
    cases = [make_case("a", group="g", captions=["cat"]), make_case("b", group="g"), make_case("c")]
    outcomes = [make_outcome("image") for _ in cases]
    (question,) = make_questions(cases, outcomes)

    found = index_found(cases, outcomes)
    hits = [hit(outcomes[2]), hit(outcomes[1]), hit(outcomes[0])]

    assert judge(question, hits, cases, found)["mrr"].value == 0.5


def test_hits_on_other_files_are_passed_over():
    cases, outcomes = [make_case(captions=["cat"])], [make_outcome("image")]
    (question,) = make_questions(cases, outcomes)
    found = index_found(cases, outcomes)

    scores = judge(question, [hit(make_outcome("image")), hit(outcomes[0])], cases, found)

    assert scores["recall_at_1"].value == 1.0
    assert judge(question, [], cases, found)["recall_at_1"].value == 0.0


@pytest.mark.parametrize(
    ("span", "value"), [((4.0, 8.0), 1.0), ((4.0, 6.1), 1.0), ((0.0, 8.0), 1.0), ((6.5, 8.0), 0.0)]
)
def test_moment_must_overlap_by_half(span, value):
    shot = {"start_s": 4.0, "end_s": 8.0, "caption": "a dog"}
    cases, outcomes = [make_case(shots_described=[shot])], [make_outcome("video")]
    (question,) = make_questions(cases, outcomes)

    scores = judge(question, [hit(outcomes[0], *span)], cases, index_found(cases, outcomes))

    assert {name: score.value for name, score in scores.items()} == {
        "moment_recall_at_1_iou50": value
    }


def test_moment_in_another_file_is_wrong_unless_it_says_the_same():
    said = [{"start": 1.0, "end": 3.0, "text": "from fairest creatures we desire"}]
    cases = [make_case("a.mp3", segments=said), make_case("a.ogg", segments=said), make_case("b")]
    outcomes = [make_outcome("audio") for _ in cases]
    (question,) = make_questions(cases, outcomes)
    found = index_found(cases, outcomes)

    def value(number: int) -> float | None:
        hits = [hit(outcomes[number], 1.0, 3.0)]
        return judge(question, hits, cases, found)["moment_recall_at_1_iou50"].value

    assert [value(number) for number in range(3)] == [1.0, 1.0, 0.0]


def test_overlap():
    assert overlap((0, 2), (1, 3)) == pytest.approx(1 / 3)
    assert overlap((0, 1), (1, 2)) == 0.0
    assert overlap((1, 1), (1, 1)) == 0.0
