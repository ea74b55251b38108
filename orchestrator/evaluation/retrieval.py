"""Whether what is searched for is found: questions made of truths, and their ranks.

Ranking metrics are those of NIST's trec_eval (`pytrec_eval`). `recall_at_k` is its `success`: the
share of questions with a right answer among the first k, as papers on text-to-image retrieval
use the word.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.evaluation import plain_text
from orchestrator.evaluation.caption_scores import shot_span
from orchestrator.evaluation.outcomes import Outcome
from orchestrator.evaluation.scores import Score, Scores
from orchestrator.evaluation.text_scores import expected_text
from orchestrator.evaluation.truths import Case
from schemas.asset import AssetId, MediaType
from schemas.search import Filter, Hit, Query

#: Hits looked at; what comes later counts as not found.
DEPTH = 100
#: Shorter phrases are in many documents whose truth does not say so.
_MIN_PHRASE_WORDS = 3
_GOOD_IOU = 0.5
_TREC = {
    "recall_at_1": ("success.1", "success_1"),
    "recall_at_5": ("success.5", "success_5"),
    "mrr": ("recip_rank", "recip_rank"),
    "ndcg_at_10": ("ndcg_cut.10", "ndcg_cut_10"),
}
_TIMED = (MediaType.AUDIO, MediaType.VIDEO)
#: What a phrase is looked for in: scans are images.
_WRITTEN = (MediaType.DOCUMENT, MediaType.IMAGE)


@dataclass(frozen=True)
class Question:
    """Words to search for, and the files that answer."""

    text: str
    kinds: tuple[MediaType, ...]
    #: Right files, by their place in the list of cases.
    answers: tuple[int, ...]
    #: Right stretch of each answer in seconds; empty where the file is the answer.
    spans: tuple[tuple[float, float], ...] = ()

    def query(self) -> Query:
        """The question as the searcher takes it."""
        return Query(text=self.text, filter=Filter(kinds=self.kinds), limit=DEPTH)


@dataclass(frozen=True)
class Found:
    """Who holds what, to read hits by."""

    groups: Mapping[AssetId, str]
    cases: Mapping[AssetId, frozenset[int]]


def make_questions(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> list[Question]:
    """Every question that the truths answer, each text once per kind of answer."""
    # Several files may share a caption, or a phrase: any of them is right.
    asked: dict[tuple[str, tuple[MediaType, ...], bool], dict[int, tuple[float, float] | None]] = {}
    for number, (case, outcome) in enumerate(zip(cases, outcomes, strict=True)):
        for text, kinds, span in _asked_of(case, outcome):
            answers = asked.setdefault((text, kinds, span is None), {})
            answers.setdefault(number, span)
    questions = []
    for (text, kinds, _), known in asked.items():
        more = _documents_with(text, cases) if kinds == _WRITTEN else ()
        answers = known | dict.fromkeys(more)
        spans = tuple(span for span in answers.values() if span is not None)
        questions.append(Question(text=text, kinds=kinds, answers=tuple(answers), spans=spans))
    return questions


def _asked_of(
    case: Case, outcome: Outcome
) -> Iterator[tuple[str, tuple[MediaType, ...], tuple[float, float] | None]]:
    truth = case.truth
    media_type = outcome.facts.media_type if outcome.facts else None
    if media_type is MediaType.IMAGE:
        yield from ((text, (MediaType.IMAGE,), None) for text in truth.captions)
    for phrase in truth.must_contain if media_type not in _TIMED else ():
        if len(plain_text.words(phrase)) >= _MIN_PHRASE_WORDS:
            yield phrase, _WRITTEN, None
    for shot in truth.shots_described:
        if span := shot_span(case, shot):
            yield shot.caption, (MediaType.VIDEO,), span
    for spoken in truth.segments:
        if len(plain_text.words(spoken.text)) >= _MIN_PHRASE_WORDS:
            yield spoken.text, _TIMED, (spoken.start, spoken.end)


def _documents_with(phrase: str, cases: Sequence[Case]) -> Iterator[int]:
    """Files whose truth holds the phrase, whatever its case and line breaks."""
    wanted = plain_text.spaced(phrase).casefold()
    for number, case in enumerate(cases):
        texts = [expected_text(case.truth) or "", *case.truth.must_contain]
        if wanted in plain_text.spaced("\n".join(texts)).casefold():
            yield number


def index_found(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> Found:
    """Group and cases of each asset; several files may hold one."""
    groups: dict[AssetId, str] = {}
    held: dict[AssetId, set[int]] = {}
    for number, (case, outcome) in enumerate(zip(cases, outcomes, strict=True)):
        if outcome.asset_id is not None:
            groups.setdefault(outcome.asset_id, case.group)
            held.setdefault(outcome.asset_id, set()).add(number)
    return Found(groups, {asset: frozenset(numbers) for asset, numbers in held.items()})


def judge(question: Question, hits: Sequence[Hit], cases: Sequence[Case], found: Found) -> Scores:
    """Scores of one question. Hits on files that are not evaluated are passed over."""
    known = [hit for hit in hits if hit.asset_id in found.groups]
    if question.spans:
        is_right = bool(known) and _is_moment(question, known[0], found)
        return {"moment_recall_at_1_iou50": Score(float(is_right))}
    # A group is one answer, at the rank of its best member.
    ranked = list(dict.fromkeys(found.groups[hit.asset_id] for hit in known))
    right = {cases[number].group for number in question.answers}
    return {name: Score(value) for name, value in rank_scores(ranked, right).items()}


def rank_scores(ranked: Sequence[str], right: set[str]) -> dict[str, float]:
    """Metrics of one ranked list, the best first."""
    import pytrec_eval

    measures = {wanted for wanted, _ in _TREC.values()}
    evaluator = pytrec_eval.RelevanceEvaluator({"q": dict.fromkeys(right, 1)}, measures)
    run = {name: float(len(ranked) - place) for place, name in enumerate(ranked)}
    values = evaluator.evaluate({"q": run})["q"]
    return {name: float(values[key]) for name, (_, key) in _TREC.items()}


def _is_moment(question: Question, hit: Hit, found: Found) -> bool:
    spans = dict(zip(question.answers, question.spans, strict=True))
    wanted = [spans[number] for number in found.cases[hit.asset_id] if number in spans]
    return any(
        overlap(span, (hit.start_s or 0.0, hit.end_s or 0.0)) >= _GOOD_IOU for span in wanted
    )


def overlap(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Intersection over union of two stretches of time, 0 to 1."""
    shared = min(first[1], second[1]) - max(first[0], second[0])
    union = max(first[1], second[1]) - min(first[0], second[0])
    return shared / union if shared > 0 else 0.0
