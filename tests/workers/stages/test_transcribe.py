import json
import math
import tracemalloc

import numpy as np
import pytest
import soundfile

from infra.settings import MediaLimits
from schemas.asset import ArtifactKind
from schemas.segment import TimeSpan
from schemas.stages import ModelRef
from tests.workers.media.clips import DATA, clip, media_file
from tests.workers.stages.sources import audio_source, noise, segments
from workers.media.read import read_object
from workers.media.video import read_video
from workers.models.certainty import judge
from workers.models.loading import FAMILIES
from workers.models.roles import Transcriber, Transcript, Utterance, Word
from workers.stage import StageContext
from workers.stages.transcribe import Transcribe


class TinyTranscriber(Transcriber):
    """Hears one utterance, from one second on to the end of the window."""

    window_s = 30.0
    avg_logprob, no_speech_prob, text = -0.2, 0.1, "hello there"
    temperature = 0.0
    words = ()
    heard_s = 0.0

    def extract_features(self, samples):
        type(self).heard_s += len(samples) / 16_000
        return samples

    def transcribe(self, windows):
        said = Utterance(
            start_s=1.0,
            end_s=30.0,
            text=self.text,
            language="de",
            certainty=judge(
                self.text,
                self.avg_logprob,
                no_speech_prob=self.no_speech_prob,
                temperature=self.temperature,
            ),
            words=self.words,
        )
        return [Transcript((said,)) for _ in windows]


@pytest.fixture
def build(monkeypatch, cpu):
    monkeypatch.setitem(FAMILIES, "tiny", f"{__name__}:TinyTranscriber")

    def build(*, random_weights=False, **hears):
        ref = ModelRef(source="t", revision="1", family="tiny", random_weights=random_weights)
        for name, value in hears.items():
            monkeypatch.setattr(TinyTranscriber, name, value)
        stage = Transcribe(StageContext(model=ref))
        stage.load(cpu)
        return stage

    return build


def spans(found):
    return [(s.locator.start_s, s.locator.end_s) for s in found]


@pytest.mark.parametrize(
    ("track", "extra"),
    [
        ({"track": 2, "language": "fr"}, {"track": 2, "track_language": "fr"}),
        ({"track": 0}, {"track": 0}),
        ({"language": "fr"}, {}),
    ],
)
def test_transcribe_names_the_track_where_there_are_several(build, tmp_path, track, extra):
    source = audio_source(tmp_path, noise(20.0), speech=[(10.0, 12.0)], **track)

    (found,) = segments(build(), source)

    assert {name: v for name, v in found.extra.items() if name.startswith("track")} == extra


def test_transcribe_gives_utterances_in_media_time(build, tmp_path):
    source = audio_source(tmp_path, noise(20.0), start_s=600.0, speech=[(10.0, 12.0)])

    (found,) = segments(build(), source)

    assert found.locator == TimeSpan(start_s=610.6, end_s=612.4)
    assert (found.text, found.language, found.role) == ("hello there", "de", "speech")
    assert found.confidence == pytest.approx(math.exp(-0.2))
    assert found.searchable
    assert set(found.extra) == {"avg_logprob", "no_speech_prob", "compression_ratio"}


def test_transcribe_listens_to_speech_only(build, tmp_path):
    source = audio_source(tmp_path, noise(20.0), speech=[(5.0, 6.0), (15.0, 16.0)])

    (item,) = build().preprocess(source)

    assert len(item.payload) == pytest.approx(2 * 1.8 * 16_000, abs=2)


def test_transcribe_writes_nothing_where_nobody_speaks(build, tmp_path):
    assert segments(build(), audio_source(tmp_path, noise(5.0), speech=[])) == []


def test_transcribe_listens_to_everything_when_nobody_looked(build, tmp_path):
    found = segments(build(), audio_source(tmp_path, noise(65.0), speech=None))

    ends = [end_s for _, end_s in spans(found)]
    assert len(found) == 3
    assert ends[-1] == 65.0
    assert all(24.0 <= b - a <= 30.0 for a, b in zip([0.0, *ends], ends[:-1], strict=False))


def test_transcribe_skips_digital_silence(build, tmp_path):
    assert segments(build(), audio_source(tmp_path, np.zeros(32_000), speech=None)) == []


def test_transcribe_keeps_made_up_text_out_of_search(build, tmp_path):
    source = audio_source(tmp_path, noise(2.0), speech=[(0.0, 2.0)])

    (found,) = segments(build(avg_logprob=-1.5, no_speech_prob=0.9), source)

    assert not found.searchable
    assert found.extra["flags"] == ["no_speech"]


def test_transcribe_keeps_loops_out_of_search(build, tmp_path):
    source = audio_source(tmp_path, noise(2.0), speech=[(0.0, 2.0)])

    (found,) = segments(build(text="thank you " * 40), source)

    assert not found.searchable
    assert found.extra["flags"] == ["repetition"]
    assert found.extra["compression_ratio"] > 2.4


def test_transcribe_of_random_weights_stays_out_of_search(build, tmp_path):
    source = audio_source(tmp_path, noise(2.0), speech=[(0.0, 2.0)])

    (found,) = segments(build(random_weights=True), source)

    assert not found.searchable
    assert found.extra["flags"] == ["random_weights"]


