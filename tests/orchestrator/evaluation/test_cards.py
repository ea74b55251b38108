from pathlib import Path

from orchestrator.evaluation.cards import make_card, show_value
from orchestrator.evaluation.measure import Measured, measure
from schemas.asset import AssetState
from tests.factories import make_failure, make_segment
from tests.orchestrator.evaluation.factories import make_case, make_outcome


def card_of(case, outcome, questions=()):
    measured = measure([case], [outcome], [])
    return make_card(Measured([case], [outcome], measured.files, list(questions)), 0, Path("/"))


def test_card_tells_what_is_wrong():
    case = make_case("a.pdf", text="hello big world", facts={"pages": 2})
    outcome = make_outcome(texts=[("prepare", "hello world")], n_pages=1)

    card = card_of(case, outcome)

    assert card.wrong == [("pages", "2", "1")]
    (comparison,) = card.comparisons
    assert [piece.kind for piece in comparison.pieces] == ["equal", "missing", "equal"]
    assert card.badness[0] == 1.0
    assert card.ending == "pdf"
    assert ("ended as expected", "1", True) in card.metrics
    assert ("all facts right", "0", False) in card.metrics


def test_perfect_file_has_nothing_to_show():
    case = make_case("a.txt", text="hello  world")

    card = card_of(case, make_outcome(texts=[("prepare", "hello world")]))

    assert (card.badness[0], card.wrong, card.comparisons, card.missed) == (0.0, [], [], [])


def test_failed_file_says_why():
    failed = make_outcome(facts=None, state=AssetState.FAILED, failures=[make_failure()])

    card = card_of(make_case("a.wav", kind="speech", transcript="hello"), failed)

    assert card.error == "UnreadableMedia: page 7 is torn"
    assert card.wrong == [("state", "ready", "failed UnreadableMedia: page 7 is torn")]
    assert card.comparisons[0].title == "speech"


def test_links_hold_nothing_but_a_path():
    names = ("a b.png", "javascript:alert(1).png", '"><script>.png', "\udcff.png")

    links = [card_of(make_case(name), make_outcome()).link for name in names]

    assert links == [
        "media/a%20b.png",
        "media/javascript%3Aalert%281%29.png",
        "media/%22%3E%3Cscript%3E.png",
        "media/%FF.png",
    ]


def test_values_are_short():
    assert [show_value(v) for v in (1.0, 0.0, 0.12345)] == ["1", "0", "0.123"]


def test_texts_are_shown_as_they_were_compared():
    document = card_of(
        make_case("a.md", markdown="# Big **title**"), make_outcome(texts=[("prepare", "Big tile")])
    )
    segment = ("transcribe", make_segment(text="twenty men", role="speech"))
    speech = card_of(
        make_case("a.wav", transcript="Twenty, MEN!", language="en"),
        make_outcome("audio", segments=[segment]),
    )

    assert [p.text for p in document.comparisons[0].pieces] == ["Big", "title", "tile"]
    assert speech.comparisons == []
