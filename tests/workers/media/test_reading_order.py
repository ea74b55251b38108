import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.segment import Box
from workers.media.reading_order import reading_blocks, reading_order

LINE = 0.012
PITCH = 0.016


def column(x0: float, x1: float, n_lines: int, top: float = 0.2) -> list[Box]:
    return [Box(x0, top + i * PITCH, x1, top + i * PITCH + LINE) for i in range(n_lines)]


def assert_restores_order(boxes: list[Box], seed: int = 0) -> None:
    shuffled = list(enumerate(boxes))
    random.Random(seed).shuffle(shuffled)
    found = reading_order([box for _, box in shuffled])
    assert [shuffled[i][0] for i in found] == list(range(len(boxes)))


def test_reading_order_of_nothing_is_empty():
    assert reading_order([]) == []


def test_reading_order_reads_one_column_from_top_to_bottom():
    assert_restores_order(column(0.1, 0.9, 30))


def test_reading_order_reads_the_left_column_first_when_baselines_agree():
    assert_restores_order(column(0.1, 0.48, 20) + column(0.52, 0.9, 20))


def test_reading_order_reads_three_columns():
    thirds = column(0.05, 0.33, 20), column(0.36, 0.64, 20), column(0.67, 0.95, 20)
    assert_restores_order([box for third in thirds for box in third])


def test_reading_order_ends_both_columns_at_a_heading_across_them():
    top = column(0.1, 0.48, 8, top=0.1) + column(0.52, 0.9, 8, top=0.1)
    heading = [Box(0.3, 0.26, 0.7, 0.28)]
    bottom = column(0.1, 0.48, 8, top=0.3) + column(0.52, 0.9, 8, top=0.3)
    assert_restores_order(top + heading + bottom)


def test_reading_order_leaves_a_centred_title_out_of_the_columns_below():
    title = [Box(0.37, 0.1, 0.63, 0.112)]
    left = [Box(0.27, 0.2, 0.34, 0.212), *column(0.12, 0.46, 12, top=0.22)]
    right = column(0.53, 0.88, 14, top=0.2)
    assert_restores_order(title + left + right)


def test_reading_order_is_not_led_astray_by_a_stamp_in_the_margin():
    """The stamp leaves a gutter beside the title, which is none of the columns'."""
    stamp, title = [Box(0.02, 0.05, 0.06, 0.062)], [Box(0.3, 0.1, 0.7, 0.112)]
    left = [Box(0.1, 0.2 + i * PITCH, 0.48, 0.212 + i * PITCH) for i in range(12)]
    right = [Box(0.52, 0.207 + i * PITCH, 0.9, 0.219 + i * PITCH) for i in range(12)]
    assert_restores_order(stamp + title + left + right)


def test_reading_blocks_keep_the_rows_of_a_table_together():
    paragraph = column(0.1, 0.9, 3)
    rows = [
        Box(x, 0.4 + i * PITCH, x + 0.1, 0.412 + i * PITCH) for i in range(4) for x in (0.1, 0.5)
    ]
    assert reading_blocks(paragraph + rows)[-1] == list(range(3, 11))


def test_reading_order_starts_at_the_right_for_right_to_left_scripts():
    boxes = column(0.1, 0.48, 8) + column(0.52, 0.9, 8)
    assert reading_order(boxes, right_to_left=True) == [*range(8, 16), *range(8)]


def test_reading_order_puts_a_sideways_stamp_last():
    body = column(0.12, 0.9, 10)
    assert_restores_order([*body, Box(0.03, 0.1, 0.05, 0.7)])


def test_reading_order_is_fast_on_many_aligned_rows():
    rows = [Box(x, y / 3000, x + 0.3, (y + 0.5) / 3000) for y in range(3000) for x in (0.1, 0.6)]
    assert len(reading_order(rows)) == 6000


def test_reading_order_keeps_paragraph_gaps_inside_columns():
    left = column(0.1, 0.48, 5, top=0.1) + column(0.1, 0.48, 5, top=0.22)
    right = column(0.52, 0.9, 5, top=0.1) + column(0.52, 0.9, 5, top=0.22)
    assert_restores_order(left + right)


def test_reading_order_keeps_rows_of_names_and_prices():
    rows = [
        box
        for y in range(10)
        for box in (
            Box(0.1, 0.1 + y * PITCH, 0.5, 0.112 + y * PITCH),
            Box(0.8, 0.1 + y * PITCH, 0.85, 0.112 + y * PITCH),
        )
    ]
    assert_restores_order(rows)


def test_reading_order_keeps_bullets_with_their_lines():
    rows = [box for line in column(0.15, 0.9, 6) for box in (line._replace(x0=0.1, x1=0.11), line)]
    assert_restores_order(rows)


def test_reading_order_stands_a_slight_skew():
    left, right = column(0.1, 0.48, 20), column(0.52, 0.9, 20)
    skewed = [
        box._replace(y0=box.y0 + box.x0 * 0.01, y1=box.y1 + box.x1 * 0.01) for box in left + right
    ]
    assert_restores_order(skewed)


def test_reading_order_stacks_blocks_that_do_not_stand_side_by_side():
    assert_restores_order(column(0.55, 0.95, 5, top=0.1) + column(0.05, 0.45, 5, top=0.5))


def test_reading_order_survives_boxes_without_height():
    assert sorted(reading_order([Box(0, 0, 1, 0), Box(0, 0.5, 1, 0.5)])) == [0, 1]


@pytest.mark.parametrize("seed", range(3))
def test_reading_order_is_fast_on_a_crowded_page(seed):
    rng = random.Random(seed)
    corners = [(rng.random() * 0.9, rng.random() * 0.9) for _ in range(3000)]
    boxes = [Box(x, y, x + 0.05, y + 0.004) for x, y in corners]
    assert sorted(reading_order(boxes)) == list(range(3000))


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=60))
def test_reading_order_names_every_box_once(corners):
    boxes = [Box(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
    assert sorted(reading_order(boxes)) == list(range(len(boxes)))
