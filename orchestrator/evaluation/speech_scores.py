"""How well speech was heard, and silence left alone."""

from collections.abc import Callable
from functools import cache

import jiwer

from orchestrator.evaluation.outcomes import Outcome
from orchestrator.evaluation.scores import Score, Scores
from orchestrator.evaluation.truths import Truth

#: Written without spaces, or with spaces that are no word borders: scored by characters alone.
_WITHOUT_WORDS = frozenset({"zh", "ja", "th", "lo", "my", "km", "yue"})


def score_speech(truth: Truth, outcome: Outcome) -> Scores:
    """Error rates where the words are known, and whether silence stayed silent."""
    heard = outcome.transcript
    if truth.has_speech is False or truth.expected_transcript == "":
        return {"false_transcripts": Score(float(bool(heard.strip())))}
    language = truth.language or ""
    wordings = [normalise(wording, language) for wording in expected_wordings(truth)]
    tried = [_errors(wording, normalise(heard, language), language) for wording in wordings]
    known = [scores for scores in tried if scores["asr_cer"].of]
    return min(known, key=lambda scores: scores["asr_cer"].value or 0.0, default={})


def expected_wordings(truth: Truth) -> list[str]:
    """Texts that are all right; channels may be heard one after the other either way."""
    spoken = list(truth.channels.values())
    both_ways = [" ".join(spoken), " ".join(reversed(spoken))] if spoken else []
    texts = [truth.transcript, truth.transcript_repo, truth.expected_transcript, *both_ways]
    return list(dict.fromkeys(text for text in texts if text and any(map(str.isalnum, text))))


def _errors(wanted: str, heard: str, language: str) -> Scores:
    # Without spaces: `a long` for `along` is one error of words, and none of letters.
    letters = jiwer.process_characters(wanted.replace(" ", ""), heard.replace(" ", ""))
    scores = {"asr_cer": _score(letters)}
    if language.partition("-")[0] not in _WITHOUT_WORDS:
        scores["asr_wer"] = _score(jiwer.process_words(wanted, heard))
    return scores


def _score(output: jiwer.WordOutput | jiwer.CharacterOutput) -> Score:
    n_wrong = output.substitutions + output.deletions + output.insertions
    return Score(n_wrong, output.hits + output.substitutions + output.deletions)


def normalise(text: str, language: str) -> str:
    """The text as Whisper's authors compare it (Radford et al., 2022, appendix C).

    Lower case, no punctuation; in English numbers, contractions and titles in one spelling.
    British and American spelling stay apart: that table comes with checkpoints, not libraries.
    """
    normaliser = _normaliser(language.partition("-")[0])
    return " ".join(normaliser(text).split())


@cache
def _normaliser(language: str) -> Callable[[str], str]:
    """Whisper's English normaliser, or its basic one, letter by letter where words are none."""
    # Loads no torch; it takes a second, so it is not done for `--help`.
    from transformers.models.whisper.english_normalizer import (
        BasicTextNormalizer,
        EnglishTextNormalizer,
    )

    if language in {"en", ""}:
        normaliser: Callable[[str], str] = EnglishTextNormalizer({})  # type: ignore[no-untyped-call]
    else:
        normaliser = BasicTextNormalizer(split_letters=language in _WITHOUT_WORDS)
    return normaliser
