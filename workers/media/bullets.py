"""Which paragraphs of a slide are list items, and their numbers."""

from typing import TYPE_CHECKING, Any

from workers.media.numerals import numeral

if TYPE_CHECKING:
    from lxml.etree import _Element

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
#: Placeholders whose text is a list unless something says otherwise.
_LISTS = {"body", "obj", ""}
_KINDS = {"alphaLc": "a", "alphaUc": "A", "romanLc": "i", "romanUc": "I"}
_BORDERS = {"ParenR": "{})", "ParenBoth": "({})", "Period": "{}.", "Plain": "{}"}


class ListNumbers:
    """Numbers of list items, counted by level."""

    def __init__(self) -> None:
        #: Last number and kind of numbering.
        self._counts: dict[int, tuple[str, int]] = {}

    def next(self, level: int, kind: str, start: int) -> str:
        """The next number as it is shown; a kind is named as Office Open XML does."""
        last = self._counts.get(level, ("", 0))
        number = last[1] + 1 if last[0] == kind else start
        self._counts[level] = kind, number
        return _formatted(number, kind)

    def end(self, level: int) -> None:
        """What comes next at this level starts anew."""
        self._counts.pop(level, None)

    def end_below(self, level: int) -> None:
        """What comes next at deeper levels starts anew."""
        for deeper in [one for one in self._counts if one > level]:
            del self._counts[deeper]


class Bullets:
    """The list marks of one shape's paragraphs, in order."""

    def __init__(self, shape: Any) -> None:
        self._levels = list(_levels(shape))
        placeholder = shape.element.find(".//{*}nvPr/{*}ph")
        self._is_list = placeholder is not None and placeholder.get("type", "") in _LISTS
        self._numbers = ListNumbers()

    def mark(self, paragraph: Any) -> str | None:
        """The paragraph's number, an empty text for a bullet, or None if it is no list item."""
        level = int(paragraph.level)
        self._numbers.end_below(level)
        for properties in (paragraph._p.pPr, *(style(level) for style in self._levels)):  # noqa: SLF001 - python-pptx shows no bullets
            kind = _bullet(properties)
            if kind is not None:
                return self._marked(kind, level)
        self._numbers.end(level)
        return "" if self._is_list else None

    def _marked(self, bullet: "_Element", level: int) -> str | None:
        if bullet.tag != f"{A}buAutoNum":
            self._numbers.end(level)
            return None if bullet.tag == f"{A}buNone" else ""
        kind = bullet.get("type", "arabicPeriod")
        start = bullet.get("startAt", "1")
        return self._numbers.next(level, kind, int(start) if start.isdigit() else 1)


class _Level:
    """List styles of a shape, a layout or a master, by level."""

    def __init__(self, element: "_Element") -> None:
        self._element = element

    def __call__(self, level: int) -> "_Element | None":
        return self._element.find(f"{A}lvl{level + 1}pPr")


def _levels(shape: Any) -> "list[_Level]":
    """The styles that apply to a shape: its own, its layout's, its master's."""
    found: list[_Level] = []
    holder = shape
    while holder is not None and len(found) < 3:  # noqa: PLR2004 - slide, layout, master
        style = holder.element.find(f".//{A}lstStyle")
        if style is not None:
            found.append(_Level(style))
        holder = getattr(holder, "_base_placeholder", None)
    return found


def _bullet(properties: "_Element | None") -> "_Element | None":
    if properties is None:
        return None
    tags = (f"{A}buNone", f"{A}buAutoNum", f"{A}buChar", f"{A}buBlip")
    return next((child for child in properties if child.tag in tags), None)


def _formatted(number: int, kind: str) -> str:
    stem = next((stem for stem in _KINDS if kind.startswith(stem)), "")
    border = next((form for ending, form in _BORDERS.items() if kind.endswith(ending)), "{}.")
    return border.format(numeral(number, _KINDS.get(stem, "1")))
