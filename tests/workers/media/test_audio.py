import pytest
import soundfile

from schemas.asset import ArtifactKind, MediaType
from schemas.errors import MediaTooLarge, PermanentError, UnreadableMedia
from schemas.segment import TimeSpan
from tests.workers.media.clips import DATA, MOVING, TONE, clip, media_file, shortened, written
from workers.media.audio import read_audio

COVER = (
    "-f lavfi -i sine=d=1 -f lavfi -i color=red:s=64x64 -frames:v 1 "
    "-c:v mjpeg -pix_fmt yuvj420p -disposition:v attached_pic"
)


def _read(path, scratch, **limits):
    return read_audio(media_file(path, scratch, kind="audio", **limits))


@pytest.mark.parametrize(
    ("codec", "name"),
    [
        ("", "tone.wav"),
        ("", "tone.flac"),
        ("", "tone.mp3"),
        ("-id3v2_version 0 -write_xing 0", "bare.mp3"),
        ("", "tone.aiff"),
        ("-c:a libopus", "tone.ogg"),
        ("-c:a libopus", "tone.webm"),
        ("-c:a aac", "tone.m4a"),
        ("-c:a aac", "tone.aac"),
        ("-c:a alac", "alac.m4a"),
        ("-c:a pcm_u8", "eight-bit.wav"),
        ("-c:a pcm_mulaw -ar 8000", "telephone.wav"),
        ("-c:a wmav2", "tone.wma"),
        ("-ac 6", "surround.wav"),
    ],
)
def test_common_kinds_of_sound_are_read(codec, name, tmp_path):
    prepared = _read(clip(f"{TONE} {codec}", name), tmp_path)

    [artifact] = prepared.artifacts
    assert artifact.kind is ArtifactKind.AUDIO
    assert prepared.facts.duration_s == pytest.approx(3.0, abs=0.1)
    assert prepared.facts.has_audio
    assert prepared.failures == []
    info = soundfile.info(artifact.path)
    assert (info.samplerate, info.channels, info.format) == (16_000, 1, "FLAC")
    assert info.duration == pytest.approx(artifact.audio.duration_s)


def test_facts_tell_of_the_original(tmp_path):
    extra = _read(clip(f"{TONE} -ac 2 -metadata title=Hum", "stereo.flac"), tmp_path).facts.extra

    assert (extra["codec"], extra["sampling_rate"], extra["channels"]) == ("flac", 44_100, 2)
    assert extra["tags"]["title"] == "Hum"


def test_tone_has_no_speech(tmp_path):
    [artifact] = _read(clip(TONE, "tone.wav"), tmp_path).artifacts

    assert artifact.audio.speech == []


def test_speech_is_found_in_a_recording(tmp_path):
    path = DATA / "speech/vad/sb-vad-valid.wav"
    if not path.exists():
        pytest.skip("needs the shared speech recordings")

    [artifact] = _read(path, tmp_path).artifacts

    starts = [start for start, _ in artifact.audio.speech]
    assert starts[:2] == pytest.approx([0.38, 4.1], abs=0.2)


def test_cover_art_does_not_make_a_video(tmp_path):
    prepared = _read(clip(COVER, "cover.m4a"), tmp_path)

    assert prepared.facts.media_type is MediaType.AUDIO
    assert not prepared.facts.has_video


def test_video_that_was_taken_for_audio_is_read_as_video(tmp_path):
    prepared = _read(clip(MOVING, "moving.mp4"), tmp_path)

    assert prepared.facts.media_type is MediaType.VIDEO


def test_truncated_sound_keeps_what_was_decoded(tmp_path):
    prepared = _read(shortened(clip(TONE, "tone.flac"), 0.5), tmp_path)

    assert 1.0 < prepared.facts.duration_s < 2.0
    [failure] = prepared.failures
    assert failure.locator == TimeSpan(start_s=prepared.facts.duration_s, end_s=3.0)


def test_header_without_samples_is_unreadable(tmp_path):
    with pytest.raises(UnreadableMedia, match="audio stream 0 has 0 samples"):
        _read(shortened(clip(TONE, "tone.wav"), 78 / 264_678), tmp_path)


def test_sound_beyond_the_limit_is_refused(tmp_path):
    with pytest.raises(MediaTooLarge, match="2 s of audio"):
        _read(clip(TONE, "tone.wav"), tmp_path, duration_s=2.0)


def test_sound_that_begins_late_keeps_its_end(tmp_path):
    # Given an edit list that delays the sound by less than one of its packets
    tone = clip("-f lavfi -i sine=d=1.02168:r=44100 -c:a alac", "whole.m4a")
    late = clip(f"-itsoffset 0.067 -i {tone} -c copy", "late.m4a")

    assert _read(late, tmp_path).facts.duration_s == pytest.approx(1.0217, abs=0.001)


def test_junk_is_refused(tmp_path):
    with pytest.raises(PermanentError):
        _read(written(bytes(range(256)) * 8, "junk.mp3"), tmp_path)
