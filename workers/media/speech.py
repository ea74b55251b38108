"""Where somebody speaks: Silero's voice activity model, run as audio goes by."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

#: int16, mono, 16 kHz, shape (n_samples,).
Pcm = NDArray[np.int16]
#: float32 in [0, 1], shape (n_windows,); one per window of 32 ms.
SpeechProbabilities = NDArray[np.float32]

SAMPLING_RATE = 16_000
WINDOW = 512
WINDOW_S = WINDOW / SAMPLING_RATE
#: Samples of the window before, which the model sees with each window.
_CONTEXT = 64

#: Speech begins above the first and ends below the second: the model's own defaults.
_ENTER, _LEAVE = 0.5, 0.35
#: Shorter pauses do not end a region; shorter regions are clicks; both ends are padded.
_MIN_PAUSE_S, _MIN_SPEECH_S, _PAD_S = 0.1, 0.25, 0.03


@lru_cache(maxsize=1)
def _session() -> "InferenceSession":
    import onnxruntime

    # Found, not imported: the package's own __init__ would bring torch into the child.
    spec = find_spec("silero_vad")
    assert spec
    assert spec.origin
    path = Path(spec.origin).parent / "data" / "silero_vad_16k_sequence.onnx"
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class SpeechDetector:
    """Speech probabilities of a stream; state goes on from block to block."""

    def __init__(self) -> None:
        self._hidden = np.zeros((1, 1, 128), np.float32)
        self._cell = np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)

    def probabilities(self, pcm: Pcm) -> SpeechProbabilities:
        """Judge the next windows; a last window that is not full is padded with silence."""
        windows = np.zeros((-(-len(pcm) // WINDOW), WINDOW), np.float32)
        windows.reshape(-1)[: len(pcm)] = pcm
        windows /= 32768.0
        contexts = np.vstack([self._context[None], windows[:-1, -_CONTEXT:]])
        self._context = windows[-1, -_CONTEXT:].copy()
        found, self._hidden, self._cell = _session().run(
            ["speech_probs", "hn", "cn"],
            {"input": np.hstack([contexts, windows]), "h": self._hidden, "c": self._cell},
        )
        probabilities: SpeechProbabilities = found.reshape(-1)
        return probabilities


def speech_regions(
    probabilities: SpeechProbabilities, duration_s: float
) -> list[tuple[float, float]]:
    """Turn probabilities into regions in seconds, padded, in order, not overlapping."""
    spoken = [
        (start * WINDOW_S, end * WINDOW_S)
        for start, end in _runs(probabilities)
        if (end - start) * WINDOW_S >= _MIN_SPEECH_S
    ]
    return _padded(spoken, duration_s)


def _runs(probabilities: SpeechProbabilities) -> list[tuple[int, int]]:
    """Windows [start, end) that count as speech, with hysteresis and short pauses closed."""
    runs: list[tuple[int, int]] = []
    start, quiet_since = None, None
    for window, probability in enumerate(probabilities.tolist()):
        if probability >= _ENTER:
            start, quiet_since = window if start is None else start, None
        elif start is not None and probability < _LEAVE:
            quiet_since = window if quiet_since is None else quiet_since
            if (window - quiet_since) * WINDOW_S >= _MIN_PAUSE_S:
                runs.append((start, quiet_since))
                start, quiet_since = None, None
    if start is not None:
        runs.append((start, quiet_since or len(probabilities)))
    return runs


def _padded(spoken: Sequence[tuple[float, float]], duration_s: float) -> list[tuple[float, float]]:
    regions: list[tuple[float, float]] = []
    for index, (start_s, end_s) in enumerate(spoken):
        after_s = spoken[index + 1][0] if index + 1 < len(spoken) else duration_s
        floor_s = regions[-1][1] if regions else 0.0
        begin_s = max(start_s - _PAD_S, floor_s)
        finish_s = min(end_s + _PAD_S, max(end_s, (end_s + after_s) / 2), duration_s)
        regions.append((round(begin_s, 3), round(finish_s, 3)))
    return regions


def quietest(probabilities: SpeechProbabilities) -> int:
    """Window where a cut hurts least: the middle of the half second with the least speech."""
    width = min(16, len(probabilities))
    smooth = np.convolve(probabilities, np.full(width, 1 / width, np.float32), mode="valid")
    return int(smooth.argmin()) + width // 2
