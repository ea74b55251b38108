import numpy as np
import pytest

from demo.sounds import SAMPLING_RATE, SOUND_KINDS, join, make_sound, resample


@pytest.mark.parametrize("kind", SOUND_KINDS)
def test_every_sound_has_its_length_and_is_finite(kind):
    samples = make_sound(kind, np.random.default_rng(0), 1.5)

    assert samples.dtype == np.float32
    assert samples.shape == (int(1.5 * SAMPLING_RATE),)
    assert np.isfinite(samples).all()


def test_silence_is_far_quieter_than_a_tone():
    rng = np.random.default_rng(0)

    silence, tone = make_sound("silence", rng, 1.0), make_sound("a low tone", rng, 1.0)

    assert np.abs(silence).max() < np.abs(tone).max() / 100


def test_rising_sweep_ends_higher_than_it_begins():
    samples = make_sound("a rising sweep", np.random.default_rng(0), 2.0)

    first, last = (np.abs(np.fft.rfft(part)).argmax() for part in (samples[:8000], samples[-8000:]))

    assert last > 2 * first


def test_resample_keeps_the_pitch():
    time_s = np.arange(22_050) / 22_050
    tone = np.sin(2 * np.pi * 440 * time_s).astype(np.float32)

    lowered = resample(tone, 22_050, 16_000)

    assert lowered.shape == (16_000,)
    assert np.abs(np.fft.rfft(lowered)).argmax() == 440


def test_join_leaves_gaps_between_and_none_at_the_ends():
    ones = np.ones(10, np.float32)

    joined = join([ones, ones], 0.001)

    assert len(joined) == 36
    assert joined[0] == joined[-1] == 1.0
