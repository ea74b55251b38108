"""Sounds of the demo world: tones, sweeps, noise, beeps, chirps, drums and silence."""

from collections.abc import Callable, Sequence
from math import gcd

import numpy as np
from numpy.typing import NDArray

#: Mono float32 in [-1, 1], shape (n_samples,).
Samples = NDArray[np.float32]
Wave = NDArray[np.float64]

SAMPLING_RATE = 16_000


def make_sound(
    kind: str, rng: np.random.Generator, duration_s: float, sampling_rate: int = SAMPLING_RATE
) -> Samples:
    """Make one sound of a kind in `SOUND_KINDS`; pitch, pace and loudness vary with `rng`."""
    time_s = np.arange(int(duration_s * sampling_rate)) / sampling_rate
    wave = _MAKERS[kind](time_s, rng) * _fade(time_s, duration_s)
    return (wave * rng.uniform(0.25, 0.7)).astype(np.float32)


def resample(samples: Samples, rate_from: int, rate_to: int) -> Samples:
    """Change the sampling rate by cutting or padding the spectrum."""
    # Transforms of lengths with large prime factors take many times as long.
    block = rate_from // gcd(rate_from, rate_to) * 8
    n_blocks = -(-len(samples) // block)
    spectrum = np.fft.rfft(samples, n_blocks * block)
    n_wanted = n_blocks * block * rate_to // rate_from
    fitted = np.zeros(n_wanted // 2 + 1, dtype=spectrum.dtype)
    n_kept = min(len(spectrum), len(fitted))
    fitted[:n_kept] = spectrum[:n_kept]
    changed = np.fft.irfft(fitted, n_wanted) * (rate_to / rate_from)
    return changed[: round(len(samples) * rate_to / rate_from)].astype(np.float32)


def join(parts: Sequence[Samples], gap_s: float, sampling_rate: int = SAMPLING_RATE) -> Samples:
    """Put sounds one after the other with silence between."""
    gap = np.zeros(int(gap_s * sampling_rate), np.float32)
    return np.concatenate([piece for part in parts for piece in (part, gap)][:-1])


def _fade(time_s: Wave, duration_s: float) -> Wave:
    """Rise and fall within 10 ms, so that edges do not click."""
    return np.clip(np.minimum(time_s, duration_s - time_s) / 0.01, 0.0, 1.0)


def _sine(time_s: Wave, hertz: Wave | float) -> Wave:
    """A sine whose frequency may vary, with one overtone."""
    step_s = time_s[1] - time_s[0]
    phase = 2 * np.pi * np.cumsum(np.full_like(time_s, hertz) * step_s)
    wave: Wave = 0.8 * np.sin(phase) + 0.2 * np.sin(2 * phase)
    return wave


def _sweep(time_s: Wave, hertz_from: float, hertz_to: float) -> Wave:
    return _sine(time_s, hertz_from * (hertz_to / hertz_from) ** (time_s / time_s[-1]))


def _beeps(time_s: Wave, hertz: float, period_s: float) -> Wave:
    beeping: Wave = (time_s % period_s < 0.45 * period_s) * _sine(time_s, hertz)
    return beeping


def _chirps(time_s: Wave, rng: np.random.Generator) -> Wave:
    """Quick upward slides, as of a bird."""
    within_s = time_s % rng.uniform(0.22, 0.3)
    slide = _sine(time_s, rng.uniform(2600, 3200) + 14_000 * within_s)
    sounding_s = 0.13
    return slide * (within_s < sounding_s)


def _drum(time_s: Wave, rng: np.random.Generator, period_s: float) -> Wave:
    """Decaying low thuds with a noisy attack."""
    within_s = time_s % period_s
    thud = _sine(time_s, rng.uniform(75, 110)) * np.exp(-within_s / 0.09)
    attack = rng.standard_normal(len(time_s)) * np.exp(-within_s / 0.012)
    return thud + 0.4 * attack


def _noise(time_s: Wave, rng: np.random.Generator) -> Wave:
    return 0.35 * rng.standard_normal(len(time_s))


def _bursts(time_s: Wave, rng: np.random.Generator) -> Wave:
    sounding_s = 0.25
    return _noise(time_s, rng) * (time_s % rng.uniform(0.6, 0.8) < sounding_s)


_MAKERS: dict[str, Callable[[Wave, np.random.Generator], Wave]] = {
    "a low tone": lambda t, rng: _sine(t, rng.uniform(160, 300)),
    "a high tone": lambda t, rng: _sine(t, rng.uniform(900, 1600)),
    "a rising sweep": lambda t, rng: _sweep(t, rng.uniform(150, 300), rng.uniform(1500, 3000)),
    "a falling sweep": lambda t, rng: _sweep(t, rng.uniform(1500, 3000), rng.uniform(150, 300)),
    "slow beeps": lambda t, rng: _beeps(t, rng.uniform(600, 1200), rng.uniform(0.6, 0.75)),
    "fast beeps": lambda t, rng: _beeps(t, rng.uniform(600, 1200), rng.uniform(0.16, 0.22)),
    "steady noise": _noise,
    "bursts of noise": _bursts,
    "chirps": _chirps,
    "a slow drum": lambda t, rng: _drum(t, rng, rng.uniform(0.6, 0.75)),
    "a fast drum": lambda t, rng: _drum(t, rng, rng.uniform(0.2, 0.26)),
    "silence": lambda t, rng: 0.0005 * rng.standard_normal(len(t)),
}
SOUND_KINDS: tuple[str, ...] = tuple(_MAKERS)
