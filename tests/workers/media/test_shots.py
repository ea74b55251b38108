import numpy as np
import pytest

from workers.media.shots import ShotDetector

FPS = 25.0
RED, GREEN, BLUE, BLACK = (0, 0, 200), (0, 200, 0), (200, 0, 0), (0, 0, 0)


def _cuts(*scenes: tuple[tuple[int, int, int], float], fps: float = FPS) -> list[float]:
    """Cuts found in a video of plain colours, each shown for some seconds."""
    detector, cuts, number = ShotDetector(fps), [], 0
    for colour, seconds in scenes:
        for _ in range(round(seconds * fps)):
            cuts += detector.add(number / fps, np.full((18, 32, 3), colour, np.uint8))
            number += 1
    return cuts


def test_hard_cuts_are_found_to_the_frame():
    assert _cuts((RED, 2), (GREEN, 2), (BLUE, 2)) == [2.0, 4.0]


def test_a_still_picture_has_no_cuts():
    assert _cuts((RED, 10)) == []


def test_a_black_video_has_no_cuts():
    assert _cuts((BLACK, 10)) == []


def test_a_short_black_is_one_cut_in_its_middle():
    assert _cuts((RED, 2), (BLACK, 1), (GREEN, 2)) == [2.5]


def test_a_long_black_is_a_shot():
    assert _cuts((RED, 2), (BLACK, 5), (GREEN, 2)) == [2.0, 7.0]


def test_a_short_black_at_the_ends_is_no_shot():
    assert _cuts((BLACK, 1), (RED, 2), (BLACK, 1)) == []


def test_a_long_black_at_the_start_is_a_shot():
    assert _cuts((BLACK, 5), (RED, 2)) == [5.0]


def test_slides_are_cut_though_all_neighbours_differ():
    cuts = _cuts((RED, 1), (BLUE, 1), (RED, 1), (BLUE, 1), (RED, 1), fps=1.0)

    assert cuts == [1.0, 2.0, 3.0, 4.0]


def test_cuts_come_once_and_apart():
    assert _cuts((RED, 1), (GREEN, 0.08), (BLUE, 1)) in ([1.0], [1.08])


def test_settled_time_follows_less_than_a_second_behind():
    detector = ShotDetector(FPS)
    for number in range(40):
        detector.add(number / FPS, np.full((18, 32, 3), RED, np.uint8))

    assert 39 / FPS - 1 < detector.settled_s < 38 / FPS


def test_settled_time_waits_for_the_end_of_a_short_black():
    detector = ShotDetector(FPS)
    for number in range(60):
        colour = RED if number < 10 else BLACK
        detector.add(number / FPS, np.full((18, 32, 3), colour, np.uint8))

    assert detector.settled_s == pytest.approx(10 / FPS)


def test_times_may_start_late_and_vary():
    detector, cuts = ShotDetector(FPS), []
    times = [100.0, 100.1, 100.5, 100.6, 101.0, 101.4, 101.5, 101.9, 102.0]
    for number, time_s in enumerate(times):
        colour = RED if number < 4 else GREEN
        cuts += detector.add(time_s, np.full((18, 32, 3), colour, np.uint8))

    assert cuts == [101.0]


def test_noise_and_motion_are_no_cuts():
    # Given a textured picture that slides by, as a pan does
    texture = np.random.default_rng(0).integers(0, 255, (90, 640, 3)).astype(np.uint8)
    detector, cuts = ShotDetector(FPS), []
    for number in range(100):
        cuts += detector.add(number / FPS, texture[:, 4 * number : 4 * number + 160])

    assert cuts == []
