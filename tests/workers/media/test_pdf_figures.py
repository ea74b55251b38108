from contextlib import closing

import pypdfium2 as pdfium
import pytest
from PIL import ImageChops, ImageStat

from tests.workers.media.tiny_pdf import media_file, pdf_of, picture, text_line
from workers.media.figures import with_figures
from workers.media.pages import read_pdf
from workers.media.pdf_figures import PageFigures

WORDS = text_line(72, 720, "words")


def read(tmp_path, *contents, **how):
    media = media_file(tmp_path, pdf_of(*contents, **how))
    return with_figures(media, read_pdf(media))


def places(prepared):
    return [
        (image.page, [round(edge, 2) for edge in image.box])
        for artifact in prepared.artifacts
        if artifact.kind == "figures"
        for image in artifact.images
    ]


def test_figure_has_the_place_that_it_has_on_the_page(tmp_path):
    prepared = read(tmp_path, WORDS, WORDS + picture(153, 396, 306, 198))

    assert places(prepared) == [(2, [0.25, 0.25, 0.75, 0.5])]
    assert prepared.facts.extra["n_figures"] == 1


def test_tiles_are_one_figure(tmp_path):
    tiles = "".join(picture(153 + 51 * n, 396, 51, 198) for n in range(6))

    assert places(read(tmp_path, WORDS + tiles)) == [(1, [0.25, 0.25, 0.75, 0.5])]


def test_figures_apart_are_two(tmp_path):
    other = picture(72, 100, 200, 160).replace("00FFFF00", "FF0000FF")

    found = places(read(tmp_path, WORDS + picture(72, 400, 200, 150) + other))

    assert [page for page, _ in found] == [1, 1]


@pytest.mark.parametrize(("width", "height"), [(40, 40), (612, 6), (612, 792)])
def test_icon_rule_and_background_are_no_figures(tmp_path, width, height):
    assert places(read(tmp_path, WORDS * 9 + picture(0, 0, width, height))) == []


def test_logo_of_every_page_is_no_figure(tmp_path):
    assert places(read(tmp_path, *[WORDS + picture(72, 600, 200, 80)] * 5)) == []


def test_figure_of_a_turned_page_lies_as_the_page_is_shown(tmp_path):
    ((page, box),) = places(read(tmp_path, WORDS + picture(153, 396, 306, 198), rotate=90))

    assert (page, box) == (1, [0.5, 0.25, 0.75, 0.75])


def test_picture_inside_a_form_is_where_the_form_puts_it(tmp_path):
    """A form is drawn through a matrix of its own."""
    inner, outer = tmp_path / "inner.pdf", tmp_path / "outer.pdf"
    inner.write_bytes(pdf_of(WORDS + picture(153, 396, 306, 198)))
    source, target = pdfium.PdfDocument(inner), pdfium.PdfDocument.new()
    page = target.new_page(612, 792)
    form = source.page_as_xobject(0, target).as_pageobject()
    form.set_matrix(pdfium.PdfMatrix().scale(0.5, 0.5))
    page.insert_obj(form)
    page.gen_content()
    target.save(outer)
    for opened in (page, target, source):
        opened.close()

    media = media_file(tmp_path, outer.read_bytes())

    assert places(with_figures(media, read_pdf(media))) == [(1, [0.13, 0.62, 0.38, 0.75])]


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_figure_is_the_part_of_the_page_where_it_lies(tmp_path, rotate):
    path = tmp_path / "page.pdf"
    path.write_bytes(pdf_of(WORDS + picture(153, 396, 306, 198), rotate=rotate))
    with closing(pdfium.PdfDocument(path)) as document, closing(document[0]) as page:
        figures = PageFigures(document)
        figures.look(page, 1)
        (figure,) = figures.candidates
        whole = page.render(scale=200 / 72, rev_byteorder=True).to_pil().convert("L")
        drawn = figure.load().convert("L")
    left, top = figure.box.x0 * whole.width, figure.box.y0 * whole.height
    same = whole.crop(
        (round(left), round(top), round(left) + drawn.width, round(top) + drawn.height)
    )

    assert drawn.getextrema()[0] < 255
    assert ImageStat.Stat(ImageChops.difference(drawn, same)).mean[0] < 2
