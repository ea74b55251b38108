"""Whether a PDF page must be read by eye, because its text layer cannot be trusted."""

from collections.abc import Iterator, Sequence
from itertools import islice

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from workers.media.pdf_calls import has_unicode_map_error, render_mode, text_object

#: Characters and objects looked at per page; enough to tell, and cheap on hostile pages.
_N_SAMPLES = 80
_N_OBJECTS = 2000
#: A page with fewer visible characters than this may be a scan with a stamp on it.
_LITTLE_TEXT = 200
#: Share of the page that pictures cover on a scan.
_COVERED = 0.5
#: Share of characters without a known meaning above which a layer is broken.
_BROKEN = 0.3
#: Share of letters and digits below which a layer is no text; of few characters, more is asked.
_WORDLESS = 0.2
_WORDLESS_IF_LITTLE = 0.4


def needs_ocr(page: pdfium.PdfPage, textpage: pdfium.PdfTextPage, text: str) -> bool:
    """Decide from the text layer and, only if it is thin, from the pictures on the page.

    Args:
        page: the page.
        textpage: its text layer.
        text: all of it, as PDFium gives it.
    """
    n_chars = len("".join(text.split()))
    if not n_chars:
        return _shows_something(page)
    step = -(-len(text) // _N_SAMPLES)
    places = [i for i, character in enumerate(text[::step]) if not character.isspace()]
    sample = [step * i for i in places] or [text.index(text.split(maxsplit=1)[0])]
    is_little = n_chars < _LITTLE_TEXT
    word_share = sum(text[i].isalnum() for i in sample) / len(sample)
    if word_share < (_WORDLESS_IF_LITTLE if is_little else _WORDLESS):
        return True
    if _is_broken(textpage, text, sample):
        return True
    # An invisible layer over a picture is what an OCR program left; a visible one is a stamp.
    return is_little and is_scan(page) and not _is_mostly_invisible(textpage, sample)


def is_scan(page: pdfium.PdfPage) -> bool:
    """Whether pictures cover most of the page."""
    return _picture_share(page) >= _COVERED


def is_invisible(textpage: pdfium.PdfTextPage, character: int) -> bool:
    """Whether a character is there to be found, but not drawn."""
    item = text_object(textpage.raw, character)
    return bool(item) and render_mode(item) == pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE


def _shows_something(page: pdfium.PdfPage) -> bool:
    counts = pdfium_c.FPDFPage_CountObjects(page), pdfium_c.FPDFPage_GetAnnotCount(page)
    return any(count > 0 for count in counts)


def _is_broken(textpage: pdfium.PdfTextPage, text: str, sample: Sequence[int]) -> bool:
    """Whether many characters have no Unicode value, or only a private or invalid one."""
    n_broken = sum(
        has_unicode_map_error(textpage.raw, i) == 1 or _is_meaningless(text[i]) for i in sample
    )
    return bool(n_broken > _BROKEN * len(sample))


def _is_meaningless(character: str) -> bool:
    return character < " " or character == "\ufffd" or "\ue000" <= character <= "\uf8ff"


def _picture_share(page: pdfium.PdfPage) -> float:
    """Area of the pictures over the area of the page; overlaps count twice."""
    left, bottom, right, top = page.get_bbox()
    area = max((right - left) * (top - bottom), 1e-6)
    return float(sum(width * height for width, height in _pictures(page)) / area)


def _pictures(page: pdfium.PdfPage) -> Iterator[tuple[float, float]]:
    for item in islice(page.get_objects(max_depth=3), _N_OBJECTS):
        if item.type == pdfium_c.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = item.get_bounds()
            yield right - left, top - bottom


def _is_mostly_invisible(textpage: pdfium.PdfTextPage, sample: Sequence[int]) -> bool:
    return 2 * sum(is_invisible(textpage, i) for i in sample) > len(sample)
