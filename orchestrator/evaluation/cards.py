"""What the report shows of each file: its figures, and what was expected beside what was found."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orchestrator.evaluation import plain_text
from orchestrator.evaluation.caption_scores import pairs_of
from orchestrator.evaluation.differences import Piece, differences
from orchestrator.evaluation.fact_scores import check_facts, check_state
from orchestrator.evaluation.measure import Measured, known_values, scores_with_questions
from orchestrator.evaluation.outcomes import Outcome
from orchestrator.evaluation.scores import METRICS, badness, is_perfect
from orchestrator.evaluation.speech_scores import expected_wordings, normalise
from orchestrator.evaluation.text_scores import expected_text
from orchestrator.evaluation.truths import Case
from schemas.asset import MediaType

#: Longest value of a fact that is shown.
_MAX_CHARS = 300


@dataclass(frozen=True)
class Comparison:
    """One thing that was expected and what was found instead."""

    title: str
    pieces: Sequence[Piece]


@dataclass(frozen=True)
class Card:
    """One file of the report."""

    name: str
    #: Relative to the report; None where the two share no root.
    link: str | None
    kind: str
    #: What a person sees in its name: `pdf`, `wav`, ...
    ending: str
    #: `image`, `audio`, `video` or `document`, as sniffed; decides the player.
    media_type: str | None
    state: str
    error: str | None
    badness: tuple[float, float]
    #: (title, value, whether it is as good as can be).
    metrics: Sequence[tuple[str, str, bool]]
    #: (fact, expected, found) of facts that are wrong.
    wrong: Sequence[tuple[str, str, str]]
    comparisons: Sequence[Comparison]
    #: Questions it should have answered first.
    missed: Sequence[str]


def make_card(measured: Measured, number: int, report_folder: Path) -> Card:
    """The card of one file."""
    case, outcome = measured.cases[number], measured.outcomes[number]
    scores = scores_with_questions(measured, number)
    media_type = outcome.facts.media_type.value if outcome.facts else None
    return Card(
        name=case.path.name if case.folder == "." else f"{case.folder}/{case.path.name}",
        link=_link(case.path, report_folder),
        kind=case.kind,
        ending=case.path.suffix.removeprefix(".") or "file",
        media_type=media_type,
        state=outcome.state.value if outcome.state else "absent",
        error=outcome.error,
        badness=badness(scores),
        metrics=[
            (METRICS[name].title, show_value(value), is_perfect({name: scores[name]}))
            for name, value in known_values(scores).items()
        ],
        wrong=list(_wrong(case, outcome)),
        comparisons=[
            Comparison(title, differences(expected, found))
            for title, expected, found in _compared(case, outcome, set(scores))
            if expected.split() != found.split()
        ],
        missed=_missed(measured, number),
    )


def show_value(value: float) -> str:
    """A figure for people; whole numbers as such."""
    return f"{value:.0f}" if value == int(value) else f"{value:.3f}"


def _link(path: Path, report_folder: Path) -> str | None:
    """A relative address whose every odd byte is encoded, so that it can be nothing else."""
    try:
        relative = os.path.relpath(path, report_folder)
    except ValueError:  # another drive
        return None
    return quote(os.fsencode(relative))


def _wrong(case: Case, outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    for check in [check_state(case, outcome), *check_facts(case, outcome)]:
        if not check.is_right:
            yield check.name, _short(check.expected), _short(check.found)


def _short(value: Any) -> str:
    text = "unknown" if value is None else str(value)
    return text if len(text) <= _MAX_CHARS else f"{text[: _MAX_CHARS - 1]}\u2026"


def _compared(case: Case, outcome: Outcome, scored: set[str]) -> Iterator[tuple[str, str, str]]:
    """(title, expected, found) of every text that was scored, as it was compared."""
    truth, read = case.truth, plain_text.spaced(outcome.read_text)
    if scored & {"text_similarity", "ocr_cer"}:
        yield "text", plain_text.spaced(expected_text(truth) or ""), read
    elif "ocr_word_recall" in scored:
        yield "words on it", " ".join([*truth.must_contain, *truth.on_screen_text]), read
    if "asr_cer" in scored:
        wanted, heard = expected_wordings(truth)[0], outcome.transcript
        language = truth.language or ""
        yield "speech", normalise(wanted, language), normalise(heard, language)
    if "false_transcripts" in scored:
        yield "speech", "", outcome.transcript
    if "caption_exact" in scored:
        for said, references in pairs_of(case, outcome):
            yield "caption", references[0], said


def _missed(measured: Measured, number: int) -> list[str]:
    """Questions whose first hit is another file, or another moment."""
    return [
        question.text
        for question, scores in measured.questions
        if number in question.answers
        and any(
            scores[name].counted < 1.0
            for name in ("recall_at_1", "moment_recall_at_1_iou50")
            if name in scores
        )
    ]


#: Elements that play each type of media.
PLAYERS = {MediaType.AUDIO.value: "audio", MediaType.VIDEO.value: "video"}
