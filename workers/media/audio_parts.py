"""Cuts sound into FLAC parts of 16 kHz mono that end where nobody speaks."""

from pathlib import Path

import numpy as np

from schemas.asset import ArtifactKind, AudioPart
from schemas.errors import MediaTooLarge
from workers.media.media_file import PART_S
from workers.media.speech import (
    SAMPLING_RATE,
    WINDOW,
    Pcm,
    SpeechDetector,
    quietest,
    speech_regions,
)
from workers.stage import ArtifactFile

#: A part that must be cut is cut within its last quarter.
_CUT_FROM = 0.75
#: Samples judged at once: about 16 s, a whole number of windows.
_BLOCK = 512 * WINDOW
#: Rounding of timestamps stays below the first. A gap up to the second becomes silence; after
#: a longer one a new part begins.
_JITTER_S, _LONGEST_SILENCE_S = 0.1, 10.0


class AudioParts:
    """Cuts a stream of samples into parts; holds one part of at most 19 MB in memory.

    Args:
        scratch: where parts are written.
        limit_s: seconds beyond which sound is refused.
        part_s: longest part.
        track: stream that the parts are of, where the file has several.
        language: of the track, as the container claims.
    """

    def __init__(
        self,
        scratch: Path,
        *,
        limit_s: float,
        part_s: float = PART_S,
        track: int | None = None,
        language: str | None = None,
    ) -> None:
        self._scratch = scratch
        self._track, self._language = track, language
        self._limit_s = limit_s
        self._part_windows = int(part_s * SAMPLING_RATE) // WINDOW
        self._detector = SpeechDetector()
        #: Position in the media of the open part's first sample.
        self._start = 0
        self._pcm: Pcm = np.empty(0, np.int16)
        self._probabilities = np.empty(0, np.float32)
        #: Samples that follow `_pcm` and are not judged yet.
        self._fresh: list[Pcm] = []
        self._n_fresh = 0
        self.artifacts: list[ArtifactFile] = []
        #: Times without samples between others.
        self.gaps: list[tuple[float, float]] = []

    @property
    def _end(self) -> int:
        return self._start + len(self._pcm) + self._n_fresh

    @property
    def duration_s(self) -> float:
        """From media start to the end of what was added so far."""
        return self._end / SAMPLING_RATE

    def add(self, time_s: float, pcm: Pcm) -> None:
        """Add samples that are heard at a time of the media.

        Raises:
            MediaTooLarge: they end behind the limit.
        """
        gap_s = time_s - self.duration_s
        if time_s + len(pcm) / SAMPLING_RATE > self._limit_s:
            raise MediaTooLarge(f"more than {self._limit_s:g} s of audio, which is the limit")
        if gap_s > _JITTER_S and self._end:
            self.gaps.append((self.duration_s, time_s))
        if gap_s > _LONGEST_SILENCE_S or self._end == 0:
            self.finish()
            self._start = max(0, round(time_s * SAMPLING_RATE))
        elif gap_s > _JITTER_S:
            self._append(np.zeros(round(gap_s * SAMPLING_RATE), np.int16))
        self._append(pcm)
        if self._n_fresh >= _BLOCK:
            self._judge(self._n_fresh // WINDOW * WINDOW)

    def finish(self) -> None:
        """Write what is left; a last part may end anywhere."""
        self._judge(self._n_fresh)
        self._write(len(self._pcm))

    def _append(self, pcm: Pcm) -> None:
        self._fresh.append(pcm)
        self._n_fresh += len(pcm)

    def _judge(self, n_samples: int) -> None:
        """Look for speech in the next samples, and cut the part when it is full."""
        if n_samples == 0:
            return
        fresh = np.concatenate(self._fresh)
        self._pcm = np.concatenate([self._pcm, fresh[:n_samples]])
        self._fresh, self._n_fresh = [fresh[n_samples:]], len(fresh) - n_samples
        found = self._detector.probabilities(fresh[:n_samples])
        self._probabilities = np.concatenate([self._probabilities, found])
        while len(self._pcm) > self._part_windows * WINDOW:
            first = int(self._part_windows * _CUT_FROM)
            cut = first + quietest(self._probabilities[first : self._part_windows])
            self._write(cut * WINDOW)

    def _write(self, n_samples: int) -> None:
        """Make the first samples a part; `n_samples` is whole windows or all that is left."""
        import soundfile

        if n_samples == 0:
            return
        number, n_windows = len(self.artifacts), -(-n_samples // WINDOW)
        prefix = "audio" if self._track is None else f"audio-{self._track}"
        path = self._scratch / f"{prefix}-{number}.flac"
        soundfile.write(path, self._pcm[:n_samples], SAMPLING_RATE, format="FLAC")
        duration_s = n_samples / SAMPLING_RATE
        part = AudioPart(
            start_s=self._start / SAMPLING_RATE,
            duration_s=duration_s,
            speech=speech_regions(self._probabilities[:n_windows], duration_s),
            track=self._track,
            language=self._language,
        )
        self.artifacts.append(
            ArtifactFile(kind=ArtifactKind.AUDIO, part=number, path=path, audio=part)
        )
        self._start += n_samples
        self._pcm = self._pcm[n_samples:].copy()
        self._probabilities = self._probabilities[n_windows:].copy()
