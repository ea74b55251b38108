"""When the words of a query are said."""

import re
import unicodedata
from collections.abc import Iterator

from schemas.search import SaidWord
from schemas.segment import Segment

#: Shorter words of a query (a, of, is) are said everywhere.
_MIN_LETTERS = 3
#: Words are alike if one is the other with an ending of at most so many letters.
_MAX_ENDING, _MIN_STEM = 3, 4
#: Scripts that write words without spaces: there each character counts as a word.
_NO_SPACES = re.compile(r"[぀-ヿ㐀-鿿豈-﫿฀-๿]")


def said_words(segment: Segment, asked: str | None) -> tuple[SaidWord, ...]:
    """Words of a query that are said in a segment, in order of time.

    Args:
        segment: speech has its words and their times in its extras; nothing else has.
        asked: text of the query.
    """
    terms = {term for term in _terms(asked or "") if len(term) >= _MIN_LETTERS}
    characters = set(_NO_SPACES.findall(asked or ""))
    return tuple(
        SaidWord(word=word, start_s=start_s, end_s=end_s)
        for word, start_s, end_s in segment.extra.get("words", ())
        if any(_is_like(own, term) for own in _terms(word) for term in terms)
        or characters & set(word)
    )


def _terms(text: str) -> Iterator[str]:
    """Words in lower case, without accents' two spellings and without punctuation."""
    return (
        match[0] for match in re.finditer(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    )


def _is_like(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if short == long:
        return True
    is_ending = len(long) - len(short) <= _MAX_ENDING
    return len(short) >= _MIN_STEM and is_ending and long.startswith(short)
