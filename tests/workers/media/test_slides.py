from io import BytesIO

import pytest

from schemas.errors import UnreadableMedia
from schemas.segment import Page
from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.office import read_office

EMU = 914_400


def saved(presentation):
    buffer = BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def presentation_of(*titles):
    import pptx

    presentation = pptx.Presentation()
    for title in titles:
        slide = presentation.slides.add_slide(presentation.slide_layouts[5])
        slide.shapes.title.text = title
    return presentation


def read(tmp_path, presentation):
    return read_office(media_file(tmp_path, saved(presentation), tiny.PPTX))


def rows(prepared):
    return [(s.locator.page, s.role, s.text) for s in prepared.texts[0]]


def test_read_office_makes_a_page_of_each_slide_with_its_notes(tmp_path):
    presentation = presentation_of("One", "Two")
    presentation.slides[0].notes_slide.notes_text_frame.text = "Say this"

    prepared = read(tmp_path, presentation)

    assert rows(prepared) == [
        (1, "heading", "# One"),
        (1, "notes", "Say this"),
        (2, "heading", "# Two"),
    ]
    assert prepared.facts.n_pages == 2


def test_read_office_reads_tables_groups_and_charts_of_slides(tmp_path):
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    presentation = presentation_of("T")
    shapes = presentation.slides[0].shapes
    shapes.add_table(1, 2, 0, 0, EMU, EMU).table.cell(0, 1).text = "cell"
    shapes.add_group_shape().shapes.add_textbox(0, 0, EMU, EMU).text_frame.text = "grouped"
    data = CategoryChartData()
    data.categories = ["2025", "2026"]
    data.add_series("Ducks", (1, None))
    shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, EMU, EMU, data)

    assert rows(read(tmp_path, presentation))[1:] == [
        (1, "table", "|  | cell |\n| --- | --- |"),
        (1, "paragraph", "grouped"),
        (1, "chart", "Pie chart"),
        (1, "chart", "|  | Ducks |\n| --- | --- |\n| 2025 | 1 |\n| 2026 |"),
    ]


def test_read_office_goes_on_after_a_broken_slide(tmp_path):
    import zipfile

    data = saved(presentation_of("One", "Two"))
    with zipfile.ZipFile(BytesIO(data)) as source:
        files = {name: source.read(name) for name in source.namelist()}
    files["ppt/slides/slide1.xml"] = files["ppt/slides/slide1.xml"].replace(
        b"<p:spTree>", b"<p:xx>"
    )
    files["ppt/slides/slide1.xml"] = files["ppt/slides/slide1.xml"].replace(
        b"</p:spTree>", b"</p:xx>"
    )

    prepared = read_office(media_file(tmp_path, tiny.archive(files), tiny.PPTX))

    assert [f.locator for f in prepared.failures] == [Page(page=1)]
    assert rows(prepared) == [(2, "heading", "# Two")]


@pytest.mark.parametrize("files", [{"a": "b"}, {"[Content_Types].xml": "<Types"}])
def test_read_office_refuses_a_broken_presentation(tmp_path, files):
    with pytest.raises(UnreadableMedia, match="presentation"):
        read_office(media_file(tmp_path, tiny.archive(files), tiny.PPTX))


def test_read_office_reads_shapes_from_top_to_bottom(tmp_path):
    presentation = presentation_of("T")
    shapes = presentation.slides[0].shapes
    for text, left, top in (("low", 1, 4), ("right", 3, 2), ("left", 1, 2)):
        box = shapes.add_textbox(left * EMU, top * EMU, EMU, EMU)
        box.text_frame.text = text

    assert [text for _, _, text in rows(read(tmp_path, presentation))[1:]] == [
        "left",
        "right",
        "low",
    ]


def test_read_office_keeps_hidden_slides_out_of_search(tmp_path):
    presentation = presentation_of("One", "Two")
    presentation.slides[1].element.set("show", "0")

    prepared = read(tmp_path, presentation)

    assert [s.searchable for s in prepared.texts[0]] == [True, False]
    assert prepared.facts.extra["hidden_pages"] == [2]


def test_read_office_repeats_the_merged_cells_of_slides(tmp_path):
    presentation = presentation_of("T")
    table = presentation.slides[0].shapes.add_table(2, 2, 0, 0, EMU, EMU).table
    table.cell(0, 0).merge(table.cell(1, 0))
    table.cell(0, 0).text, table.cell(0, 1).text, table.cell(1, 1).text = "a", "b", "c"

    assert rows(read(tmp_path, presentation))[1][2] == "| a | b |\n| --- | --- |\n| a | c |"


def test_read_office_says_what_pictures_of_slides_show(tmp_path):
    from PIL import Image

    presentation = presentation_of("T")
    picture = BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    shape = presentation.slides[0].shapes.add_picture(picture, 0, 0)
    shape._element.nvPicPr.cNvPr.set("descr", "A duck")

    assert rows(read(tmp_path, presentation))[1:] == [(1, "alt_text", "A duck")]
