from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.segment import Box
from workers.media.tables import Table, find_tables

LINE, PITCH = 0.01, 0.02


def cell(column, row, *, width=0.1, down=0.0):
    x0, y0 = 0.1 + 0.25 * column, 0.1 + PITCH * row + down
    return Box(x0, y0, x0 + width, y0 + LINE)


def found(boxes, **options):
    return list(find_tables(boxes, aspect=0.7, **options))


def grid(n_rows, n_columns, first_row=0):
    return [cell(c, first_row + r) for r in range(n_rows) for c in range(n_columns)]


def test_find_tables_gives_rows_of_columns():
    assert found(grid(3, 2)) == [Table([[[0], [1]], [[2], [3]], [[4], [5]]])]


def test_find_tables_leaves_two_pairs_alone():
    assert found(grid(2, 2)) == [[0, 1], [2, 3]]


def test_find_tables_takes_two_rows_of_three():
    assert len(found(grid(2, 3))) == 1


def test_find_tables_takes_cells_that_hang_low_in_their_row():
    boxes = [cell(c, r, down=0.004 * c) for r in range(3) for c in range(2)]

    assert found(boxes) == [Table([[[0], [1]], [[2], [3]], [[4], [5]]])]


def test_find_tables_leaves_a_cell_empty():
    boxes = [*grid(3, 3), cell(0, 3), cell(2, 3)]

    assert found(boxes)[0].rows[3] == [[9], [], [10]]


def test_find_tables_puts_the_next_line_of_a_cell_in_its_row():
    boxes = [*grid(2, 2), cell(1, 1.6), *grid(2, 2, first_row=3)]

    assert [row[1] for row in found(boxes)[0].rows] == [[1], [3, 4], [6], [8]]


def test_find_tables_ends_where_a_line_crosses_the_gutter():
    boxes = [*grid(3, 2), cell(0, 3, width=0.8)]

    assert [type(piece) for piece in found(boxes)] == [Table, list]


def test_find_tables_ends_at_a_wide_gap():
    boxes = [*grid(3, 2), *grid(3, 2, first_row=9)]

    assert [len(piece.rows) for piece in found(boxes)] == [3, 3]


def test_find_tables_starts_rows_at_the_right_where_people_do():
    boxes = [cell(c, r) for r in range(3) for c in (1, 0)]

    assert found(boxes, right_to_left=True)[0].rows[0] == [[0], [1]]


@settings(deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(0, 0.9)] * 2, *[st.floats(0.001, 0.1)] * 2), max_size=30),
    st.booleans(),
)
def test_find_tables_loses_and_doubles_nothing(places, right_to_left):
    boxes = [Box(x, y, x + width, y + height) for x, y, width, height in places]

    pieces = found(boxes, right_to_left=right_to_left)

    members = [i for p in pieces for i in (p.members if isinstance(p, Table) else p)]
    assert sorted(members) == list(range(len(boxes)))
