import pytest

from orchestrator.evaluation.text_scores import (
    compared_text,
    expected_text,
    reading_order_tau,
    score_text,
    similarity,
    word_recall,
)
from orchestrator.evaluation.truths import Truth
from schemas.asset import AssetState
from schemas.segment import Segment
from tests.orchestrator.evaluation.factories import make_outcome

LINES = [f"this is line number {word}" for word in ("one", "two", "three", "four", "five")]


def test_the_best_truth_is_taken():
    everything = Truth(text="a", markdown="b", lines=("c",), pages_text_layer=("d",))

    assert expected_text(everything) == "a"
    assert expected_text(Truth(markdown="b", pages_text_layer=("d",))) == "b"
    assert expected_text(Truth.model_validate({"lines": [{"text": "c", "quad": [1]}]})) == "c"
    assert expected_text(Truth(pages_text_layer=("d", "e"))) == "d\ne"
    assert expected_text(Truth(pages_text_layer=("\x01\x02\x03",))) is None
    assert expected_text(Truth()) is None


def test_text_of_the_file_is_compared_by_likeness():
    outcome = make_outcome(texts=[("prepare", "Hello"), ("prepare", "big world")])

    scores = score_text(Truth(markdown="# Hello\n\n**big** world"), outcome)

    assert {name: score.value for name, score in scores.items()} == {"text_similarity": 1.0}


def test_elements_must_be_there_and_others_may():
    truth = Truth.model_validate(
        {"text": "x", "elements": [{"text": "A title"}, {"text": "Words"}]}
    )

    def value(text: str) -> float | None:
        return score_text(truth, make_outcome(texts=[("prepare", text)]))["text_similarity"].value

    assert value("From: somebody\nA title\nand more\nWords\nthe end") == 1.0
    assert value("From: somebody with a title\nWords") == pytest.approx(1.0, abs=0.15)
    assert value("Words") == pytest.approx((5 + 6 * (1 / 6)) / 11, abs=0.2)
    assert value("") == 0.0


def test_lines_of_a_text_layer_are_compared_in_any_order():
    """They are in the order of drawing, and lack what was typed into a form."""
    truth = Truth(pages_text_layer=("\n".join(LINES[::-1]),))
    outcome = make_outcome(texts=[("prepare", "\n".join([*LINES, "Alice"]))])

    scores = score_text(truth, outcome)

    assert {name: score.value for name, score in scores.items()} == {"text_similarity": 1.0}


def segments(*texts, **fields):
    return [Segment(ordinal=0, text=text, **fields) for text in texts]


@pytest.mark.parametrize(
    "fields", [{"role": "notes"}, {"role": "chart"}, {"role": "page_footer"}, {"searchable": False}]
)
def test_what_stands_beside_the_page_counts_where_the_truth_has_it(fields):
    written = [*segments("body"), *segments("said | beside", **fields)]

    assert compared_text("body\n\n- said | beside", written) == "body\nsaid | beside"
    assert compared_text("body", written) == "body"


def test_what_is_only_like_the_truth_is_not_in_it():
    hidden = segments("Sheet4", searchable=False)

    assert compared_text("Sheet3", [*segments("Sheet3"), *hidden]) == "Sheet3"


def test_text_of_the_body_always_counts():
    assert compared_text("a", segments("made up", role="footnote")) == "made up"


def test_text_of_pictures_gets_error_rates():
    outcome = make_outcome("image", texts=[("ocr", "Helo world")])

    scores = score_text(Truth(text="Hello world"), outcome)

    assert scores["ocr_cer"].value == pytest.approx(1 / 11)
    assert (scores["ocr_wer"].value, scores["ocr_word_recall"].value) == (0.5, 0.5)
    assert "text_similarity" not in scores


def test_scanned_document_is_a_picture_and_a_failed_one_is_not():
    scanned = make_outcome(texts=[("ocr", "Hello")])
    failed = make_outcome(state=AssetState.FAILED, facts=None)

    assert "ocr_cer" in score_text(Truth(text="Hello"), scanned)
    assert score_text(Truth(text="Hello"), failed)["text_similarity"].value == 0.0


def test_nothing_read_of_a_picture_is_all_wrong():
    scores = score_text(Truth(text="two words"), make_outcome("image"))

    assert [scores[n].value for n in ("ocr_cer", "ocr_wer", "ocr_word_recall")] == [1.0, 1.0, 0.0]


def test_empty_truth_is_right_when_nothing_was_found():
    assert similarity("", "") == 1.0
    assert similarity("", "x") == 0.0
    assert word_recall([], ["x"]).value is None


def test_known_phrases_alone_give_recall():
    outcome = make_outcome("image", texts=[("ocr", "BAIONA and more")])

    assert (
        score_text(Truth(on_screen_text=("Baiona", "Bilbao")), outcome)["ocr_word_recall"].value
        == 0.5
    )
    assert score_text(Truth(), outcome) == {}


def test_words_are_found_as_often_as_they_are_there():
    assert word_recall(["a", "a", "b"], ["b", "a", "c"]).value == pytest.approx(2 / 3)


def test_reading_order():
    assert reading_order_tau(LINES, "\n".join(LINES)) == 1.0
    assert reading_order_tau(LINES, "\n".join(reversed(LINES))) == -1.0
    swapped = [LINES[1], LINES[0], *LINES[2:]]
    assert reading_order_tau(LINES, " ".join(swapped)) == pytest.approx(0.8)


def test_lines_within_others_have_no_place_of_their_own():
    lines = ["the first line of all", "a second line", "and then a second line", "the third line"]

    assert reading_order_tau(lines, "\n".join(lines)) is None
    assert (
        reading_order_tau([*lines, "and the last one"], "\n".join([*lines, "and the last one"]))
        == 1.0
    )
    # Repeated by the reader: nobody knows which one it was.
    assert reading_order_tau(LINES, "\n".join([LINES[4], *LINES])) == 1.0


def test_lines_with_mistakes_are_still_placed():
    read = [line.replace("number", "nunber") for line in LINES]

    assert reading_order_tau(LINES, "\n".join(read)) == 1.0


def test_too_few_lines_have_no_order():
    assert reading_order_tau(LINES[:3], "\n".join(LINES)) is None
    assert reading_order_tau(["same line here"] * 9, "same line here") is None
    assert reading_order_tau(LINES, "something else altogether") is None
    assert reading_order_tau([], "") is None
