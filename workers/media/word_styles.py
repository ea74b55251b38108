"""What the styles and numberings of a DOCX make of its paragraphs: headings and list numbers."""

import re
from typing import TYPE_CHECKING, NamedTuple

from workers.media.numerals import numeral

if TYPE_CHECKING:
    from lxml.etree import _Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"heading ?([1-9])")
#: Styles are based on others; a longer chain is a circle.
_MAX_CHAIN = 20
_LEVELS = 9
#: Kinds of numbers other than digits.
_KINDS = {
    "lowerLetter": "a",
    "upperLetter": "A",
    "lowerRoman": "i",
    "upperRoman": "I",
    "decimalZero": "01",
}


class ListPlace(NamedTuple):
    """Numbering of a paragraph, and its level from 0."""

    numbering: str
    level: int


class Styles:
    """Paragraph styles (`styles.xml`)."""

    def __init__(self, root: "_Element | None") -> None:
        found = root.iterfind(f"{W}style") if root is not None else ()
        self._styles = {style.get(f"{W}styleId", ""): style for style in found}

    def heading_level(self, paragraph: "_Element") -> int | None:
        """Level of a heading from 1; None for other paragraphs."""
        outline = paragraph.find(f"{W}pPr/{W}outlineLvl")
        if outline is None:
            for style in self._chain(paragraph):
                if level := _named_level(style):
                    return level
                if (outline := style.find(f"{W}pPr/{W}outlineLvl")) is not None:
                    break
        stated = _value(outline)
        return int(stated) + 1 if stated.isdigit() and int(stated) < _LEVELS else None

    def list_place(self, paragraph: "_Element") -> ListPlace | None:
        """Where a paragraph stands in a list; None outside of lists."""
        own = paragraph.find(f"{W}pPr/{W}numPr")
        level = numbering = ""
        for holder in (own, *(s.find(f"{W}pPr/{W}numPr") for s in self._chain(paragraph))):
            if holder is not None:
                numbering = numbering or _value(holder.find(f"{W}numId"))
                level = level or _value(holder.find(f"{W}ilvl"))
            if numbering:
                break
        if not numbering or numbering == "0":  # 0 takes a paragraph out of its style's list
            return None
        return ListPlace(numbering, min(int(level), _LEVELS - 1) if level.isdigit() else 0)

    def _chain(self, paragraph: "_Element") -> "list[_Element]":
        """The paragraph's style and those that it is based on."""
        chain: list[_Element] = []
        style = self._styles.get(_value(paragraph.find(f"{W}pPr/{W}pStyle")))
        while style is not None and len(chain) < _MAX_CHAIN:
            chain.append(style)
            style = self._styles.get(_value(style.find(f"{W}basedOn")))
        return chain


class Numberings:
    """Counts the items of lists (`numbering.xml`), in the order in which they are asked for."""

    def __init__(self, root: "_Element | None") -> None:
        found = root if root is not None else ()
        self._abstract = {
            one.get(f"{W}abstractNumId", ""): one for one in found if one.tag == f"{W}abstractNum"
        }
        self._numberings = {one.get(f"{W}numId", ""): one for one in found if one.tag == f"{W}num"}
        #: Last number of each level, by list.
        self._counts: dict[str, dict[int, int]] = {}
        self._seen: set[str] = set()

    def label(self, place: ListPlace) -> str:
        """The next number at a place (`2.`, `1.3`, `b)`); empty for bullets."""
        numbering = self._numberings.get(place.numbering)
        if numbering is None:
            return ""
        key = _value(numbering.find(f"{W}abstractNumId"))
        self._restart(key, place.numbering, numbering)
        counts = self._counts.setdefault(key, {})
        start = self._start(key, numbering, place.level)
        counts[place.level] = counts.get(place.level, start - 1) + 1
        for deeper in [level for level in counts if level > place.level]:
            del counts[deeper]
        return self._text(key, numbering, place.level)

    def _restart(self, key: str, name: str, numbering: "_Element") -> None:
        """Lists of one kind go on counting, unless a list says where it starts."""
        if name not in self._seen and numbering.find(f".//{W}startOverride") is not None:
            self._counts.pop(key, None)
        self._seen.add(name)

    def _start(self, key: str, numbering: "_Element", level: int) -> int:
        override = numbering.find(f"{W}lvlOverride[@{W}ilvl='{level}']/{W}startOverride")
        if override is None:
            definition = self._level(key, numbering, level)
            override = definition.find(f"{W}start") if definition is not None else None
        value = _value(override)
        return int(value) if value.isdigit() else 1

    def _level(self, key: str, numbering: "_Element", level: int) -> "_Element | None":
        own = numbering.find(f"{W}lvlOverride[@{W}ilvl='{level}']/{W}lvl")
        if own is not None or key not in self._abstract:
            return own
        return self._abstract[key].find(f"{W}lvl[@{W}ilvl='{level}']")

    def _text(self, key: str, numbering: "_Element", level: int) -> str:
        definition = self._level(key, numbering, level)
        if definition is None or _value(definition.find(f"{W}numFmt")) in {"bullet", "none"}:
            return ""
        is_legal = definition.find(f"{W}isLgl") is not None

        def number(match: re.Match[str]) -> str:
            at = int(match.group(1)) - 1
            count = self._counts[key].get(at, self._start(key, numbering, at))
            shown = self._level(key, numbering, at)
            kind = _value(shown.find(f"{W}numFmt")) if shown is not None else ""
            return numeral(count, "1" if is_legal else _KINDS.get(kind, "1"))

        return re.sub(r"%([1-9])", number, _value(definition.find(f"{W}lvlText"))).strip()


def _value(element: "_Element | None") -> str:
    return "" if element is None else str(element.get(f"{W}val", ""))


def _named_level(style: "_Element") -> int | None:
    """Built-in styles have English names in every language."""
    name = _value(style.find(f"{W}name")).lower()
    found = _HEADING.fullmatch(name)
    return int(found.group(1)) if found else 1 if name == "title" else None
