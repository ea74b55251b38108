"""Arabic as PDFium gives it, put into the order in which it is written.

PDFium turns runs of right-to-left characters around one by one. What one glyph stands for, a
ligature of lam and alef, comes out turned around as well, and a mark comes before its letter,
mostly with a space before it that nobody wrote.
"""

import re
from collections.abc import Callable

#: (left, bottom, right, top) of a character, by its position in the text.
BoxOf = Callable[[int], tuple[float, float, float, float]]

_LETTERS = "\u0600-\u06ff\u0750-\u077f"
ARABIC = re.compile(f"[{_LETTERS}]")
_MARKS = "\u064b-\u0652\u0670"
#: An alef before a lam, or a mark before its letter.
_SUSPECT = re.compile(f"[آأإا]ل|( ?)([{_MARKS}]+)([{_LETTERS}])")
#: A word in Latin letters, and Arabic after it; before it, one letter may be a prefix.
_TOUCHING = re.compile(f"([A-Za-z])([{_LETTERS}])")
#: Gap between letters of one word, in their heights.
_IN_WORD = 0.15


def in_written_order(text: str, box_of: BoxOf) -> str:
    """Undo what turning characters around one by one does to ligatures and marks.

    Args:
        text: of one line or less.
        box_of: where each of its characters is; asked only where it matters.
    """
    mended = _SUSPECT.sub(lambda found: _mended(found, box_of), text)
    return _TOUCHING.sub(r"\1 \2", mended)


def _mended(found: re.Match[str], box_of: BoxOf) -> str:
    if found[3] is None:
        is_ligature = box_of(found.start()) == box_of(found.start() + 1)
        return found[0][::-1] if is_ligature else found[0]
    space, marks, letter = found.groups()
    mark_box, letter_box = box_of(found.start(2)), box_of(found.start(3))
    if not letter_box[0] <= (mark_box[0] + mark_box[2]) / 2 <= letter_box[2]:
        return found[0]
    if space and found.start():
        before = box_of(found.start() - 1)
        gap = before[0] - letter_box[2]
        space = space if gap > _IN_WORD * (letter_box[3] - letter_box[1]) else ""
    return space + letter + marks
