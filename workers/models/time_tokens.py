"""Whisper's time tokens: what they say of when something was said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workers.models.roles import Word

#: Seconds between two neighbouring time tokens.
TIME_PRECISION_S = 0.02
#: A shorter rest of a window holds no utterance; a pass that gets less far gets nowhere.
_MIN_REST_S = 1.0


@dataclass(frozen=True)
class TokenSpan:
    """The tokens of one utterance; seconds from the start of the window."""

    start_s: float
    end_s: float
    tokens: list[int]
    #: Where they begin among all that was decoded.
    first: int

    @property
    def stop(self) -> int:
        """Where they end: they follow each other."""
        return self.first + len(self.tokens)

    def holding(self, word: Word) -> Word:
        """Keep a word within its utterance: the model was trained to tell when that is."""
        start_s, end_s = (
            min(max(time_s, self.start_s), self.end_s) for time_s in (word.start_s, word.end_s)
        )
        return replace(word, start_s=start_s, end_s=end_s)


def split_at_times(ids: Sequence[int], first_time_id: int, duration_s: float) -> list[TokenSpan]:
    """Split decoded tokens into utterances.

    Args:
        ids: text tokens, which are below the first time token, and time tokens.
        first_time_id: the token of 0 s.
        duration_s: of the window, which ends what no time token does.
    """
    spans = list[TokenSpan]()
    start_s, tokens = 0.0, list[int]()
    for place, token in enumerate(ids):
        if token < first_time_id:
            tokens.append(token)
            continue
        time_s = min((token - first_time_id) * TIME_PRECISION_S, duration_s)
        if tokens:
            spans.append(TokenSpan(start_s, max(start_s, time_s), tokens, place - len(tokens)))
            tokens = []
        start_s = time_s
    if tokens:
        spans.append(TokenSpan(start_s, duration_s, tokens, len(ids) - len(tokens)))
    return spans


def rest_s(ids: Sequence[int], first_time_id: int, duration_s: float) -> float | None:
    """Where the model ended on the start of an utterance that it wants to hear whole.

    Trained on windows cut anywhere, it leaves an utterance that the window seems to cut for
    the next window (section 2.3 of the paper), and ends on two time tokens. None where it
    took in the whole window, or all of it but an instant.
    """
    if len(ids) < 3 or min(ids[-2:]) < first_time_id:  # noqa: PLR2004
        return None
    start_s = (ids[-2] - first_time_id) * TIME_PRECISION_S
    is_on = start_s >= _MIN_REST_S and duration_s - start_s >= _MIN_REST_S
    return start_s if is_on else None
