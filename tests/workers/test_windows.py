from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.windows import PAD_S, Window, pack

MAX_GAP_S = 10.0


def latest(start_s, end_s):
    """A pause finder for sound that is never quiet."""
    return end_s


def packed(speech, duration_s, window_s=30.0, find_pause=latest, max_gap_s=MAX_GAP_S):
    return pack(speech, duration_s, window_s, find_pause, max_gap_s=max_gap_s)


def pieces(*args, **options):
    return [list(window.pieces) for window in packed(*args, **options)]


def test_pack_of_no_speech_is_nothing():
    assert pieces([], 600.0) == []


def test_pack_pads_speech_into_the_silence_around_it():
    assert pieces([(5.0, 6.0)], 60.0) == [[(5.0 - PAD_S, 6.0 + PAD_S)]]


def test_pack_stays_within_the_part():
    assert pieces([(0.1, 9.9)], 10.0) == [[(0.0, 10.0)]]


def test_pack_keeps_short_pauses():
    assert pieces([(1.0, 2.0), (2.5, 3.0)], 10.0) == [[(1.0 - PAD_S, 3.0 + PAD_S)]]


def test_pack_leaves_long_silence_out():
    found = pieces([(1.0, 2.0), (7.0, 8.0)], 20.0)

    assert found == [[(1.0 - PAD_S, 2.0 + PAD_S), (7.0 - PAD_S, 8.0 + PAD_S)]]


def test_pack_starts_a_window_behind_very_long_silence():
    assert len(pieces([(1.0, 2.0), (4.0 + MAX_GAP_S, 15.0)], 20.0)) == 2


def test_pack_of_a_family_without_times_leaves_no_silence_out():
    speech = [(1.0, 2.0), (2.5, 3.0), (5.0, 6.0)]

    found = pieces(speech, 10.0, max_gap_s=0.0)

    assert found == [[(1.0 - PAD_S, 3.0 + PAD_S)], [(5.0 - PAD_S, 6.0 + PAD_S)]]


def test_pack_starts_a_window_when_one_is_full():
    found = pieces([(0.0, 20.0), (20.5, 35.0)], 35.0)

    assert found == [[(0.0, 20.25)], [(20.25, 35.0)]]


def test_pack_cuts_endless_speech_at_pauses():
    found = pieces([(0.0, 70.0)], 70.0, find_pause=lambda start_s, end_s: start_s + 1)

    assert found == [[(0.0, 25.0)], [(25.0, 50.0)], [(50.0, 70.0)]]


def test_to_part_moves_times_by_the_start():
    assert Window(((10.0, 20.0),)).to_part(1.0, 2.5) == (11.0, 12.5)


def test_to_part_gives_seams_to_the_piece_they_touch():
    window = Window(((10.0, 12.0), (20.0, 23.0)))

    assert window.to_part(0.5, 2.0) == (10.5, 12.0)
    assert window.to_part(2.0, 3.0) == (20.0, 21.0)
    assert window.to_part(1.0, 4.0) == (11.0, 22.0)


def test_to_part_of_an_instant_is_an_instant():
    window = Window(((10.0, 12.0), (20.0, 23.0)))

    assert window.to_part(0.0, 0.0) == (10.0, 10.0)
    assert window.to_part(5.0, 5.0) == (23.0, 23.0)


@st.composite
def speech_of_a_part(draw):
    steps = draw(st.lists(st.floats(0.05, 45.0), min_size=2, max_size=40))
    moments, now = [], 0.0
    for step in steps[: len(steps) // 2 * 2]:
        now += step
        moments.append(now)
    return list(zip(moments[::2], moments[1::2], strict=True)), now + draw(st.floats(0.0, 5.0))


@given(speech_of_a_part())
def test_pack_holds_all_speech_once_in_order(case):
    speech, duration_s = case

    windows = list(packed(speech, duration_s))

    flat = [piece for window in windows for piece in window.pieces]
    assert all(window.duration_s <= 30.0 + 1e-6 for window in windows)
    assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(flat))
    for start_s, end_s in speech:
        heard_s = sum(max(0.0, min(end_s, p[1]) - max(start_s, p[0])) for p in flat)
        assert heard_s == pytest.approx(end_s - start_s, abs=1e-6)


@given(speech_of_a_part(), st.floats(0, 1), st.floats(0, 1))
def test_to_part_keeps_order_and_stays_inside(case, a, b):
    for window in packed(*case):
        start_s, end_s = sorted((a * window.duration_s, b * window.duration_s))
        found_start_s, found_end_s = window.to_part(start_s, end_s)
        assert window.pieces[0][0] - 1e-6 <= found_start_s
        assert found_start_s <= found_end_s <= window.pieces[-1][1] + 1e-6
