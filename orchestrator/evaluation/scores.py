"""Scores of files and how they become one figure. Pure functions."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Pooling(StrEnum):
    """How scores of files become one."""

    #: Sum of what was counted over the sum of what there was: long files weigh more.
    POOLED = "pooled"
    #: Mean over files.
    MEAN = "mean"
    #: Plain count over files; groups do not matter.
    SUM = "sum"


@dataclass(frozen=True)
class Metric:
    """How a metric is called, pooled and judged."""

    title: str
    pooling: Pooling
    #: Whether more is better.
    rises: bool = True
    #: The most there can be, where more is better.
    best: float = 1.0


_POOLED, _MEAN, _SUM = Pooling.POOLED, Pooling.MEAN, Pooling.SUM

#: All metrics in the order in which they are shown. The names are promised to users.
METRICS: dict[str, Metric] = {
    "ocr_cer": Metric("OCR character error rate", _POOLED, rises=False),
    "ocr_wer": Metric("OCR word error rate", _POOLED, rises=False),
    "ocr_word_recall": Metric("OCR word recall", _POOLED),
    "text_similarity": Metric("text similarity", _MEAN),
    "reading_order_tau": Metric("reading order, Kendall tau", _MEAN),
    "asr_wer": Metric("speech word error rate", _POOLED, rises=False),
    "asr_cer": Metric("speech character error rate", _POOLED, rises=False),
    "false_transcripts": Metric("files with words where nobody speaks", _SUM, rises=False),
    "shot_precision": Metric("shot boundary precision", _POOLED),
    "shot_recall": Metric("shot boundary recall", _POOLED),
    "shot_f1": Metric("shot boundary F1", _POOLED),
    "recall_at_1": Metric("found first", _MEAN),
    "recall_at_5": Metric("found in the first five", _MEAN),
    "mrr": Metric("mean reciprocal rank", _MEAN),
    "ndcg_at_10": Metric("nDCG of the first ten", _MEAN),
    "moment_recall_at_1_iou50": Metric("moment found first, IoU 0.5", _MEAN),
    "caption_exact": Metric("captions right to the word", _MEAN),
    "caption_cider": Metric("captions, CIDEr-D (0 to 10)", _MEAN, best=10.0),
    "caption_grounding": Metric("captions, grounding", _MEAN),
    "facts_exact": Metric("all facts right", _MEAN),
    "states_as_expected": Metric("ended as expected", _MEAN),
}


@dataclass(frozen=True)
class Score:
    """A share: what was counted, of what there was to count."""

    counted: float
    of: float = 1.0

    @property
    def value(self) -> float | None:
        """The share; None where there was nothing to count."""
        return self.counted / self.of if self.of else None


#: Scores of one file, or of one query, by metric.
Scores = dict[str, Score]


@dataclass(frozen=True)
class Summary:
    """One figure per metric, and how many groups (or queries) it is made of."""

    values: dict[str, float]
    n: dict[str, int]


def summarise(scored: Iterable[tuple[str, Scores]]) -> Summary:
    """Pool scores, each with its group; a group counts once however many members it has.

    A member of a group of three weighs a third. Metrics that nobody has are left out.
    """
    by_metric: dict[str, list[tuple[str, Score]]] = {}
    for group, scores in scored:
        for name, score in scores.items():
            by_metric.setdefault(name, []).append((group, score))
    values: dict[str, float] = {}
    n: dict[str, int] = {}
    for name, metric in METRICS.items():
        entries = by_metric.get(name, [])
        value = _pool(metric, entries)
        if value is not None:
            values[name] = round(value, 6)
            is_count = metric.pooling is _SUM
            n[name] = len(entries) if is_count else len({group for group, _ in entries})
    return Summary(values, n)


def _pool(metric: Metric, entries: list[tuple[str, Score]]) -> float | None:
    if not entries:
        return None
    if metric.pooling is _SUM:
        return sum(score.counted for _, score in entries)
    size = Counter(group for group, _ in entries)
    if metric.pooling is _POOLED:
        counted = sum(score.counted / size[group] for group, score in entries)
        of = sum(score.of / size[group] for group, score in entries)
        # Nothing to find anywhere, and nothing found: no mistake was made.
        return counted / of if of else float(metric.rises)
    known = [(group, score.value) for group, score in entries if score.value is not None]
    weight = sum(1 / size[group] for group, _ in known)
    return sum(value / size[group] for group, value in known) / weight if known else None


def badness(scores: Scores) -> tuple[float, float]:
    """How far a file is from right: by its worst metric (0 to 1), then by all. For sorting only."""
    faults = [_fault(name, score) for name, score in scores.items()]
    return max(faults, default=0.0), sum(faults)


def is_perfect(scores: Scores) -> bool:
    """Whether nothing could be better."""
    return badness(scores)[0] == 0.0


def _fault(name: str, score: Score) -> float:
    metric = METRICS[name]
    if score.value is None:
        return 0.0
    fault = 1 - score.value / metric.best if metric.rises else score.value
    return min(max(fault, 0.0), 1.0)
