"""How well captions say what is seen. Pure functions.

CIDEr-D: Vedantam, Zitnick and Parikh, "CIDEr: Consensus-based Image Description Evaluation",
CVPR 2015, section 5: n-grams weighted by how rare they are among the references, their cosine
with clipped counts, a penalty for another length, mean over n = 1 to 4 and over the references,
times ten. Words are not stemmed.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean

from orchestrator.evaluation import plain_text
from orchestrator.evaluation.outcomes import Outcome
from orchestrator.evaluation.scores import Score, Scores
from orchestrator.evaluation.truths import Case, DescribedShot
from schemas.segment import Segment, place

_MAX_N = 4
_SIGMA = 6.0
_SCALE = 10.0

_Gram = tuple[str, ...]
#: Counts of the n-grams of one caption.
_Grams = Counter[_Gram]


def pairs_of(case: Case, outcome: Outcome) -> list[tuple[str, Sequence[str]]]:
    """What was said and what may be said, of the picture or of each described shot.

    A video without described shots is judged by its longest shot.
    """
    captions, truth = outcome.captions, case.truth
    if truth.shots_described:
        return [(_of_shot(case, s, captions), [s.caption]) for s in truth.shots_described]
    if not truth.captions:
        return []
    longest = max(captions, key=_length_s, default=None)
    return [((longest.text or "") if longest else "", truth.captions)]


def score_captions(
    pairs: Sequence[tuple[str, Sequence[str]]], rarity: Mapping[_Gram, float]
) -> Scores:
    """Mean over the captions of one file.

    Args:
        pairs: caption and references.
        rarity: of n-grams, from `rarities`.
    """
    if not pairs:
        return {}
    exact = [float(_said(said) in map(_said, references)) for said, references in pairs]
    consensus = [cider_d(said, references, rarity) for said, references in pairs]
    return {"caption_exact": Score(mean(exact)), "caption_cider": Score(mean(consensus))}


def score_grounding(outcome: Outcome) -> Scores:
    """Mean of the captions' own grounding scores, where they carry one."""
    values = [segment.extra.get("grounding") for segment in outcome.captions]
    known = [float(value) for value in values if isinstance(value, int | float)]
    return {"caption_grounding": Score(mean(known))} if known else {}


def rarities(references: Mapping[str, Sequence[str]]) -> dict[_Gram, float]:
    """Inverse document frequency of each n-gram.

    Args:
        references: by picture; pictures of one group are one picture.
    """
    n_with: Counter[_Gram] = Counter()
    for captions in references.values():
        n_with.update({gram for caption in captions for gram in _grams(caption)})
    # With one picture, every n-gram would have the weight 0.
    n_all = math.log(max(len(references), 2))
    return {gram: n_all - math.log(n) for gram, n in n_with.items()}


def cider_d(said: str, references: Sequence[str], rarity: Mapping[_Gram, float]) -> float:
    """CIDEr-D of one caption, 0 to 10."""
    # An n-gram of no reference is as rare as one of a single picture.
    rarest = max(rarity.values(), default=math.log(2))
    grams = _grams(said)
    scores = [_alike(grams, _grams(reference), rarity, rarest) for reference in references]
    return _SCALE * mean(scores) if scores else 0.0


def _alike(said: _Grams, reference: _Grams, rarity: Mapping[_Gram, float], rarest: float) -> float:
    longer = _n_words(said) - _n_words(reference)
    penalty = math.exp(-(longer**2) / (2 * _SIGMA**2))
    cosines = []
    for n in range(1, _MAX_N + 1):
        first, second = (
            {g: count * rarity.get(g, rarest) for g, count in grams.items() if len(g) == n}
            for grams in (said, reference)
        )
        shared = sum(min(w, second[g]) * second[g] for g, w in first.items() if g in second)
        lengths = math.hypot(*first.values()) * math.hypot(*second.values())
        cosines.append(shared / lengths if lengths else 0.0)
    return penalty * mean(cosines)


def _grams(caption: str) -> _Grams:
    words = plain_text.words(caption)
    return Counter(
        tuple(words[start : start + n])
        for n in range(1, _MAX_N + 1)
        for start in range(len(words) - n + 1)
    )


def _n_words(grams: _Grams) -> int:
    return sum(count for gram, count in grams.items() if len(gram) == 1)


def _said(caption: str) -> str:
    return " ".join(plain_text.words(caption))


def shot_span(case: Case, shot: DescribedShot) -> tuple[float, float] | None:
    """Start and end of a described shot in seconds; None where nobody can tell."""
    if shot.start_s is not None and shot.end_s is not None:
        return shot.start_s, shot.end_s
    if shot.frames is None:
        return None
    start_s, end_s = case.frame_s(shot.frames[0]), case.frame_s(shot.frames[1] + 1)
    return None if start_s is None or end_s is None else (start_s, end_s)


def _of_shot(case: Case, shot: DescribedShot, captions: Sequence[Segment]) -> str:
    """The caption that shares most time with a shot."""
    span = shot_span(case, shot)
    if span is None:
        return ""

    def shared_s(caption: Segment) -> float:
        where = place(caption.locator)
        return min(where.end_s or 0.0, span[1]) - max(where.start_s or 0.0, span[0])

    best = max(captions, key=shared_s, default=None)
    return (best.text or "") if best and shared_s(best) > 0 else ""


def _length_s(caption: Segment) -> float:
    where = place(caption.locator)
    return (where.end_s or 0.0) - (where.start_s or 0.0)
