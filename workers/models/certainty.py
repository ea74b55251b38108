"""Which text a speech model made up: the checks of openai/whisper, and one for loops."""

import re
import zlib

from workers.models.roles import Certainty

#: Above, a text repeats itself. This and the next two are the values of openai/whisper
#: (whisper/transcribe.py) and of section 4.5 of https://arxiv.org/abs/2212.04356.
MAX_COMPRESSION_RATIO = 2.4
#: Below, the model guesses.
MIN_AVG_LOGPROB = -1.0
#: A guess, and above this probability that nobody speaks: a text made up from noise.
MAX_NO_SPEECH_PROB = 0.6
#: A few words said four times without a break. Short loops compress too little to show above.
_LOOP = re.compile(r"(.{4,80}?)\1{3}")


def judge(
    text: str, avg_logprob: float, *, no_speech_prob: float = 0.0, temperature: float = 0.0
) -> Certainty:
    """Say how far to believe one pass of decoding.

    Args:
        text: all that was decoded.
        avg_logprob: mean log probability of the text tokens and the end token.
        no_speech_prob: that nobody speaks; 0 from families that do not say.
        temperature: that the tokens were drawn at; 0 for the most probable ones.
    """
    ratio = compression_ratio(text)
    doubts = []
    if ratio > MAX_COMPRESSION_RATIO or is_loop(text):
        doubts.append("repetition")
    if avg_logprob < MIN_AVG_LOGPROB:
        doubts.append("no_speech" if no_speech_prob > MAX_NO_SPEECH_PROB else "unsure")
    return Certainty(
        avg_logprob=avg_logprob,
        no_speech_prob=no_speech_prob,
        compression_ratio=ratio,
        temperature=temperature,
        doubts=tuple(doubts),
    )


def is_worth_another_try(certainty: Certainty) -> bool:
    """Whether other tokens might do better; where nobody speaks none would."""
    return bool(certainty.doubts) and "no_speech" not in certainty.doubts


def compression_ratio(text: str) -> float:
    """How many times shorter the text is when compressed; 0 for no text."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded)) if encoded else 0.0


def is_loop(text: str) -> bool:
    """Whether a stretch of 4 to 80 characters comes four times in a row, in any script."""
    return _LOOP.search(" ".join(text.casefold().split()) + " ") is not None
