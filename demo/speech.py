"""Speech by espeak-ng's library, with the time of every word. Only making data needs it."""

import ctypes
import ctypes.util
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from demo.sounds import SAMPLING_RATE, Samples, resample

_SYNCHRONOUS = 2  # samples go to the callback before espeak_Synth returns
_RATE, _VOLUME, _PITCH = 1, 2, 3
_WORD, _LIST_END = 1, 0
_UTF8 = 1

#: American, British and Scottish.
ACCENTS = ("en-us", "en", "en-gb-scotland")
TRAINED_VARIANTS = (
    "m1",
    "m2",
    "m3",
    "m4",
    "m6",
    "m7",
    "f1",
    "f2",
    "f3",
    "f5",
    "Alex",
    "Annie",
    "Andy",
    "linda",
)
#: Never trained on: they measure.
HELD_OUT_VARIANTS = ("m5", "f4")
#: Words a minute; the held-out speeds lie in a gap between the trained ones.
TRAINED_WPM = (*range(120, 150), *range(161, 201))
HELD_OUT_WPM = tuple(range(151, 160))


@dataclass(frozen=True)
class Voice:
    """How something is said: an espeak-ng voice, words a minute, pitch of 0 to 99."""

    name: str = "en-us+f2"
    words_per_minute: int = 140
    pitch: int = 50


@dataclass(frozen=True)
class SpokenWord:
    """A word and when it is said, in seconds from the start of the speech."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Speech:
    """Samples at 16 kHz and their words."""

    samples: Samples
    words: tuple[SpokenWord, ...]

    def words_from(self, start_s: float) -> tuple[SpokenWord, ...]:
        """The words of this speech when it starts at some time of a longer recording."""
        return tuple(
            SpokenWord(w.text, round(start_s + w.start_s, 3), round(start_s + w.end_s, 3))
            for w in self.words
        )


def random_voice(rng: np.random.Generator, *, held_out: bool = False) -> Voice:
    """Choose a voice and speed, from those to train on or from those kept to measure."""
    variants = HELD_OUT_VARIANTS if held_out else TRAINED_VARIANTS
    speeds = HELD_OUT_WPM if held_out else TRAINED_WPM
    name = f"{rng.choice(ACCENTS)}+{rng.choice(variants)}"
    return Voice(name, int(rng.choice(speeds)), int(rng.integers(30, 71)))


def speak(text: str, voice: Voice) -> Speech:
    """Say words of the demo world.

    Raises:
        OSError: the espeak-ng library is not installed.
        ValueError: espeak-ng has no such voice.
    """
    engine = _engine()
    if engine.library.espeak_SetVoiceByName(voice.name.encode()) != 0:
        raise ValueError(f"{voice.name}: espeak-ng has no such voice")
    engine.library.espeak_SetParameter(_RATE, voice.words_per_minute, 0)
    engine.library.espeak_SetParameter(_PITCH, voice.pitch, 0)
    engine.pieces.clear()
    engine.starts.clear()
    encoded = text.encode() + b"\0"
    engine.library.espeak_Synth(encoded, len(encoded), 0, 1, 0, _UTF8, None, None)
    raw = np.concatenate(engine.pieces).astype(np.float32) / np.float32(32768)
    samples = resample(raw, engine.sampling_rate, SAMPLING_RATE)
    return Speech(samples, _words(text, dict(engine.starts), samples))


def _words(text: str, starts: dict[int, float], samples: Samples) -> tuple[SpokenWord, ...]:
    """Pair words with espeak's events, which count characters from 1.

    Words that espeak runs together ("of the") share one event; they share its time by length.
    """
    loud = np.flatnonzero(np.abs(samples) > 0.01)  # noqa: PLR2004 - above espeak's own hiss
    end_s = float(loud[-1] + 1) / SAMPLING_RATE
    at, known = 0, []
    for word in text.split():
        at = text.index(word, at)
        known.append((at, word))
        at += len(word)
    anchors = [*sorted((p - 1, s) for p, s in starts.items()), (len(text) + 1, end_s)]
    places, times = zip(*anchors, strict=True)
    edges = np.interp([*(p for p, _ in known), len(text) + 1], places, times)
    return tuple(
        SpokenWord(word, round(float(start), 3), round(float(end), 3))
        for (_, word), start, end in zip(known, edges[:-1], edges[1:], strict=True)
    )


class _Event(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Engine:
    """The library, which has one voice and one callback for the whole process."""

    def __init__(self) -> None:
        self.library: Any = ctypes.CDLL(
            ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1"
        )
        self.sampling_rate: int = self.library.espeak_Initialize(_SYNCHRONOUS, 0, None, 0)
        self.pieces: list[Any] = []
        self.starts: list[tuple[int, float]] = []
        self._callback = _CALLBACK(self._receive)  # kept: the library only borrows it
        self.library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples: Any, n_samples: int, events: Any) -> int:
        if n_samples:
            self.pieces.append(np.ctypeslib.as_array(samples, (n_samples,)).copy())
        index = 0
        while events[index].type != _LIST_END:
            if events[index].type == _WORD:
                event = events[index]
                self.starts.append((event.text_position, event.audio_position_ms / 1000))
            index += 1
        return 0


@cache
def _engine() -> _Engine:
    return _Engine()
