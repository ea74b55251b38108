"""All scores of a folder, and the report they make."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import mean

from orchestrator.evaluation.caption_scores import (
    pairs_of,
    rarities,
    score_captions,
    score_grounding,
)
from orchestrator.evaluation.fact_scores import score_facts, score_state
from orchestrator.evaluation.outcomes import Outcome
from orchestrator.evaluation.retrieval import Question, index_found, judge
from orchestrator.evaluation.scores import METRICS, Score, Scores, Summary, summarise
from orchestrator.evaluation.shot_scores import score_shots
from orchestrator.evaluation.speech_scores import score_speech
from orchestrator.evaluation.text_scores import score_text
from orchestrator.evaluation.truths import MALFORMED, Case
from schemas.asset import MediaType
from schemas.evaluation import EvalFile, EvalReport
from schemas.search import Hit

Answers = Sequence[tuple[Question, Sequence[Hit]]]


@dataclass
class Measured:
    """Scores by file and by question."""

    cases: Sequence[Case]
    outcomes: Sequence[Outcome]
    files: list[Scores]
    questions: list[tuple[Question, Scores]] = field(default_factory=list)


def measure(cases: Sequence[Case], outcomes: Sequence[Outcome], answers: Answers) -> Measured:
    """Score every file and every answered question."""
    references: dict[str, list[str]] = defaultdict(list)
    for case, outcome in zip(cases, outcomes, strict=True):
        for _, captions in pairs_of(case, outcome):
            references[case.group] += captions
    rarity = rarities(references)
    files = [
        _score_file(case, outcome) | score_captions(pairs_of(case, outcome), rarity)
        if _has_contents(case)
        else score_state(case, outcome)
        for case, outcome in zip(cases, outcomes, strict=True)
    ]
    measured = Measured(cases, outcomes, files)
    found = index_found(cases, outcomes)
    for question, hits in answers:
        measured.questions.append((question, judge(question, hits, cases, found)))
    return measured


def _has_contents(case: Case) -> bool:
    return case.kind != MALFORMED and case.truth.password is None


def _score_file(case: Case, outcome: Outcome) -> Scores:
    """What can be said of a file without looking at the others."""
    scores: Scores = {}
    for score in _SCORERS:
        scores |= score(case, outcome)
    return scores


def _score_written(case: Case, outcome: Outcome) -> Scores:
    """Phrases that must be in a recording are spoken, not written."""
    media_type = outcome.facts.media_type if outcome.facts else None
    is_heard = media_type is MediaType.AUDIO or case.kind in {"speech", "audio"}
    return {} if is_heard else score_text(case.truth, outcome)


_SCORERS: tuple[Callable[[Case, Outcome], Scores], ...] = (
    _score_written,
    lambda case, outcome: score_speech(case.truth, outcome),
    score_shots,
    lambda _, outcome: score_grounding(outcome),
    score_facts,
    score_state,
)


def _is_of_kind(kind: str, case: Case) -> bool:
    return case.kind == kind


def _is_in_folder(folder: str, case: Case) -> bool:
    return case.folder == folder


def report(measured: Measured, seconds: float) -> EvalReport:
    """Everything as one document."""
    whole = _summary(measured, lambda _: True)
    by_kind = {kind: _summary(measured, partial(_is_of_kind, kind)) for kind in _kinds(measured)}
    folders = sorted({case.folder for case in measured.cases})
    by_folder = {
        folder: _summary(measured, partial(_is_in_folder, folder), with_questions=False)
        for folder in folders
    }
    return EvalReport(
        metrics=whole.values,
        n=whole.n,
        kinds={kind: {"metrics": s.values, "n": s.n} for kind, s in by_kind.items()},
        folders={name: {"metrics": s.values, "n": s.n} for name, s in by_folder.items()},
        files=tuple(_file(measured, number) for number in range(len(measured.cases))),
        seconds=round(seconds, 3),
    )


def _kinds(measured: Measured) -> list[str]:
    return list(dict.fromkeys(case.kind for case in measured.cases))


def _summary(
    measured: Measured, wanted: Callable[[Case], bool], *, with_questions: bool = True
) -> Summary:
    scored = [
        (case.group, scores)
        for case, scores in zip(measured.cases, measured.files, strict=True)
        if wanted(case)
    ]
    if with_questions:
        # Each question is a group of its own, of the kind of its first answer.
        scored += [
            (f"question {number}", scores)
            for number, (question, scores) in enumerate(measured.questions)
            if wanted(measured.cases[question.answers[0]])
        ]
    return summarise(scored)


def scores_with_questions(measured: Measured, number: int) -> Scores:
    """A file's own scores, and the means of the questions that it answers."""
    own = [scores for question, scores in measured.questions if number in question.answers]
    asked: dict[str, list[float]] = defaultdict(list)
    for scores in own:
        for name, score in scores.items():
            asked[name].append(score.counted)
    return measured.files[number] | {name: Score(mean(v)) for name, v in asked.items()}


def known_values(scores: Mapping[str, Score]) -> dict[str, float]:
    """Values of scores in the order of the registry; those without anything to count left out."""
    values = {name: scores[name].value for name in METRICS if name in scores}
    return {name: round(value, 6) for name, value in values.items() if value is not None}


def _file(measured: Measured, number: int) -> EvalFile:
    outcome = measured.outcomes[number]
    return EvalFile(
        uri=outcome.uri,
        kind=measured.cases[number].kind,
        state=outcome.state,
        error=outcome.error,
        seconds=round(outcome.seconds, 3),
        metrics=known_values(scores_with_questions(measured, number)),
    )
