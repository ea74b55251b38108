import pytest

from schemas.errors import MediaTooLarge, UnreadableMedia, UnsupportedMedia
from tests.workers.media.clips import CUTS, MOVING, TONE, clip, shortened, written
from workers.media.streams import probe

MAX_PX = 100_000_000
COVER = (
    "-f lavfi -i sine=d=1 -f lavfi -i color=red:s=64x64 -frames:v 1 "
    "-c:v mjpeg -pix_fmt yuvj420p -disposition:v attached_pic"
)


def test_probe_reads_what_the_headers_say():
    streams = probe(clip(CUTS, "cuts.mp4"), max_px=MAX_PX)

    assert streams.container.startswith("mov")
    assert streams.duration_s == pytest.approx(6.0, abs=0.1)
    assert streams.video
    assert (streams.video.width_px, streams.video.height_px) == (320, 180)
    assert streams.video.fps == 10.0
    assert streams.audio
    assert (streams.audio.codec, streams.audio.n_channels) == ("aac", 1)


def test_probe_describes_all_streams():
    described = probe(clip(CUTS, "cuts.mp4"), max_px=MAX_PX).described

    kinds = [(stream["type"], stream["codec"]) for stream in described["streams"]]
    assert kinds == [("video", "h264"), ("audio", "aac")]


def test_probe_turns_rotated_video_upright():
    flat = clip(MOVING, "moving.mp4")
    turned = clip(f"-display_rotation:v 90 -i {flat} -c copy", "turned.mp4")

    video = probe(turned, max_px=MAX_PX).video

    assert video
    assert (video.width_px, video.height_px) == (180, 320)
    assert video.rotation % 180 == 90


def test_probe_makes_pixels_square():
    wide = clip(f"-i {clip(MOVING, 'moving.mp4')} -vf setsar=2 -c:a copy", "wide.mp4")

    video = probe(wide, max_px=MAX_PX).video

    assert video
    assert (video.width_px, video.height_px) == (640, 180)


def test_probe_ignores_pixels_of_impossible_shape():
    odd = clip(f"-i {clip(MOVING, 'moving.mp4')} -vf setsar=200 -c:a copy", "odd.mp4")

    video = probe(odd, max_px=MAX_PX).video

    assert video
    assert video.width_px == 320


def test_probe_tells_cover_art_from_video():
    streams = probe(clip(COVER, "cover.m4a"), max_px=MAX_PX)

    assert streams.video is None
    assert streams.audio
    assert "picture" in [stream["type"] for stream in streams.described["streams"]]


def test_probe_reads_chapters_and_tags():
    marks = ";FFMETADATA1\ntitle=Trip\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1500\ntitle=One\n"
    names = written(marks, "marks.txt")
    source = clip(MOVING, "moving.mp4")

    streams = probe(clip(f"-i {source} -i {names} -map_metadata 1 -c copy", "m.mkv"), max_px=MAX_PX)

    assert streams.described["chapters"] == [{"title": "One", "start_s": 0.0, "end_s": 1.5}]
    assert streams.described["tags"]["title"] == "Trip"


@pytest.mark.parametrize("content", [b"", b"plain words", b"\x00" * 4096, b"MThd\x00\x00\x00\x06"])
def test_probe_refuses_what_is_no_container(content):
    with pytest.raises(UnreadableMedia, match="container"):
        probe(written(content, "junk.bin"), max_px=MAX_PX)


def test_probe_refuses_a_header_without_its_index():
    # The index of this MP4 is at its end
    with pytest.raises(UnreadableMedia):
        probe(shortened(clip(CUTS, "cuts.mp4"), 0.5), max_px=MAX_PX)


def test_probe_names_a_codec_outside_the_list():
    lossless = clip("-f lavfi -i testsrc2=d=0.2:s=64x64 -c:v magicyuv", "magic.avi")

    with pytest.raises(UnsupportedMedia, match="magicyuv"):
        probe(lossless, max_px=MAX_PX)


def test_probe_refuses_frames_beyond_the_limit():
    with pytest.raises(MediaTooLarge, match="320x180"):
        probe(clip(CUTS, "cuts.mp4"), max_px=1000)


def test_probe_refuses_playlists():
    text = f"#EXTM3U\n#EXTINF:6,\n{clip(CUTS, 'cuts.ts').as_uri()}\n#EXT-X-ENDLIST\n"

    with pytest.raises(UnreadableMedia):
        probe(written(text, "list.bin"), max_px=MAX_PX)


def test_probe_refuses_a_container_of_subtitles_alone():
    text = written("1\n00:00:00,000 --> 00:00:01,000\nHello\n", "alone.srt")

    with pytest.raises(UnreadableMedia, match="no stream"):
        probe(clip(f"-i {text}", "alone.mkv"), max_px=MAX_PX)


def test_probe_reads_sound():
    streams = probe(clip(TONE, "tone.wav"), max_px=MAX_PX)

    assert streams.video is None
    assert streams.audio
    assert streams.audio.sampling_rate == 44_100
