from contextlib import closing

import pypdfium2 as pdfium
import pytest

from tests.workers.media.tiny_pdf import pdf_of, text_line
from workers.media.pdf_text import read_lines


def lines_of(content, **options):
    with pdfium.PdfDocument(pdf_of(content, **options)) as document:
        page = document[0]
        with closing(page.get_textpage()) as textpage:
            return read_lines(page, textpage, textpage.get_text_range())


def texts_of(content, **options):
    return [line.text for line in lines_of(content, **options)]


def test_read_lines_of_an_empty_page_is_empty():
    assert lines_of("") == []


def test_read_lines_leaves_hyphens_at_line_ends_alone():
    content = "BT /F1 12 Tf 72 700 Td (a hyphen-) Tj 0 -14 Td (ated word) Tj ET"
    assert texts_of(content) == ["a hyphen-", "ated word"]


def test_read_lines_cuts_baselines_at_a_gutter_and_reads_the_columns():
    left = [f"left column line number {i}" for i in range(6)]
    right = [f"right column line number {i}" for i in range(6)]
    content = "".join(
        f"BT /F1 12 Tf 72 {700 - 14 * i} Td ({left[i]}) Tj 260 0 Td ({right[i]}) Tj ET\n"
        for i in range(6)
    )
    assert texts_of(content) == left + right


def test_read_lines_finds_the_rows_of_a_table():
    content = "".join(
        f"BT /F1 12 Tf 72 {700 - 14 * i} Td (Item {i}) Tj 300 0 Td ({i}.00) Tj ET\n"
        for i in range(4)
    )
    [table] = lines_of(content)
    assert table.rows == tuple((f"Item {i}", f"{i}.00") for i in range(4))
    assert table.box.x0 == pytest.approx(72 / 612, abs=0.01)


def test_read_lines_keeps_a_label_and_its_value_on_one_line():
    content = "BT /F1 12 Tf 72 700 Td (Total) Tj 300 0 Td (4.00) Tj ET"
    assert texts_of(content) == ["Total 4.00"]


def test_read_lines_puts_the_mark_of_a_list_item_before_its_text():
    content = "BT /F1 12 Tf 72 700 Td (*) Tj 40 0 Td (an item) Tj ET"
    assert texts_of(content) == ["* an item"]


def test_read_lines_puts_raised_marks_back_on_their_line():
    content = (
        "BT /F1 12 Tf 72 700 Td (Ada Lovelace) Tj ET "
        "BT /F1 7 Tf 145 706 Td (1) Tj ET BT /F1 12 Tf 150 700 Td (, Alan Turing) Tj ET"
    )
    assert len(texts_of(content)) == 1


def test_read_lines_puts_a_high_initial_before_its_word():
    content = "BT /F1 36 Tf 72 690 Td (O) Tj ET BT /F1 12 Tf 106 706 Td (ne morning) Tj ET"
    [line] = lines_of(content)
    assert line.text == "One morning"
    assert line.height < 12 / 792


def test_read_lines_keeps_characters_beyond_the_basic_plane():
    content = text_line(72, 700, "AB x") + text_line(72, 680, "next")
    texts = texts_of(content, to_unicode="<41> <D835DC65> <42> <D842DFB7>")
    assert texts == ["\U0001d465\U00020bb7 x", "next"]


def test_read_lines_drops_text_outside_the_page():
    assert texts_of(text_line(72, 700, "seen") + text_line(72, 900, "unseen")) == ["seen"]


@pytest.mark.parametrize(
    ("rotate", "corner"),
    [(0, (0.118, 0.116)), (90, (0.884, 0.118)), (180, (0.882, 0.884)), (270, (0.116, 0.882))],
)
def test_read_lines_places_boxes_on_the_displayed_page(rotate, corner):
    box = lines_of(text_line(72, 700, "I"), rotate=rotate)[0].box

    assert box.x0 - 0.03 < corner[0] < box.x1 + 0.03
    assert box.y0 - 0.03 < corner[1] < box.y1 + 0.03
