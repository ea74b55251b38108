from contextlib import closing, contextmanager

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
import pytest

from tests.workers.media.tiny_pdf import pdf_of, picture, text_line
from workers.media import pdf_calls
from workers.media.pdf_calls import TextRects

WORDS = "Words of a line"


@contextmanager
def opened(content):
    with (
        pdfium.PdfDocument(pdf_of(content)) as document,
        closing(document[0]) as page,
        closing(page.get_textpage()) as textpage,
    ):
        yield page, textpage


def test_rects_are_those_that_the_library_tells():
    with opened(text_line(72, 700, WORDS)) as (_, textpage):
        assert textpage.count_rects() == 1
        assert TextRects(textpage.raw).of(0, len(WORDS)) == [textpage.get_rect(0)]


def test_boxes_of_characters_are_those_that_the_library_tells():
    with opened(text_line(72, 700, WORDS)) as (_, textpage):
        boxes = [TextRects(textpage.raw).of_character(i) for i in range(len(WORDS))]
        assert boxes == [textpage.get_charbox(i) for i in range(len(WORDS))]


@pytest.mark.parametrize("mode", [0, 3])
def test_calls_on_what_other_calls_gave(mode):
    with opened(text_line(72, 700, WORDS, mode=mode)) as (_, textpage):
        item = pdf_calls.text_object(textpage.raw, 0)
        assert pdf_calls.render_mode(item) == mode
        assert not pdf_calls.text_object(textpage.raw, 1000)
        assert pdf_calls.character_index(textpage.raw, 3) == 3
        assert pdf_calls.has_unicode_map_error(textpage.raw, 0) == 0


def test_objects_of_a_page_are_told_by_kind():
    with opened(text_line(72, 700, WORDS) + picture(0, 0, 100, 100)) as (page, _):
        kinds = [pdf_calls.object_type(pdf_calls.page_object(page.raw, i)) for i in range(2)]

    assert kinds == [pdfium_c.FPDF_PAGEOBJ_TEXT, pdfium_c.FPDF_PAGEOBJ_IMAGE]
