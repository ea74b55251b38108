import pytest
import soundfile

from schemas.asset import ArtifactKind, MediaType
from tests.workers.media.clips import DATA, clip, media_file
from workers.media.audio import read_audio
from workers.media.video import read_video

#: Two tracks of speech in two languages around one of noise, the second the default one.
_SPEECH = ("speech/en-harvard/spk1_snt1.wav", "speech/fr/bonjour_vous_allez_bien.mp3")


def _sound(prepared):
    return [a for a in prepared.artifacts if a.kind is ArtifactKind.AUDIO]


@pytest.fixture(scope="module")
def bilingual():
    english, french = (DATA.resolve() / name for name in _SPEECH)
    if not english.exists():
        pytest.skip("needs the shared speech recordings")
    return clip(
        f"-i {english} -i {french} -f lavfi -i sine=d=4 -map 0 -map 1 -map 2 -c:a flac "
        "-metadata:s:a:0 language=eng -metadata:s:a:1 language=fre "
        "-disposition:a:0 0 -disposition:a:1 default -disposition:a:2 0",
        "bilingual.mka",
    )


def test_every_track_with_speech_is_kept_the_default_one_first(bilingual, tmp_path):
    prepared = read_audio(media_file(bilingual, tmp_path, kind="audio"))

    tracks = [(a.part, a.audio.track, a.audio.language) for a in _sound(prepared)]
    assert tracks == [(0, 1, "fr"), (1, 0, "en")]
    assert all(a.audio.speech for a in _sound(prepared))
    assert [s["language"] for s in prepared.facts.extra["streams"]] == ["en", "fr", None]
    assert prepared.failures == []


def test_tracks_of_a_video_are_read_beside_its_pictures(bilingual, tmp_path):
    video = clip(
        f"-i {bilingual} -f lavfi -i testsrc2=s=160x90:r=10:d=3 -map 1 -map 0 -c:a copy "
        "-c:v libx264 -preset ultrafast",
        "bilingual.mkv",
    )

    prepared = read_video(media_file(video, tmp_path))

    assert prepared.facts.media_type is MediaType.VIDEO
    assert {a.audio.language for a in _sound(prepared)} == {"en", "fr"}
    lengths = [soundfile.info(a.path).duration for a in _sound(prepared)]
    assert lengths == pytest.approx([a.audio.duration_s for a in _sound(prepared)])


def test_a_single_track_is_not_named(tmp_path):
    tone = clip("-f lavfi -i sine=d=2 -metadata:s:a:0 language=ger", "tone.mka")

    [artifact] = _sound(read_audio(media_file(tone, tmp_path, kind="audio")))

    assert (artifact.audio.track, artifact.audio.language) == (None, "de")
    assert artifact.path.name == "audio-0.flac"


def test_further_tracks_without_speech_are_left_out(tmp_path):
    tones = clip(
        "-f lavfi -i sine=d=2 -f lavfi -i sine=f=99:d=3 -map 0 -map 1 -c:a flac", "tones.mka"
    )

    prepared = read_audio(media_file(tones, tmp_path, kind="audio"))

    assert [a.audio.track for a in _sound(prepared)] == [0]
    assert prepared.facts.duration_s == pytest.approx(3.0, abs=0.01)


def test_a_track_that_is_empty_costs_the_others_nothing(tmp_path):
    tones = clip("-f lavfi -i sine=d=2 -f lavfi -i sine=d=2 -map 0 -map 1 -c:a aac", "two.mkv")
    half = clip(f"-i {tones} -map 0 -c copy -bsf:a:0 noise=drop=1", "half.mkv")

    prepared = read_audio(media_file(half, tmp_path, kind="audio"))

    assert [a.audio.track for a in _sound(prepared)] == [1]
    assert [f.message for f in prepared.failures] == ["audio stream 0 has 0 samples"]
