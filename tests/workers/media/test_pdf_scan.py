from contextlib import closing

import pypdfium2 as pdfium
import pytest

from tests.workers.media.tiny_pdf import pdf_of, picture, text_line
from workers.media.pdf_scan import needs_ocr

SCAN = picture(0, 0, 612, 792)
WORDS = text_line(72, 700, "Some words on a page")


def many(text):
    return "".join(text_line(72, 700 - 16 * i, text) for i in range(30))


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("", False),
        ("0 0 m 100 100 l S", True),
        (WORDS, False),
        (SCAN, True),
        (SCAN + text_line(72, 20, "Stamped 7 May"), True),
        (SCAN + text_line(72, 700, "Words that an OCR program left", mode=3), False),
        (SCAN + many("More than a stamp"), False),
        (picture(100, 100, 200, 200) + WORDS, False),
        (text_line(72, 700, '"7+%-'), True),
        (many("Page........."), False),
        (many("!$%&/?#+*~"), True),
    ],
)
def test_needs_ocr_judges_the_text_layer(content, wanted):
    assert page_needs_ocr(pdf_of(content)) is wanted


def test_needs_ocr_of_characters_without_a_meaning():
    private = "<41> <E041> <42> <E042> <43> <E043>"
    assert page_needs_ocr(pdf_of(text_line(72, 700, "ABCABC ABC x"), to_unicode=private))


def page_needs_ocr(data):
    with pdfium.PdfDocument(data) as document:
        page = document[0]
        with closing(page.get_textpage()) as textpage:
            return needs_ocr(page, textpage, textpage.get_text_range())
