from tests.workers.media import tiny_ppt as tiny
from workers.media.ppt_records import records
from workers.media.ppt_shapes import shapes_of


def shapes(*made):
    [slide] = records(memoryview(tiny.slide(*made)))
    return list(shapes_of(slide))


def test_shapes_are_in_order_of_reading_and_groups_are_opened():
    inner = [tiny.shape(corners=(50, 5, 60, 9)), tiny.shape(corners=(10, 5, 20, 9))]

    found = shapes(
        tiny.shape(at=(0, 900)),
        tiny.group(*inner, at=(0, 500)),
        tiny.shape(at=(0, 100)),
        tiny.shape(),
    )

    places = [shape.corners and shape.corners[:2] for shape in found]
    assert places == [(0, 100), (10, 5), (50, 5), (0, 900), None]


def test_large_slides_have_large_anchors():
    large = tiny.atom(tiny.Kind.ANCHOR, b"".join(n.to_bytes(4, "little") for n in (1, 2, 3, 4)))

    assert shapes(tiny.container(tiny.Kind.SHAPE, large))[0].corners == (2, 1, 3, 4)


def test_a_table_is_one_shape_with_its_cells():
    [table] = shapes(tiny.table(((0, 0, 9, 9), "a"), ((9, 0, 20, 9), "b"), at=(0, 0)))

    assert table.is_table
    assert [cell.corners for cell in table.cells] == [(0, 0, 9, 9), (9, 0, 20, 9), (0, 0, 100, 0)]


def test_groups_deeper_than_any_person_makes_are_not_opened():
    nested = tiny.shape()
    for _ in range(25):
        nested = tiny.group(nested, at=(0, 0))

    assert shapes(nested) == []
    [slide] = records(memoryview(tiny.container(tiny.Kind.SLIDE)))
    assert list(shapes_of(slide)) == []
