"""What a probed file of sound or pictures holds, as far as it is read."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class VideoTrack:
    """A stream of pictures, as displayed: upright, with square pixels."""

    index: int
    width_px: int
    height_px: int
    #: Degrees counter-clockwise that a player turns the decoded picture.
    rotation: int
    #: The header's claim.
    fps: float | None
    #: Curve of high dynamic range, by ffmpeg's name: brighter than displays show.
    hdr: str | None = None


@dataclass(frozen=True, kw_only=True)
class AudioTrack:
    """A stream of sound."""

    index: int
    codec: str
    n_channels: int
    sampling_rate: int
    language: str | None = None


@dataclass(frozen=True, kw_only=True)
class SubtitleTrack:
    """A stream of timed text, or of pictures of it."""

    index: int
    language: str | None


@dataclass(frozen=True, kw_only=True)
class Streams:
    """A probed file. Times count from the container's own start."""

    container: str
    #: That start, on the container's clock.
    start_s: float = 0.0
    #: The header's claim; None when it makes none.
    duration_s: float | None
    video: VideoTrack | None
    #: All tracks of sound, the one that players choose first.
    sound: tuple[AudioTrack, ...]
    #: Those of text.
    subtitles: tuple[SubtitleTrack, ...]
    #: JSON values: all streams with what their headers say, chapters and tags.
    described: dict[str, Any]
    #: Subtitles that must be read by eye.
    bitmap_subtitles: tuple[SubtitleTrack, ...] = ()
    #: Sound alone whose edit list does no more than to say when it begins.
    is_shifted_sound: bool = False

    @property
    def audio(self) -> AudioTrack | None:
        """The track of sound that players choose."""
        return self.sound[0] if self.sound else None
