from workers.media.ppt_tables import PlacedCell, table_rows


def test_cells_stand_where_their_corners_are():
    cells = [
        PlacedCell(100, 2, 199, 50, "b"),
        PlacedCell(0, 0, 101, 51, "a"),
        PlacedCell(0, 50, 100, 100, "c"),
        PlacedCell(99, 51, 200, 100, "d"),
    ]
    assert list(table_rows(cells)) == [["a", "b"], ["c", "d"]]


def test_merged_cells_say_the_same_in_all_that_they_cover():
    cells = [
        PlacedCell(0, 0, 100, 100, "both rows"),
        PlacedCell(100, 0, 300, 50, "both columns"),
        PlacedCell(100, 50, 200, 100, "a"),
        PlacedCell(200, 50, 300, 100, "b"),
    ]
    assert list(table_rows(cells)) == [
        ["both rows", "both columns", "both columns"],
        ["both rows", "a", "b"],
    ]


def test_cells_that_share_no_edges_are_told_one_by_one():
    cells = [PlacedCell(9 * n, 9 * n, 9999, 9999, str(n)) for n in range(300)]
    assert list(table_rows(cells)) == [[str(n)] for n in range(300)]


def test_a_table_without_cells_has_no_rows():
    assert list(table_rows([])) == []
