import numpy as np
import pytest

from workers.media.still_cuts import StillDetector


def _page(number: int) -> np.ndarray:
    """A white page with a few dark lines at places of its own."""
    page = np.full((90, 160, 3), 250, np.uint8)
    rng = np.random.default_rng(number)
    for row in range(8, 80, 8):
        page[row : row + 3, 10 : 10 + int(rng.integers(20, 140))] = 20
    return page


def _cuts(frames, fps: float) -> list[float]:
    detector, cuts = StillDetector(fps), []
    for number, frame in enumerate(frames):
        cuts += detector.add(number / fps, frame)
    return cuts


@pytest.mark.parametrize(("fps", "seconds"), [(25.0, 2), (10.0, 2), (1.0, 5)])
def test_slides_are_told_apart(fps, seconds):
    slides = [_page(n) for n in range(3) for _ in range(round(seconds * fps))]

    assert _cuts(slides, fps) == pytest.approx([seconds, 2 * seconds])


def test_a_still_picture_has_no_cut():
    assert _cuts([_page(1)] * 100, 25.0) == []


def test_a_little_change_is_no_cut():
    page = _page(1).copy()
    page[80:83, 20:50] = 20  # as a line of subtitles does

    assert _cuts([_page(1)] * 50 + [page] * 50, 25.0) == []


def test_a_step_within_motion_is_no_cut():
    rng = np.random.default_rng(0)
    moving = [rng.integers(0, 60, (90, 160, 3)).astype(np.uint8) for _ in range(50)]

    assert _cuts(moving + [frame + 100 for frame in moving], 25.0) == []


def test_a_cut_is_settled_once_it_can_be_reported_no_more():
    detector, told = StillDetector(25.0), []
    for number in range(100):
        settled_s = detector.settled_s
        told += [(cut_s, settled_s) for cut_s in detector.add(number / 25, _page(number // 50))]

    [(cut_s, settled_s)] = told
    assert settled_s <= cut_s == 2.0
