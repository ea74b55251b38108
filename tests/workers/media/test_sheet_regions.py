from tests.workers.media import tiny_office as tiny
from tests.workers.media.tiny_pdf import media_file
from workers.media.parts import opened_parts
from workers.media.sheet_regions import Merged, filled, merged_cells, regions


def rows(text):
    """`ab.` is a row of three cells, the last one empty."""
    return [[cell.replace(".", "") for cell in line] for line in text.split()]


def found(text):
    return [
        (r.first_row, ["".join(c or "." for c in row) for row in r.rows])
        for r in regions(rows(text))
    ]


def test_regions_end_at_empty_rows():
    assert found("ab .. .. cd") == [(0, ["ab"]), (3, ["cd"])]


def test_regions_are_cut_where_tables_stand_side_by_side():
    assert found("ab... cd.ef ...gh") == [(0, ["ab", "cd"]), (1, ["ef", "gh"])]


def test_regions_leave_labels_beside_their_values():
    assert found("a.bc d.ef g.hi") == [(0, ["a.bc", "d.ef", "g.hi"])]
    assert found(".ab .cd") == [(0, ["ab", "cd"])]


def test_regions_of_long_tables_come_in_pieces():
    assert [len(r.rows) for r in regions([["a"]] * 501)] == [500, 1]


def test_filled_repeats_merged_cells():
    merged = [Merged(0, 0, 0, 1), Merged(1, 0, 2, 0)]

    assert list(filled(rows("a.b c.d ..e"), merged)) == [
        ["a", "a", "b"],
        ["c", "", "d"],
        ["c", "", "e"],
    ]


def test_filled_writes_a_title_once():
    assert list(filled([["T", ""], ["a", "b"]], [Merged(0, 0, 0, 9)])) == [["T", ""], ["a", "b"]]


def test_filled_bounds_the_width_of_merged_cells():
    [row] = filled([["a", "b"]], [Merged(0, 0, 0, 16_000)])

    assert len(row) == 1001


def test_merged_cells_are_found_across_chunks(tmp_path):
    padding = "<row/>" * 174_759 + "<r/>"  # the match lies on the border of a mebibyte
    sheet = f'<x>{padding}<mergeCell ref="B3:AA12"/><mergeCell ref="A1:A2"/></x>'
    media = media_file(tmp_path, tiny.archive({"s.xml": sheet}), tiny.XLSX)

    with opened_parts(media) as parts:
        assert merged_cells(parts, "s.xml") == [Merged(0, 0, 1, 0), Merged(2, 1, 11, 26)]
