"""Reads stretches of an audio part without holding the part."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from schemas.errors import UnreadableMedia
from workers.models.roles import SAMPLING_RATE, Samples

#: Length of the moments whose loudness is compared.
_MOMENT_S = 0.1


class AudioSamples:
    """An open FLAC of 16 kHz mono; used by one thread, closed by its context."""

    def __init__(self, path: Path) -> None:
        import soundfile

        try:
            self._file = soundfile.SoundFile(path)
        except soundfile.LibsndfileError as exc:
            raise UnreadableMedia(f"audio artifact: {exc.error_string}") from exc

    def read(self, start_s: float, end_s: float) -> Samples:
        """Decode a stretch; shorter than asked for where the part ends.

        Raises:
            UnreadableMedia: the artifact is broken.
        """
        import soundfile

        first, stop = (
            min(round(second * SAMPLING_RATE), len(self._file)) for second in (start_s, end_s)
        )
        try:
            self._file.seek(first)
            samples: Samples = self._file.read(stop - first, dtype="float32")
        except soundfile.LibsndfileError as exc:
            raise UnreadableMedia(f"audio artifact: {exc.error_string}") from exc
        return samples

    def read_all(self, spans: Iterable[tuple[float, float]]) -> Samples:
        """Decode some stretches, one after the other."""
        return np.concatenate([self.read(start_s, end_s) for start_s, end_s in spans])

    def quietest_s(self, start_s: float, end_s: float) -> float:
        """The middle of the moment with the least energy in a stretch."""
        size = round(_MOMENT_S * SAMPLING_RATE)
        samples = self.read(start_s, end_s)
        n_moments = len(samples) // size
        if n_moments == 0:
            return end_s
        moments = samples[: n_moments * size].reshape(n_moments, size)
        quietest = int(np.square(moments).sum(1).argmin())
        return start_s + (quietest + 0.5) * _MOMENT_S

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()
