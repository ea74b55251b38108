from datetime import UTC, datetime, time
from io import BytesIO

import pytest

from schemas.errors import UnreadableMedia
from schemas.segment import Page
from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.office import read_office


def workbook(**sheets):
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def read(tmp_path, data):
    return read_office(media_file(tmp_path, data, tiny.XLSX))


def test_read_office_makes_a_page_of_each_sheet(tmp_path):
    prepared = read(tmp_path, workbook(First=[["a", "b"], [1, 2.5]], Second=[[None, "c"]]))

    assert [(s.locator.page, s.role, s.text) for s in prepared.texts[0]] == [
        (1, "heading", "## First"),
        (1, "table", "| a | b |\n| --- | --- |\n| 1 | 2.5 |"),
        (2, "heading", "## Second"),
        (2, "table", "| c |\n| --- |"),
    ]
    assert prepared.facts.n_pages == 2
    assert prepared.facts.extra["sheets"] == ["First", "Second"]


def test_read_office_writes_cells_as_people_read_them(tmp_path):
    day = datetime(2026, 5, 7, tzinfo=UTC).replace(tzinfo=None)
    row = [3.0, True, day, day.replace(hour=9), time(9, 30)]
    prepared = read(tmp_path, workbook(A=[row]))
    assert prepared.texts[0][1].text.startswith(
        "| 3 | True | 2026-05-07 | 2026-05-07 09:00:00 | 09:30:00 |\n"
    )


def saved(book):
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_read_office_keeps_hidden_sheets_out_of_search(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active["A1"] = "seen"
    book.create_sheet("Lists")["A1"] = "hidden"
    book["Lists"].sheet_state = "hidden"

    prepared = read(tmp_path, saved(book))

    assert {s.text for s in prepared.texts[0] if not s.searchable} == {
        "## Lists",
        "| hidden |\n| --- |",
    }
    assert prepared.facts.extra["hidden_pages"] == [2]


def test_read_office_repeats_merged_cells_and_tells_tables_apart(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    for row in (["Title"], ["a", None, "b"], [1, 2, 3], [], ["other"]):
        book.active.append(row)
    book.active.merge_cells("A1:C1")
    book.active.merge_cells("A2:B2")

    texts = [s.text for s in read(tmp_path, saved(book)).texts[0]]

    assert texts[1:] == [
        "| Title |\n| --- |\n| a | a | b |\n| 1 | 2 | 3 |",
        "| other |\n| --- |",
    ]


def test_read_office_reads_charts_and_chart_sheets(tmp_path):
    from openpyxl import Workbook
    from openpyxl.chart import BarChart, PieChart, Reference

    book = Workbook()
    for row in (["Year", "Ducks"], [2025, 7], [2026, 9]):
        book.active.append(row)
    chart = BarChart()
    chart.title = "Ducks a year"
    chart.add_data(Reference(book.active, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    book.active.add_chart(chart, "A6")
    book.create_chartsheet("Alone").add_chart(PieChart())

    prepared = read(tmp_path, saved(book))

    # openpyxl writes no copies of the values: titles and kinds are all there is.
    assert [(s.locator.page, s.role, s.text) for s in prepared.texts[0]][2:] == [
        (1, "paragraph", "Ducks a year"),
        (1, "chart", "Bar chart"),
        (2, "heading", "## Alone"),
        (2, "chart", "Pie chart"),
    ]


def test_read_office_states_who_wrote_a_workbook_and_when(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active["A1"] = "x"
    book.properties.title, book.properties.creator = "Plan", "Ada"

    extra = read(tmp_path, saved(book)).facts.extra

    assert (extra["title"], extra["author"]) == ("Plan", "Ada")
    assert extra["created"].endswith("Z")
    assert extra["modified"].endswith("Z")


def test_read_office_streams_sheets_with_one_far_cell(tmp_path):
    from openpyxl import Workbook

    book = Workbook()
    book.active["A1"], book.active["Z1000000"] = "near", "far"
    buffer = BytesIO()
    book.save(buffer)

    texts = "".join(s.text for s in read(tmp_path, buffer.getvalue()).texts[0])

    assert "near" in texts
    assert "far" in texts


@pytest.mark.parametrize("lost", ["xl/workbook.xml", "[Content_Types].xml"])
def test_read_office_refuses_a_broken_workbook(tmp_path, lost):
    import zipfile

    with zipfile.ZipFile(BytesIO(workbook(A=[["a"]]))) as source:
        files = {name: source.read(name) for name in source.namelist() if name != lost}
    with pytest.raises(UnreadableMedia, match="workbook"):
        read(tmp_path, tiny.archive(files))


def broken_at(place, **sheets):
    """A workbook whose first sheet ends at a place of its markup."""
    import zipfile

    with zipfile.ZipFile(BytesIO(workbook(**sheets))) as source:
        files = {name: source.read(name) for name in source.namelist()}
    sheet = files["xl/worksheets/sheet1.xml"]
    files["xl/worksheets/sheet1.xml"] = sheet[: sheet.find(place)]
    return tiny.archive(files)


def test_read_office_keeps_the_sheets_beside_a_broken_one(tmp_path):
    prepared = read(tmp_path, broken_at(b"<sheetData", A=[["a"]], B=[["b"]]))

    [failure] = prepared.failures
    assert failure.locator == Page(page=1)
    assert "sheet A" in failure.message
    assert "| b |" in prepared.texts[0][-1].text


def test_read_office_keeps_the_rows_before_a_break(tmp_path):
    prepared = read(tmp_path, broken_at(b"</sheetData", A=[["a"], ["b"]]))

    assert prepared.texts[0][-1].text == "| a |\n| --- |\n| b |"
    assert [failure.locator for failure in prepared.failures] == [Page(page=1)]


def test_read_office_refuses_a_workbook_without_a_readable_sheet(tmp_path):
    with pytest.raises(UnreadableMedia, match="sheet A"):
        read(tmp_path, broken_at(b"<sheetData", A=[["a"]]))
