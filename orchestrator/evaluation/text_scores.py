"""How well writing was read. Pure functions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

from orchestrator.evaluation import plain_text
from orchestrator.evaluation.outcomes import Outcome
from orchestrator.evaluation.scores import Score, Scores
from orchestrator.evaluation.truths import Element, Truth
from schemas.asset import MediaType
from schemas.segment import Segment

#: Characters compared of each text: edit distance takes the square of them, 1 s at this length.
_MAX_CHARS = 200_000
#: Likeness (0 to 100) from which a line of the truth counts as found.
_FOUND = 80.0
#: What stands beside the text of a page: truths of some programs have it, of others not.
_BESIDE = frozenset(
    "notes comment page_header page_footer alt_text chart header".split()  # noqa: SIM905
)
#: Likeness from which something beside the page is in the truth: `Sheet4` is not `Sheet3`.
_SAME = 95.0
#: Shorter lines are found by chance; fewer lines have no order worth a figure.
_MIN_LINE_CHARS, _MIN_LINES = 8, 4


def expected_text(truth: Truth) -> str | None:
    """What should be read, by the best truth there is; None where nobody knows."""
    if truth.text is not None:
        return truth.text
    if truth.markdown is not None:
        return truth.markdown
    parts = [_line(part) for part in truth.elements or truth.lines]
    if not parts and not plain_text.is_garbled(truth.pages_text_layer):
        parts = list(truth.pages_text_layer)
    return "\n".join(parts) or None


def score_text(truth: Truth, outcome: Outcome) -> Scores:
    """Scores of a document, or of the writing in a picture or a video.

    What was recognised in pictures gets the `ocr` metrics, what the file itself holds as text
    the similarity: they fail in different ways, and have different targets.
    """
    wanted = expected_text(truth)
    if wanted is None:
        return _score_phrases(truth, outcome)
    found = compared_text(wanted, outcome.written)
    parts = _drawn_lines(truth)
    tau = None if parts else reading_order_tau(plain_text.lines(wanted), found)
    scores = {} if tau is None else {"reading_order_tau": Score(tau)}
    if _is_recognised(outcome):
        return scores | {
            "ocr_cer": character_errors(wanted, found),
            "ocr_wer": word_errors(wanted, found),
            "ocr_word_recall": word_recall(plain_text.words(wanted), plain_text.words(found)),
        }
    parts = [element.text for element in truth.elements] or parts
    like = similarity_of_parts(parts, found) if parts else similarity(wanted, found)
    return scores | {"text_similarity": Score(like)}


def _drawn_lines(truth: Truth) -> list[str]:
    """Lines of a text layer where that is the whole truth.

    They are in the order in which some program drew them, which is not that of reading, and what
    was typed into a form is not among them.
    """
    if truth.text is not None or truth.markdown is not None or truth.elements or truth.lines:
        return []
    return [line for page in truth.pages_text_layer for line in page.splitlines()]


def compared_text(wanted: str, written: Iterable[Segment]) -> str:
    """What was read, without what stands beside the page where the truth says nothing of it.

    Speaker's notes, comments, running headers and footers, descriptions of pictures, numbers
    behind charts, headers of mails, and what is hidden: a truth that leaves them out does not
    say that they are not there.
    """
    text = plain_text.squeezed(wanted)
    kept = (
        segment.text or ""
        for segment in written
        if not _is_beside(segment) or _is_in(segment.text or "", text)
    )
    return "\n".join(kept)


def _is_beside(segment: Segment) -> bool:
    return segment.role in _BESIDE or not segment.searchable


def _is_in(part: str, text: str) -> bool:
    return 100 * _likeness(plain_text.squeezed(part), text) >= _SAME


def _is_recognised(outcome: Outcome) -> bool:
    """Whether the text is that of a picture; a file that failed counts as what it claims to be."""
    is_document = outcome.facts is None or outcome.facts.media_type is MediaType.DOCUMENT
    return not is_document or (bool(outcome.of_stage("ocr")) and not outcome.has_text_layer)


def _score_phrases(truth: Truth, outcome: Outcome) -> Scores:
    """Recall alone, where only some words are known."""
    phrases = [*truth.must_contain, *truth.on_screen_text]
    if not phrases or outcome.has_text_layer:
        return {}
    wanted = [word for phrase in phrases for word in plain_text.words(phrase)]
    recall = word_recall(wanted, plain_text.words(outcome.read_text))
    return {"ocr_word_recall": recall} if wanted else {}


def _line(part: str | Element) -> str:
    return part if isinstance(part, str) else part.text


def similarity(wanted: str, found: str) -> float:
    """Share of characters that need no edit, white space and markup left out; 1 is equal.

    Levenshtein distance by the length of the longer text, so order counts.
    """
    first, second = _cut(plain_text.squeezed(wanted)), _cut(plain_text.squeezed(found))
    return Levenshtein.normalized_similarity(first, second)


def similarity_of_parts(parts: Sequence[str], found: str) -> float:
    """Likeness of each part to the stretch of text that is most like it, weighted by length.

    Parts are what must be there; what else is there costs nothing.
    """
    text = _cut(plain_text.squeezed(found))
    squeezed = [part for part in map(plain_text.squeezed, parts) if part]
    n_chars = sum(map(len, squeezed))
    return sum(len(part) * _likeness(part, text) for part in squeezed) / n_chars if n_chars else 1.0


def _likeness(part: str, text: str) -> float:
    if part in text:
        return 1.0
    if len(text) < len(part):
        return Levenshtein.normalized_similarity(part, text)
    return fuzz.partial_ratio(part, text) / 100


def character_errors(wanted: str, found: str) -> Score:
    """Characters to change, drop or add, of those that are there."""
    first, second = _cut(plain_text.spaced(wanted)), _cut(plain_text.spaced(found))
    return Score(Levenshtein.distance(first, second), len(first))


def word_errors(wanted: str, found: str) -> Score:
    """Words to change, drop or add, of those that are there; case and punctuation count."""
    first, second = plain_text.spaced(wanted).split(), plain_text.spaced(found).split()
    return Score(Levenshtein.distance(first, second), len(first))


def word_recall(wanted: Sequence[str], found: Sequence[str]) -> Score:
    """Words that were found, each as often as it is there, in any order."""
    n_found = (Counter(wanted) & Counter(found)).total()
    return Score(n_found, len(wanted))


def reading_order_tau(wanted: Sequence[str], found: str) -> float | None:
    """Kendall's tau (Biometrika 30, 1938) between the order of lines and where they were read.

    1 is the same order, -1 the reverse. Lines that are short, that are there more than once, on
    their own or within others, or that were not found say nothing of order; None where fewer
    than four are left.
    """
    whole, text = "\n".join(wanted), _cut(plain_text.spaced(found))
    telling = [line for line in wanted if len(line) >= _MIN_LINE_CHARS and whole.count(line) == 1]
    spots = [spot for spot in (_find(line, text) for line in telling) if spot is not None]
    if len(spots) < _MIN_LINES:
        return None
    n_pairs = len(spots) * (len(spots) - 1) / 2
    return 1 - 2 * _n_inversions(spots) / n_pairs


def _find(line: str, text: str) -> int | None:
    """Where a line begins in a text, if it is there once and about as it should be."""
    n_exact = text.count(line)
    if n_exact:
        return text.index(line) if n_exact == 1 else None
    found = fuzz.partial_ratio_alignment(line, text, score_cutoff=_FOUND)
    return found.dest_start if found and len(text) >= len(line) else None


def _n_inversions(spots: Sequence[int]) -> float:
    """Pairs in the wrong order; two lines found at one spot are half a wrong pair."""
    if all(first < second for first, second in pairwise(spots)):
        return 0.0
    return sum(
        1.0 if first > later else 0.5 if first == later else 0.0
        for number, first in enumerate(spots)
        for later in spots[number + 1 :]
    )


def _cut(text: str) -> str:
    return text[:_MAX_CHARS]
