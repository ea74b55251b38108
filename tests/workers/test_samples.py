import numpy as np
import pytest
import soundfile

from schemas.errors import UnreadableMedia
from workers.samples import AudioSamples

RATE = 16_000


@pytest.fixture
def ramp(tmp_path):
    """Two seconds that say where they are: sample i has the value i of 32768."""
    path = tmp_path / "part.flac"
    soundfile.write(path, np.arange(2 * RATE, dtype=np.int16), RATE)
    return path


def test_samples_read_a_stretch(ramp):
    with AudioSamples(ramp) as samples:
        heard = samples.read(0.5, 1.0)

    assert heard.dtype == np.float32
    assert (heard * 32768).tolist() == list(range(RATE // 2, RATE))


def test_samples_read_to_the_end_at_most(ramp):
    with AudioSamples(ramp) as samples:
        assert len(samples.read(1.5, 9.0)) == RATE // 2
        assert len(samples.read(5.0, 9.0)) == 0


def test_samples_read_stretches_one_after_the_other(ramp):
    with AudioSamples(ramp) as samples:
        heard = samples.read_all([(1.0, 1.25), (0.0, 0.25)])

    assert (heard * 32768)[[0, RATE // 4]].tolist() == [RATE, 0]


def test_samples_find_the_quietest_moment(tmp_path):
    sound = np.full(3 * RATE, 0.5, np.float32)
    sound[int(1.9 * RATE) : int(2.1 * RATE)] = 0.0
    soundfile.write(tmp_path / "part.flac", sound, RATE)

    with AudioSamples(tmp_path / "part.flac") as samples:
        assert samples.quietest_s(1.0, 3.0) == pytest.approx(1.95)
        assert samples.quietest_s(2.99, 3.0) == 3.0


def test_samples_of_broken_audio_are_unreadable(tmp_path):
    (tmp_path / "part.flac").write_bytes(b"fLaC but not really")

    with pytest.raises(UnreadableMedia, match="audio artifact"):
        AudioSamples(tmp_path / "part.flac")


def test_samples_of_truncated_audio_are_unreadable(tmp_path):
    path = tmp_path / "part.flac"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.2, 4 * RATE), RATE)
    path.write_bytes(path.read_bytes()[:20_000])

    with AudioSamples(path) as samples, pytest.raises(UnreadableMedia):
        samples.read(3.0, 4.0)
