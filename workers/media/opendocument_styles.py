"""What the styles of an OpenDocument file say: list numbers, and what is hidden."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from workers.media.numerals import numeral

if TYPE_CHECKING:
    from lxml.etree import _Element

_ODF = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
TEXT, TABLE, DRAW, STYLE, OFFICE, PRESENTATION, CHART = (
    _ODF % name for name in ("text", "table", "drawing", "style", "office", "presentation", "chart")
)
#: Name under which numbers of headings are counted.
OUTLINE = "\0outline"
_LEVELS = 10


class ListStyles:
    """Counts the items of lists, by style and level from 0."""

    def __init__(self, *roots: "_Element | None") -> None:
        self._styles: dict[str, dict[int, _Element]] = {}
        for root in roots:
            found = () if root is None else root.iter(f"{TEXT}list-style", f"{TEXT}outline-style")
            for style in found:
                is_outline = style.tag == f"{TEXT}outline-style"
                name = OUTLINE if is_outline else style.get(f"{STYLE}name", "")
                self._styles.setdefault(name, dict(_levels(style)))
        self._counts: dict[str, dict[int, int]] = {}

    def restart(self, name: str) -> None:
        """Start a list over."""
        self._counts.pop(name, None)

    def label(self, name: str, level: int, start: str = "") -> str | None:
        """The next number; empty for a bullet, None where nothing is shown before the text."""
        definition = self._styles.get(name, {}).get(level)
        if definition is None:
            return None if name == OUTLINE else ""
        if "number" not in str(definition.tag) and name != OUTLINE:
            shown = definition.get(f"{TEXT}bullet-char", "\u2022").strip()
            return "" if shown else None
        counts = self._counts.setdefault(name, {})
        first = _integer(start) or _integer(definition.get(f"{TEXT}start-value", "")) or 1
        counts[level] = counts[level] + 1 if level in counts and not start else first
        for deeper in [one for one in counts if one > level]:
            del counts[deeper]
        return self._text(definition, counts, name, level)

    def _text(
        self, definition: "_Element", counts: dict[int, int], name: str, level: int
    ) -> str | None:
        if not definition.get(f"{STYLE}num-format"):
            return None
        n_shown = _integer(definition.get(f"{TEXT}display-levels", "")) or 1
        numbers = []
        for at in range(max(level - n_shown + 1, 0), level + 1):
            kind = self._styles[name][at].get(f"{STYLE}num-format", "")
            if kind:
                numbers.append(numeral(counts.get(at, 1), kind))
        prefix, suffix = (definition.get(f"{STYLE}num-{end}", "") for end in ("prefix", "suffix"))
        return f"{prefix}{'.'.join(numbers)}{suffix}".strip()


def _levels(style: "_Element") -> Iterator[tuple[int, "_Element"]]:
    for child in style:
        level = _integer(child.get(f"{TEXT}level", ""))
        if 0 < level <= _LEVELS:
            yield level - 1, child


def hidden_styles(root: "_Element") -> frozenset[str]:
    """Names of the styles of hidden sheets and slides."""
    return frozenset(
        style.get(f"{STYLE}name", "")
        for style in root.iter(f"{STYLE}style")
        for properties in style
        if properties.get(f"{TABLE}display") == "false"
        or properties.get(f"{PRESENTATION}visibility") == "hidden"
    )


def _integer(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004
