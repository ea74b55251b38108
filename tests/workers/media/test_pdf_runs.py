from contextlib import closing

import pypdfium2 as pdfium

from schemas.segment import Box
from tests.workers.media.tiny_pdf import pdf_of, picture, text_line
from workers.media.pdf_display import Display
from workers.media.pdf_runs import Run, RunReader, distinct, union

SCAN = picture(0, 0, 612, 792)


def runs_of(content):
    with pdfium.PdfDocument(pdf_of(content)) as document:
        page = document[0]
        with closing(page.get_textpage()) as textpage:
            text = textpage.get_text_range()
            return list(RunReader(page, textpage, text).read(Display(page)))


def run(text, x0=0.1, x1=0.5, y0=0.1):
    return Run(0, 0, text, Box(x0, y0, x1, y0 + 0.01), 0.01)


def test_read_cuts_a_baseline_at_a_wide_gap():
    content = "BT /F1 12 Tf 72 700 Td (left) Tj 300 0 Td (right) Tj ET"

    assert [(r.part, r.text.strip()) for r in runs_of(content)] == [(0, "left"), (1, "right")]


def test_read_marks_invisible_text_as_hidden():
    content = text_line(72, 700, "seen") + text_line(72, 650, "unseen", mode=3)

    assert [r.is_hidden for r in runs_of(content)] == [False, True]


def test_read_takes_invisible_text_over_a_scan_for_its_text():
    assert not runs_of(SCAN + text_line(72, 700, "What the picture shows", mode=3))[0].is_hidden


def test_distinct_leaves_out_text_that_stands_there_already():
    twice = [run("Invoice 4711"), run("lnvoice 4711", x0=0.101)]

    assert list(distinct(twice)) == twice[:1]


def test_distinct_keeps_the_same_text_at_another_place_and_other_text_at_the_same():
    others = [run("same"), run("same", y0=0.2), run("______"), run("typed", y0=0.3)]

    assert list(distinct([*others, run("words", y0=0.2)])) == [*others, run("words", y0=0.2)]


def test_union_holds_every_box():
    assert union([Box(0.1, 0.2, 0.3, 0.4), Box(0.2, 0.1, 0.5, 0.3)]) == Box(0.1, 0.1, 0.5, 0.4)
