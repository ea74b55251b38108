"""All sound of one file: every track cut into parts of its own, in one pass."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from infra.ffmpeg import Decoding, SidePipe, nut_options
from schemas.errors import Failure
from workers.media.audio_parts import AudioParts
from workers.media.damage import unread
from workers.media.media_file import MediaFile
from workers.media.nut import packets
from workers.media.speech import SAMPLING_RATE
from workers.media.tracks import AudioTrack
from workers.stage import ArtifactFile


class Soundtracks:
    """The tracks that are read, the default one first.

    Of further tracks only parts in which somebody speaks are kept: their music and noise is the
    first one's.
    """

    def __init__(self, media: MediaFile, tracks: Sequence[AudioTrack]) -> None:
        is_alone = len(tracks) == 1
        self.pipes = [SidePipe() for _ in tracks]
        self._tracks = tracks
        self._parts = [
            AudioParts(
                media.scratch,
                limit_s=media.limits.duration_s,
                track=None if is_alone else track.index,
                language=track.language,
            )
            for track in tracks
        ]

    def outputs(self, source: Any) -> list[Any]:
        """Decode each track to 16 kHz mono in a NUT stream of its own, which keeps its times.

        In one stream, a track that holds nothing would keep the others from beginning.
        """
        return [
            source[str(track.index)]
            .filter(
                "aformat", sample_fmts="s16", sample_rates=SAMPLING_RATE, channel_layouts="mono"
            )
            .output(pipe.url, **nut_options(acodec="pcm_s16le"))
            for track, pipe in zip(self._tracks, self.pipes, strict=True)
        ]

    @contextmanager
    def heard(self, run: Decoding) -> Iterator[None]:
        """Read all tracks on threads while the block runs; afterwards the parts are complete.

        Raises:
            MediaTooLarge: more seconds than the limit.
        """
        with ThreadPoolExecutor(max_workers=len(self._tracks) or 1) as listeners:
            calls = [
                listeners.submit(_listen, parts, pipe, run)
                for parts, pipe in zip(self._parts, self.pipes, strict=True)
            ]
            try:
                yield
            except BaseException:
                run.stop()  # with ffmpeg gone the listeners meet the pipes' ends
                raise
        for call in calls:
            call.result()

    @property
    def artifacts(self) -> list[ArtifactFile]:
        """Parts of all tracks, numbered through."""
        found: list[ArtifactFile] = []
        for parts in self._parts:
            is_first = not found
            found += [a for a in parts.artifacts if is_first or (a.audio and a.audio.speech)]
        return [replace(artifact, part=number) for number, artifact in enumerate(found)]

    @property
    def duration_s(self) -> float:
        """From media start to the end of the last sample."""
        return max((parts.duration_s for parts in self._parts), default=0.0)

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """Times without samples between others, of the default track."""
        return self._parts[0].gaps if self._parts else []

    @property
    def failures(self) -> list[Failure]:
        """Tracks that promised sound and gave none."""
        return [
            unread(f"audio stream {track.index} has 0 samples")
            for track, parts in zip(self._tracks, self._parts, strict=True)
            if not parts.artifacts
        ]

    @property
    def facts(self) -> dict[str, Any]:
        """What the record keeps of the default track; the list of streams has them all."""
        if not self._tracks:
            return {}
        track = self._tracks[0]
        return {
            "codec": track.codec,
            "sampling_rate": track.sampling_rate,
            "channels": track.n_channels,
        }


def _listen(parts: AudioParts, pipe: SidePipe, run: Decoding) -> None:
    with pipe.reader:
        try:
            for _, time_s, payload in packets(pipe.reader):
                parts.add(time_s, np.frombuffer(payload[: len(payload) & ~1], np.int16))
            parts.finish()
        except BaseException:
            # ffmpeg would wait for ever on a pipe that nobody reads, and so would the others.
            run.stop()
            raise
