import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from schemas.segment import Box
from schemas.stages import ModelRef
from workers.models.line_finder import (
    LineFinder,
    _narrowed,
    _padded,
    _set_side,
    _straightened,
    turn_back,
)
from workers.models.rapidocr_weights import open_sessions


class Detector:
    """Keeps what it is told."""

    limit_type, limit_side_len = "", 0


@pytest.fixture(scope="module")
def finder():
    return LineFinder(
        open_sessions(ModelRef(source="package:rapidocr", revision="1", family=""), 1)
    )


def page(*lines):
    image = Image.new("RGB", (640, 300), "white")
    for i, text in enumerate(lines):
        ImageDraw.Draw(image).text((60, 50 + 70 * i), text, "black", ImageFont.load_default(36))
    return np.asarray(image)[:, :, ::-1]


def test_finder_cuts_out_lines_that_can_be_read(finder):
    found = finder.find_lines(page("Invoice 4711", "Total 12.50 EUR"))

    assert found.n_turns == 0
    assert {text for text, _ in finder.recognize(found.crops)} == {
        "Invoice 4711",
        "Total 12.50 EUR",
    }


def test_finder_turns_a_page_upright(finder):
    found = finder.find_lines(np.rot90(page("Invoice 4711", "Total 12.50 EUR"), -1))

    assert found.n_turns == 1
    assert found.crops[0].shape[1] > found.crops[0].shape[0]


def test_straightened_lines_run_level():
    level = np.array([[[0, y], [100, y], [100, y + 10], [0, y + 10]] for y in (0, 30)], np.float32)
    turn = np.array([[0.995, 0.0998], [-0.0998, 0.995]], np.float32)

    straight = _straightened(level @ turn)

    assert np.ptp(straight[:, :2, 1], axis=1) == pytest.approx(0, abs=0.1)
    assert np.diff(straight[:, 0], axis=0) == pytest.approx(np.array([[0, 30]]), abs=0.5)


def test_straightened_leaves_words_that_say_nothing_of_the_page():
    square = np.array([[[0, 0], [10, 3], [7, 13], [-3, 10]]], np.float32)

    assert _straightened(square) is square


def test_finder_finds_nothing_on_an_empty_page(finder):
    assert finder.find_lines(np.full((300, 400, 3), 255, np.uint8)).crops == []
    assert finder.recognize([]) == []


@pytest.mark.parametrize(
    ("height_px", "width_px", "expected"),
    [
        (1600, 1130, ("max", 1280)),
        (480, 640, ("min", 736)),
        (1004, 439, ("min", 560)),
        (900, 900, ("min", 736)),
    ],
)
def test_pages_are_searched_at_a_bounded_size(height_px, width_px, expected):
    detector = Detector()
    _set_side(detector, height_px, width_px)

    assert (detector.limit_type, detector.limit_side_len) == expected


def test_long_strips_are_widened():
    padded = _padded(np.full((1600, 5, 3), 7, np.uint8))

    assert padded.shape == (1600, 400, 3)
    assert (padded == 7).all()


def test_lines_are_narrowed_at_the_recognisers_height():
    assert _narrowed(np.zeros((24, 400, 3), np.uint8)).shape == (48, 680, 3)
    assert _narrowed(np.zeros((90, 1, 3), np.uint8)).shape == (48, 1, 3)


def test_turn_back_undoes_quarter_turns():
    box = Box(0.1, 0.2, 0.4, 0.3)

    assert tuple(turn_back(box, 1)) == pytest.approx((0.7, 0.1, 0.8, 0.4))
    assert tuple(turn_back(box, 4)) == pytest.approx(tuple(box))
