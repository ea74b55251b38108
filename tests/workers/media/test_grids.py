from workers.media.grids import Cell, spread


def test_spread_repeats_merged_cells_in_every_row_and_column():
    rows = [[Cell("a", 2), Cell("b")], [Cell("c", 1, 2), Cell("d"), Cell("e")], [Cell("f")]]

    assert list(spread(rows)) == [["a", "a", "b"], ["c", "d", "e"], ["c", "f"]]


def test_spread_writes_a_title_once():
    assert list(spread([[Cell("title", 3)], [Cell("a"), Cell("b")]])) == [["title"], ["a", "b"]]


def test_spread_leaves_out_rows_that_say_nothing_of_their_own():
    rows = [[Cell("2025", 1, 3)], [Cell("May")], [Cell("June")]]

    assert list(spread(rows)) == [["2025", "May"], ["2025", "June"]]


def test_spread_keeps_a_last_row_that_claims_to_go_on():
    assert list(spread([[Cell("a"), Cell("b")], [Cell("c", 1, 999)]])) == [["a", "b"], ["c"]]


def test_spread_bounds_the_width_of_a_cell():
    [line] = spread([[Cell("a", 10**9), Cell("b")]])

    assert len(line) == 1001


def test_spread_of_nothing_is_nothing():
    assert list(spread([])) == []
    assert list(spread([[]])) == [[]]
