import tarfile
from io import BytesIO

import pytest
from PIL import Image

from schemas.asset import ArtifactKind, MediaType
from schemas.errors import MediaTooLarge, PermanentError, UnreadableMedia
from tests.workers.media.clips import (
    CUTS,
    DATA,
    MOVING,
    TONE,
    clip,
    media_file,
    shortened,
    written,
)
from workers.media.tracks import VideoTrack
from workers.media.video import fit, read_video


def _read(path, scratch, **limits):
    return read_video(media_file(path, scratch, **limits))


def _kinds(prepared):
    return [artifact.kind.value for artifact in prepared.artifacts]


def _images(prepared, kind):
    return [image for a in prepared.artifacts if a.kind is kind for image in a.images]


def test_facts_are_what_was_decoded(tmp_path):
    facts = _read(clip(CUTS, "cuts.mp4"), tmp_path).facts

    assert (facts.width_px, facts.height_px, facts.n_frames) == (320, 180, 60)
    assert facts.fps == pytest.approx(10.0)
    assert facts.duration_s == pytest.approx(6.0, abs=0.1)
    assert facts.has_video
    assert facts.has_audio
    assert facts.extra["n_shots"] == 3


def test_each_shot_has_a_keyframe_of_its_own_colour(tmp_path):
    prepared = _read(clip(CUTS, "cuts.mp4"), tmp_path)

    keyframes = _images(prepared, ArtifactKind.KEYFRAMES)
    assert [(k.start_s, k.end_s) for k in keyframes] == [
        pytest.approx((0.0, 2.0)),
        pytest.approx((2.0, 4.0)),
        pytest.approx((4.0, 6.0), abs=0.1),
    ]
    assert [_main_channel(prepared, k.name) for k in keyframes] == [0, 1, 2]


def _main_channel(prepared, name: str) -> int:
    [artifact] = [a for a in prepared.artifacts if a.kind is ArtifactKind.KEYFRAMES]
    with tarfile.open(artifact.path) as tar:
        member = tar.extractfile(name)
        assert member
        with Image.open(BytesIO(member.read())) as image:
            colour = image.convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert isinstance(colour, tuple)
    return colour.index(max(colour))


def test_sound_is_prepared_beside_the_pictures(tmp_path):
    prepared = _read(clip(CUTS, "cuts.mp4"), tmp_path)

    assert _kinds(prepared) == ["keyframes", "frames", "thumbnail", "audio"]
    assert prepared.artifacts[-1].audio.duration_s == pytest.approx(6.0, abs=0.1)


def test_video_without_sound_has_none(tmp_path):
    prepared = _read(clip(f"{MOVING} -an", "silent.mp4"), tmp_path)

    assert not prepared.facts.has_audio
    assert "audio" not in _kinds(prepared)
    assert prepared.failures == []


def test_container_of_sound_alone_is_audio(tmp_path):
    prepared = _read(clip(f"{TONE} -c:a aac", "sound.mp4"), tmp_path)

    assert prepared.facts.media_type is MediaType.AUDIO
    assert _kinds(prepared) == ["audio"]


def test_rotated_video_is_upright(tmp_path):
    flat = clip(MOVING, "moving.mp4")
    prepared = _read(clip(f"-display_rotation:v 90 -i {flat} -c copy", "turned.mp4"), tmp_path)

    assert (prepared.facts.width_px, prepared.facts.height_px) == (180, 320)
    [keyframe] = _images(prepared, ArtifactKind.KEYFRAMES)
    assert (keyframe.width_px, keyframe.height_px) == (180, 320)


def test_times_of_a_varying_rate_are_true(tmp_path):
    # Given frames that are 0.1 s apart, and after the cut at 3 s of the media 0.5 s
    slow = "setpts='if(lt(N,30),N/10,3+(N-30)*0.5)/TB'"
    source = clip(CUTS, "cuts.mp4")
    varying = clip(f"-t 4 -i {source} -an -vf {slow} -fps_mode passthrough", "varying.mkv")

    prepared = _read(varying, tmp_path)

    assert prepared.facts.n_frames == 40
    assert prepared.facts.duration_s == pytest.approx(8.0, abs=0.5)
    assert [s["start_s"] for s in prepared.facts.extra["shots"]] == pytest.approx([0.0, 2.0])


def test_pictures_that_start_late_keep_their_times(tmp_path):
    late = clip(
        "-itsoffset 1.5 -f lavfi -i testsrc2=s=320x180:r=10:d=2 -f lavfi -i sine=d=4 "
        "-c:v libx264 -preset ultrafast -c:a flac",
        "late.mkv",
    )

    [keyframe] = _images(_read(late, tmp_path), ArtifactKind.KEYFRAMES)

    assert keyframe.start_s == pytest.approx(1.5, abs=0.05)


