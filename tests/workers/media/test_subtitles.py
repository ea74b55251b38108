from schemas.segment import TimeSpan
from tests.workers.media.clips import MOVING, clip, shortened, written
from workers.media.streams import probe
from workers.media.subtitles import read_subtitles

SRT = (
    "1\n00:00:00,500 --> 00:00:01,250\n<i>Good</i> morning\nto a < b & {you}\n\n"
    "2\n00:00:01,500 --> 00:00:02,000\nGrüße \u4f60\u597d\n"
)


def _read(path):
    return read_subtitles(path, probe(path, max_px=10_000_000).subtitles)


def _with_subtitles(codec: str, name: str):
    text = written(SRT, "words.srt")
    source = clip(MOVING, "moving.mp4")
    tags = "-metadata:s:s:0 language=ger"
    return clip(f"-i {source} -i {text} -map 0 -map 1 -c copy -c:s {codec} {tags}", name)


def test_srt_in_matroska_is_read_exactly():
    [segments] = _read(_with_subtitles("srt", "srt.mkv")).values()

    assert [s.text for s in segments] == ["Good morning\nto a < b & {you}", "Grüße 你好"]
    assert segments[0].locator == TimeSpan(start_s=0.5, end_s=1.25)
    assert [s.ordinal for s in segments] == [0, 1]
    assert {(s.role, s.language) for s in segments} == {("subtitle", "de")}


def test_ass_overrides_and_comments_are_left_out():
    [segments] = _read(_with_subtitles("ass", "ass.mkv")).values()

    assert segments[0].text == "Good morning\nto a < b &"


def test_mov_text_is_read():
    [segments] = _read(_with_subtitles("mov_text", "text.mp4")).values()

    assert [s.text for s in segments] == ["Good morning\nto a < b & {you}", "Grüße 你好"]


def test_each_track_is_a_part():
    text, source = written(SRT, "words.srt"), clip(MOVING, "moving.mp4")
    both = clip(f"-i {source} -i {text} -i {text} -map 0 -map 1 -map 2 -c copy -c:s srt", "b.mkv")

    assert sorted(_read(both)) == [0, 1]


def test_no_tracks_need_no_reading(tmp_path):
    assert read_subtitles(tmp_path / "absent", ()) == {}


def test_what_came_before_a_break_is_kept():
    whole = _with_subtitles("srt", "srt.mkv")
    tracks = probe(whole, max_px=10_000_000).subtitles

    [segments] = read_subtitles(shortened(whole, 0.6), tracks).values()

    assert [s.text for s in segments] == ["Good morning\nto a < b & {you}"]
