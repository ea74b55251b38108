import numpy as np
import pytest
import soundfile

from schemas.errors import MediaTooLarge
from tests.workers.media.clips import DATA
from workers.media.audio_parts import AudioParts
from workers.media.speech import SAMPLING_RATE


def _parts(tmp_path, **options) -> AudioParts:
    return AudioParts(tmp_path, **{"limit_s": 1000.0, "part_s": 5.0} | options)


def _hum(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).integers(-99, 99, int(seconds * SAMPLING_RATE)).astype(np.int16)


def test_parts_are_short_and_leave_nothing_out(tmp_path):
    parts, pcm = _parts(tmp_path), _hum(33.3)
    for number, block in enumerate(np.split(pcm, range(1000, len(pcm), 1000))):
        parts.add(number * 1000 / SAMPLING_RATE, block)
    parts.finish()

    assert parts.duration_s == pytest.approx(33.3, abs=0.001)
    assert all(a.audio.duration_s <= 5.0 for a in parts.artifacts)
    read_back = np.concatenate([soundfile.read(a.path, dtype="int16")[0] for a in parts.artifacts])
    np.testing.assert_array_equal(read_back, pcm)


def test_parts_follow_each_other(tmp_path):
    parts = _parts(tmp_path)
    parts.add(0.0, _hum(20))
    parts.finish()

    spans = [(a.audio.start_s, a.audio.start_s + a.audio.duration_s) for a in parts.artifacts]
    assert [end for _, end in spans[:-1]] == pytest.approx([start for start, _ in spans[1:]])


def test_parts_end_in_the_pause(tmp_path):
    path = DATA / "speech/en/sonnet-1.mp3"
    if not path.exists():
        pytest.skip("needs the shared speech recordings")
    samples, _ = soundfile.read(path, dtype="int16")
    parts = _parts(tmp_path, part_s=20.0)
    parts.add(0.0, samples.reshape(len(samples), -1)[:: 44_100 // SAMPLING_RATE, 0])
    parts.finish()

    for artifact in parts.artifacts[:-1]:
        assert artifact.audio.speech[-1][1] < artifact.audio.duration_s


def test_a_late_start_is_kept(tmp_path):
    parts = _parts(tmp_path)
    parts.add(3.0, _hum(1))
    parts.finish()

    assert parts.artifacts[0].audio.start_s == 3.0
    assert parts.duration_s == 4.0


def test_a_short_gap_becomes_silence(tmp_path):
    parts = _parts(tmp_path)
    parts.add(0.0, _hum(1))
    parts.add(3.0, _hum(1))
    parts.finish()

    [artifact] = parts.artifacts
    samples, _ = soundfile.read(artifact.path, dtype="int16")
    assert not samples[SAMPLING_RATE : 3 * SAMPLING_RATE].any()
    assert artifact.audio.duration_s == 4.0


def test_a_long_gap_begins_a_part(tmp_path):
    parts = _parts(tmp_path)
    parts.add(0.0, _hum(1))
    parts.add(500.0, _hum(1))
    parts.finish()

    assert [a.audio.start_s for a in parts.artifacts] == [0.0, 500.0]


def test_times_that_go_back_do_not_lose_sound(tmp_path):
    parts = _parts(tmp_path)
    parts.add(0.0, _hum(1))
    parts.add(0.2, _hum(1))
    parts.finish()

    assert parts.duration_s == 2.0


def test_a_time_far_beyond_the_limit_is_refused(tmp_path):
    parts = _parts(tmp_path)

    with pytest.raises(MediaTooLarge):
        parts.add(1e9, _hum(1))


def test_no_samples_make_no_part(tmp_path):
    parts = _parts(tmp_path)
    parts.finish()

    assert parts.artifacts == []
