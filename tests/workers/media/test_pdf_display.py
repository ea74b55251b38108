import pypdfium2 as pdfium
import pytest

from tests.workers.media.tiny_pdf import pdf_of
from workers.media.pdf_display import Display


@pytest.mark.parametrize(
    ("rotate", "corner"), [(0, (0, 1)), (90, (0, 0)), (180, (1, 0)), (270, (1, 1))]
)
def test_box_of_the_lower_left_corner_is_where_the_turned_page_shows_it(rotate, corner):
    with pdfium.PdfDocument(pdf_of("", rotate=rotate)) as document:
        box = Display(document[0]).box((0, 0, 1, 1))

    assert box is not None
    assert (round(box.x0), round(box.y0)) == corner


def test_box_keeps_what_lies_on_the_page():
    with pdfium.PdfDocument(pdf_of("")) as document:
        display = Display(document[0])

    assert display.box((-100, 0, 306, 792)) == pytest.approx((0, 0, 0.5, 1), abs=1e-3)
    assert display.box((700, 0, 800, 10)) is None
