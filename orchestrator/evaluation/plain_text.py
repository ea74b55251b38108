"""Text without what is not compared: markup, white space, widths of characters. Pure functions."""

import html
import re
import unicodedata
from collections.abc import Iterable

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]*)\]\([^)\s]*\)")
_FENCE = re.compile(r"^\s*```.*$", re.MULTILINE)
_HEADING = re.compile(r"^\s*#{1,6}\s+", re.MULTILINE)
_MARKS = r"-*+\u2022\u2023\u2043\u25a0\u25a1\u25aa\u25cb\u25cf\u25e6\u00b7"
_BULLET = re.compile(rf"(?:^|(?<=\|))[ \t]*(?:[{_MARKS}][ \t]+)+(?:\[[ xX]\]\s+)?", re.MULTILINE)
_RULE = re.compile(
    r"^[ \t]*(?:[-=*_][ \t]*){3,}$|^[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)+[ \t:-]*$", re.MULTILINE
)
_CELL = re.compile(r"(?<!\\)\|")
_EMPHASIS = re.compile(r"(?<!\\)(?:\*\*|__|~~|\*|`|(?<!\w)_|_(?!\w))")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!|<>~])")
#: Typographic signs that many programs write as their ASCII likeness, and invisible ones.
_SIGNS = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u2032", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u2033", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-")
    | dict.fromkeys("\ufeff\u00ad\u200b\u2060", "")
)
_WORD_EDGES = re.compile(r"^[^\w]+|[^\w]+$")
#: Share of characters without meaning above which a text layer is no truth.
_GARBLED = 0.05


def plain(text: str) -> str:
    """Drop Markdown's markup, keep its text and lines; what was escaped is itself again.

    Applied to both sides of a comparison: the truth may be Markdown, what was read may be.
    """
    for pattern in (_COMMENT, _IMAGE, _FENCE, _RULE, _HEADING, _BULLET):
        text = pattern.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _CELL.sub(" ", text)
    text = _EMPHASIS.sub("", text)
    text = _ESCAPE.sub(r"\1", text)
    return unicodedata.normalize("NFKC", html.unescape(text))


def squeezed(text: str) -> str:
    """`plain` without any white space; quotes and dashes of every kind in one spelling."""
    return "".join(plain(text).translate(_SIGNS).split())


def spaced(text: str) -> str:
    """`plain` with each run of white space as one space."""
    return " ".join(plain(text).split())


def words(text: str) -> list[str]:
    """Words as people count them: lower case, without punctuation at their edges."""
    stripped = (_WORD_EDGES.sub("", word) for word in plain(text).casefold().split())
    return [word for word in stripped if word]


def lines(text: str) -> list[str]:
    """Lines that hold something, with single spaces."""
    return [line for line in (" ".join(line.split()) for line in plain(text).splitlines()) if line]


def is_garbled(texts: Iterable[str]) -> bool:
    """Whether a text layer is mostly codes of a font without a table of characters."""
    characters = [c for text in texts for c in text if not c.isspace()]
    n_without = sum(unicodedata.category(c) in {"Cc", "Cn", "Co"} for c in characters)
    return n_without > _GARBLED * len(characters)
