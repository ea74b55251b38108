"""Calls of PDFium that are over at once, made without letting go of Python's lock.

Letting go and taking it back costs as much as such a call, and far more while another thread
waits for it: a page has thousands of characters and objects. Handles are passed as pypdfium2 has
them, or as the addresses that these calls give.
"""

from collections.abc import Callable
from ctypes import PYFUNCTYPE, addressof, c_double, c_void_p, cast
from typing import Any

import pypdfium2.raw as pdfium_c

from workers.media.pdf_display import Rect


def _bound(function: Any) -> Callable[..., Any]:
    """The same function with plain addresses for its pointers."""
    kinds = [
        c_void_p if hasattr(kind, "contents") else kind
        for kind in (function.restype, *function.argtypes)
    ]
    address: Any = cast(function, c_void_p).value
    return PYFUNCTYPE(*kinds)(address)


character_index = _bound(pdfium_c.FPDFText_GetCharIndexFromTextIndex)
has_unicode_map_error = _bound(pdfium_c.FPDFText_HasUnicodeMapError)
text_object = _bound(pdfium_c.FPDFText_GetTextObject)
render_mode = _bound(pdfium_c.FPDFTextObj_GetTextRenderMode)
object_type = _bound(pdfium_c.FPDFPageObj_GetType)
page_object = _bound(pdfium_c.FPDFPage_GetObject)
form_object = _bound(pdfium_c.FPDFFormObj_GetObject)
_count_rects = _bound(pdfium_c.FPDFText_CountRects)
_get_rect = _bound(pdfium_c.FPDFText_GetRect)
_get_character_box = _bound(pdfium_c.FPDFText_GetCharBox)


class TextRects:
    """Rectangles of a text layer, in points; the `raw` handle of its page must stay open."""

    def __init__(self, raw: Any) -> None:
        self._raw = cast(raw, c_void_p).value
        self._edges = (c_double * 4)()
        address = addressof(self._edges)
        left, bottom, right, top = range(address, address + 32, 8)
        #: The orders in which PDFium gives them.
        self._of_rect = left, top, right, bottom
        self._of_character = left, right, bottom, top

    def of(self, first: int, n_characters: int) -> list[Rect]:
        """Left, bottom, right, top of the pieces of a line that PDFium sees."""
        found = []
        for i in range(_count_rects(self._raw, first, n_characters)):
            _get_rect(self._raw, i, *self._of_rect)
            left, bottom, right, top = self._edges[:]
            found.append((left, bottom, right, top))
        return found

    def of_character(self, character: int) -> Rect:
        """Left, bottom, right, top of one character's ink."""
        _get_character_box(self._raw, character, *self._of_character)
        left, bottom, right, top = self._edges[:]
        return left, bottom, right, top
