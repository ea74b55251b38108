import re
from pathlib import Path

from orchestrator.evaluation.measure import measure, report
from orchestrator.evaluation.page import render
from schemas.asset import AssetState
from tests.factories import make_failure
from tests.orchestrator.evaluation.factories import caption, make_case, make_outcome

EVIL = "</div><script>alert('x')</script><img src=x onerror=alert(1)>"


def page_of(cases, outcomes, picture: str | None = None) -> str:
    measured = measure(cases, outcomes, [])
    return render(measured, report(measured, 1.0), EVIL, Path("/"), lambda _: picture)


def test_everything_of_others_is_escaped():
    """Names, texts, captions, errors, facts and kinds come from media and truth files."""
    cases = [
        make_case(f"{EVIL.replace('/', '_')}.pdf", kind=EVIL, text=f"{EVIL} b", facts={"pages": 1}),
        make_case("b.jpg", kind="image", captions=[EVIL]),
        make_case("c.wav", kind="speech", transcript="x"),
    ]
    outcomes = [
        make_outcome(texts=[("prepare", f"{EVIL} a b")]),
        make_outcome("image", segments=[caption(EVIL + " more")]),
        make_outcome("audio", state=AssetState.FAILED, failures=[make_failure(message=EVIL)]),
    ]

    html = page_of(cases, outcomes)

    assert "<script" not in html
    assert "onerror=alert" in html  # as text
    assert re.findall(r"<img[^>]*onerror", html) == []
    assert html.count("&lt;script&gt;") >= 5


def test_worst_cases_stand_beside_their_media():
    cases = [
        make_case("good.mp4", kind="video", captions=["cat"]),
        make_case("bad.mp4", kind="video", captions=["dog"]),
        make_case("bad.wav", kind="speech", transcript="hello"),
    ]
    outcomes = [
        make_outcome("video", segments=[caption("cat")]),
        make_outcome("video", segments=[caption("cow")]),
        make_outcome("audio"),
    ]

    html = page_of(cases, outcomes, picture="data:image/jpeg;base64,AA")

    cards = re.findall(r"<article.*?</article>", html, re.DOTALL)
    assert 'src="media/bad.mp4" poster="data:image/jpeg;base64,AA"' in cards[0]
    assert "<del>dog</del>" in cards[0]
    assert "<ins>cow</ins>" in cards[0]
    assert '<audio controls preload="none" src="media/bad.wav">' in cards[-1]
    assert "http" not in re.sub(r"http-equiv", "", html)


def test_nothing_wrong_is_said_so():
    html = page_of([make_case(kind="image")], [make_outcome("image")])

    assert "Nothing is wrong with any of 1." in html
