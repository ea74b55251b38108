"""What is shown, and when."""

import pytest

from schemas.segment import TimeSpan
from tests.workers.media.clips import DATA
from tests.workers.media.tiny_captions import (
    ERASE,
    FPS,
    LAST_ROW,
    NEXT_LINE,
    NOTHING,
    ROLL_UP,
    film,
    letters,
    pop_on,
)
from workers.media.closed_captions import _after, read_closed_captions
from workers.media.streams import probe


def read(path, max_s=60.0):
    track = probe(path, max_px=1_000_000).video
    return read_closed_captions(path, track, max_s=max_s)


def told(segments):
    return [
        (s.text, round(s.locator.start_s, 1), round(s.locator.end_s, 1), s.ordinal)
        for s in segments
    ]


@pytest.mark.parametrize("start_s", [0, 100])
def test_captions_have_the_times_that_they_are_shown(tmp_path, start_s):
    first, second = pop_on("HELLO WORLD"), pop_on("SECOND ONE")
    commands = [*first, *[NOTHING] * 40, ERASE, ERASE, *[NOTHING] * 20, *second, *[NOTHING] * 30]

    segments = read(film(tmp_path / "film.ts", commands, start_s=start_s))

    shown_s, erased_s = (len(first) - 2) / FPS, (len(first) + 40) / FPS
    again_s = (len(first) + 62 + len(second) - 2) / FPS
    (hello, start, end, _), (other, later, _, ordinal) = told(segments)
    assert (hello, other, ordinal) == ("HELLO WORLD", "SECOND ONE", 1)
    assert (start, end, later) == pytest.approx((shown_s, erased_s, again_s), abs=0.1)
    assert {segment.role for segment in segments} == {"subtitle"}


def test_what_is_shown_at_the_end_ends_there(tmp_path):
    (segment,) = read(film(tmp_path / "film.ts", [*pop_on("LAST"), *[NOTHING] * 9]))

    assert segment.text == "LAST"
    assert segment.locator.end_s > segment.locator.start_s


def test_line_that_rolls_up_is_told_once(tmp_path):
    roll = [ROLL_UP, ROLL_UP]
    lines = [[NEXT_LINE] * 2 + [LAST_ROW] * 2 + letters(text) for text in ("LINE ONE", "LINE TWO")]

    segments = read(film(tmp_path / "film.ts", [*roll, *lines[0], *lines[1], *[NOTHING] * 9]))

    assert [segment.text for segment in segments] == ["LINE ONE", "LINE TWO"]


def test_other_channels_are_left_alone(tmp_path):
    assert read(film(tmp_path / "film.ts", pop_on("SPANISH") * 2, field=0xFD)) == []


def test_nothing_is_read_after_the_limit(tmp_path):
    commands = [*pop_on("EARLY"), *[NOTHING] * 30, *pop_on("LATE"), *[NOTHING] * 30]

    segments = read(film(tmp_path / "film.ts", commands), max_s=1.0)

    assert [segment.text for segment in segments] == ["EARLY"]


def test_film_that_breaks_off_keeps_what_came(tmp_path):
    whole = film(tmp_path / "film.ts", [*pop_on("KEPT"), *[NOTHING] * 200]).read_bytes()
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole[: len(whole) // 2])

    assert [segment.text for segment in read(cut)] == ["KEPT"]


def test_what_is_shown_where_decoding_breaks_off_ends_there(tmp_path):
    commands = [*pop_on("KEPT"), *[NOTHING] * 60]
    whole = film(tmp_path / "whole.ts", commands)
    broken = film(tmp_path / "broken.ts", commands, broken_from=40)

    ((kept, start, end, _),) = told(read(broken))

    assert (kept, start) == told(read(whole))[0][:2]
    assert start < end < told(read(whole))[0][2]


def test_bytes_that_make_no_caption_say_nothing(tmp_path):
    rubbish = [(n * 37 % 128, n * 91 % 128) for n in range(120)]

    for segment in read(film(tmp_path / "film.ts", rubbish)):
        assert isinstance(segment.locator, TimeSpan)


@pytest.mark.parametrize(
    ("before", "lines", "fresh"),
    [
        ([], ["a"], ["a"]),
        (["a"], ["a", "b"], ["b"]),
        (["a", "b"], ["b", "c"], ["c"]),
        (["a", "b"], ["a", "b"], []),
        (["a"], ["b"], ["b"]),
    ],
)
def test_lines_that_stood_there_are_left_out(before, lines, fresh):
    assert _after(before, lines) == fresh


@pytest.mark.skipif(not DATA.is_dir(), reason="the test media are not here")
def test_real_clip_says_what_it_shows():
    (segment,) = read(DATA / "video/androidx/mp4_fragmented_captions.mp4")

    assert segment.text == "♪MUSIC♪"
    assert (segment.locator.start_s, segment.locator.end_s) == pytest.approx((1.87, 2.0), abs=0.05)