def test_transcribe_gives_words_in_media_time(build, tmp_path):
    """The second word is said behind a silence that the window leaves out."""
    words = (Word("hello", 1.0, 1.4), Word("there", 2.0, 9.9))
    source = audio_source(tmp_path, noise(20.0), start_s=600.5, speech=[(2.0, 3.0), (10.0, 11.0)])

    (found,) = segments(build(words=words), source)

    assert found.extra["words"] == [["hello", 603.1, 603.5], ["there", 610.3, 611.9]]
    assert (found.locator.start_s, found.locator.end_s) == (603.1, 611.9)


def test_transcribe_tells_the_temperature_of_drawn_text(build, tmp_path):
    source = audio_source(tmp_path, noise(2.0), speech=[(0.0, 2.0)])

    (found,) = segments(build(temperature=0.4), source)

    assert found.extra["temperature"] == 0.4
    assert found.searchable


def test_transcribe_keeps_guesses_out_of_search(build, tmp_path):
    source = audio_source(tmp_path, noise(2.0), speech=[(0.0, 2.0)])

    (found,) = segments(build(avg_logprob=-1.5), source)

    assert not found.searchable
    assert found.extra["flags"] == ["unsure"]


def test_transcribe_batches_windows_of_like_length(build, tmp_path):
    source = audio_source(tmp_path, noise(60.0), speech=[(1.0, 9.0), (30.0, 32.0), (50.0, 58.0)])

    lengths = [item.length for item in build().preprocess(source)]

    assert lengths == pytest.approx([8.8, 2.8, 8.8])


def test_transcribe_cuts_at_pauses_for_a_family_without_times(build, tmp_path):
    source = audio_source(tmp_path, noise(60.0), speech=[(1.0, 3.0), (3.5, 6.0), (8.0, 9.0)])

    found = segments(build(max_gap_s=0.0), source)

    assert spans(found) == [(1.6, 6.4), (8.6, 9.4)]


def test_transcribe_of_a_long_recording_holds_a_window_at_a_time(build, tmp_path):
    """Ten minutes of speech are 38 MB of samples."""
    speech = [(i * 20.0, i * 20.0 + 19.5) for i in range(30)]
    source = audio_source(tmp_path, noise(600.0), speech=speech)
    stage = build(heard_s=0.0)
    tracemalloc.start()

    n_windows = sum(1 for _ in stage.preprocess(source))

    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert n_windows == 30
    assert TinyTranscriber.heard_s == pytest.approx(600, abs=15)
    assert peak_bytes < 8e6


#: A tone that begins 1.5 s into the file, in containers that say so in different ways.
LATE = (
    "-f lavfi -i color=black:s=64x64:r=25:d=4 -itsoffset 1.5 -f lavfi -i sine=d=2:r=16000 "
    "-map 0 -map 1 -c:v libx264 -preset ultrafast -c:a {codec}"
)


@pytest.mark.parametrize(
    ("codec", "name", "tolerance_s"),
    [
        ("pcm_s16le", "late.mkv", 0.001),
        ("pcm_s16le", "late.mov", 0.001),
        ("flac", "late.mp4", 0.001),
        ("aac", "late.mp4", 0.03),
        ("aac", "late.ts", 0.03),
    ],
)
def test_transcribe_counts_from_media_start_where_sound_begins_later(
    build, codec, name, tolerance_s, tmp_path
):
    """What is heard 0.25 s into the sound is said 1.75 s into the media."""
    path = clip(LATE.replace("{codec}", codec), f"{codec}-{name}")
    (sound,) = [
        a for a in read_video(media_file(path, tmp_path)).artifacts if a.kind is ArtifactKind.AUDIO
    ]
    samples, _ = soundfile.read(sound.path, dtype="float32")
    onset_s = np.abs(samples).argmax() and np.flatnonzero(np.abs(samples) > 0.02)[0] / 16_000
    source = audio_source(
        tmp_path,
        samples,
        start_s=sound.audio.start_s,
        speech=[(onset_s + 0.25 + 0.4, onset_s + 1.0)],
    )

    (found,) = segments(build(words=(Word("tone", 0.0, 0.1),)), source)

    assert found.extra["words"][0][1] == pytest.approx(1.75, abs=tolerance_s)


NO_SPEECH = [
    truth
    for truth in sorted(DATA.rglob("*.gt.json"))
    if (told := json.loads(truth.read_text())).get("has_speech") is False
    or told.get("expected_transcript") == ""
]


@pytest.mark.skipif(not NO_SPEECH, reason="needs the shared recordings without speech")
@pytest.mark.parametrize("truth", NO_SPEECH, ids=lambda path: path.name.removesuffix(".gt.json"))
def test_recordings_without_speech_give_no_transcript(build, truth, tmp_path):
    """A model that would make up a text is not even asked."""
    path = truth.with_name(truth.name.removesuffix(".gt.json"))
    prepared = read_object(path, path.name, tmp_path, MediaLimits())
    sounds = [a for a in prepared.artifacts if a.kind is ArtifactKind.AUDIO]
    assert prepared.facts.has_audio
    stage = build()

    for sound in sounds:
        samples, _ = soundfile.read(sound.path, dtype="float32")
        source = audio_source(tmp_path, samples, speech=sound.audio.speech)
        assert segments(stage, source) == []