def test_black_video_is_one_shot(tmp_path):
    black = clip("-f lavfi -i color=black:s=160x90:r=10:d=5 -c:v libx264", "black.mp4")

    prepared = _read(black, tmp_path)

    assert prepared.facts.extra["n_shots"] == 1
    assert len(_images(prepared, ArtifactKind.FRAMES)) == 1


def test_still_video_makes_few_frames(tmp_path):
    still = clip(
        "-f lavfi -i color=gray:s=64x36:r=1:d=1800 -c:v libx264 -tune stillimage", "still.mp4"
    )

    prepared = _read(still, tmp_path)

    assert prepared.facts.duration_s == pytest.approx(1800, abs=1)
    assert len(_images(prepared, ArtifactKind.FRAMES)) == 1


def test_single_frame_is_a_video(tmp_path):
    prepared = _read(clip(f"{MOVING} -an -frames:v 1", "one.mp4"), tmp_path)

    assert prepared.facts.n_frames == 1
    assert prepared.facts.duration_s == pytest.approx(0.1, abs=0.01)
    assert _kinds(prepared) == ["keyframes", "frames", "thumbnail"]


def test_subtitles_become_text(tmp_path):
    text = written("1\n00:00:00,500 --> 00:00:01,000\nHello\n", "hello.srt")
    source = clip(MOVING, "moving.mp4")

    texts = _read(clip(f"-i {source} -i {text} -c copy -c:s srt", "t.mkv"), tmp_path).texts

    assert [segment.text for segment in texts[0]] == ["Hello"]


def test_truncated_video_keeps_what_was_decoded(tmp_path):
    source = clip(f"{CUTS} -movflags +faststart -g 10", "fast.mp4")

    prepared = _read(shortened(source, 0.6), tmp_path)

    assert 0 < prepared.facts.n_frames < 60
    assert prepared.failures
    assert prepared.failures[0].category == "UnreadableMedia"


def test_video_without_pictures_keeps_its_sound(tmp_path):
    source = clip(MOVING, "moving.mp4")
    hollow = clip(f"-i {source} -c copy -bsf:v noise=drop=1", "hollow.mkv")

    prepared = _read(hollow, tmp_path)

    assert prepared.facts.media_type is MediaType.AUDIO
    assert _kinds(prepared) == ["audio"]
    assert "video stream 0 has 0 frames" in prepared.failures[0].message


def test_video_whose_sound_is_empty_says_so(tmp_path):
    source = clip(MOVING, "moving.mp4")
    mute = clip(f"-i {source} -c copy -bsf:a noise=drop=1", "mute.mkv")

    prepared = _read(mute, tmp_path)

    assert prepared.facts.n_frames == 20
    assert not prepared.facts.has_audio
    assert "audio stream 1 has 0 samples" in prepared.failures[0].message


@pytest.mark.parametrize("kind", ["audio", "video"])
def test_media_beyond_the_limit_are_refused(kind, tmp_path):
    with pytest.raises(MediaTooLarge, match="3 s of"):
        _read(clip(CUTS + (" -an" if kind == "video" else ""), "cuts.mp4"), tmp_path, duration_s=3)


def test_junk_is_refused(tmp_path):
    with pytest.raises(PermanentError):
        _read(written(b"not a video", "junk.mp4"), tmp_path)


def test_header_without_frames_is_unreadable(tmp_path):
    path = DATA / "malformed/video/bipbop_480wp_1001kbps-cenc-video-key1-init.mp4"
    if not path.exists():
        pytest.skip("needs the shared malformed media")

    with pytest.raises(UnreadableMedia, match="video stream 0 has 0 frames"):
        _read(path, tmp_path)


@pytest.mark.parametrize(
    ("name", "cuts_s"),
    [
        ("montage-derived/montage-a-jfk.mp4", [4.0, 8.0]),
        ("pyscenedetect/counter.mp4", [1.0, 2.0]),
        ("pyscenedetect/fades.mp4", [3.36, 6.68]),
        ("imageio/cockatoo.mp4", []),
        ("androidx/mp4_silent-black-10s.mp4", []),
    ],
)
def test_cuts_of_known_videos_are_found(name, cuts_s, tmp_path):
    path = DATA / "video" / name
    if not path.exists():
        pytest.skip("needs the shared videos")

    shots = _read(path, tmp_path).facts.extra["shots"]

    assert [shot["start_s"] for shot in shots[1:]] == pytest.approx(cuts_s, abs=0.1)


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (100, 50), (10_000, 10)])
def test_fit_keeps_the_long_edge_and_never_enlarges(size):
    track = VideoTrack(index=0, width_px=size[0], height_px=size[1], rotation=0, fps=None)

    width, height = fit(track, 256)

    assert max(width, height) <= 256
    assert min(width, height) >= 2
