"""Follows pictures as they go by: where shots begin, and which frames stand for them."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infra.settings import MediaLimits
from schemas.errors import MediaTooLarge
from workers.media.frames import Candidate, FrameWriter
from workers.media.image_tar import encode_jpeg
from workers.media.shots import Frame, ShotDetector
from workers.stage import ArtifactFile

#: Long edge of the frames that the shot detectors see.
DETECT_EDGE_PX = 256
#: Candidates for keyframes come at most this often.
CANDIDATE_EVERY_S = 0.5
#: Frames remembered so that a late cut finds the first picture of its shot.
_N_RECENT = 8


@dataclass(frozen=True)
class _Seen:
    time_s: float
    frame: Frame


class MovingPictures:
    """The pictures of one video or animation; memory does not grow with their number.

    Call `see` for every frame in time order, `keep` for those that may become keyframes (after
    `see` of the same picture), then `close` once.
    """

    def __init__(self, scratch: Path, fps: float | None, limits: MediaLimits) -> None:
        self._writer = FrameWriter(scratch)
        self._limits = limits
        self._detector = ShotDetector(fps)
        self._recent: deque[_Seen] = deque(maxlen=_N_RECENT)
        #: First picture of the open shot: serves where a shot is too short for a candidate.
        self._stand_in: _Seen | None = None
        self.n_frames = 0
        self.first_s = 0.0
        self.last_s = 0.0

    @property
    def fps(self) -> float | None:
        """Frames per second as seen; the mean where the rate varies."""
        shown_s = self.last_s - self.first_s
        return (self.n_frames - 1) / shown_s if shown_s > 0 else None

    @property
    def shot_facts(self) -> dict[str, object]:
        """What the record keeps of the shots; complete after `close`."""
        return {"shots": self._writer.shots, "n_shots": self._writer.n_shots}

    def see(self, time_s: float, frame: Frame) -> None:
        """Look at the next frame.

        Args:
            time_s: when it is shown; never earlier than the one before.
            frame: small; all of one size.

        Raises:
            MediaTooLarge: more seconds or frames than the limits.
        """
        self._check(time_s)
        seen = _Seen(time_s, frame)
        if self.n_frames == 0:
            self.first_s, self._stand_in = time_s, seen
            self._writer.start(time_s)
        self.n_frames += 1
        self.last_s = time_s
        self._recent.append(seen)
        for cut_s in self._detector.add(time_s, frame):
            assert self._stand_in
            self._writer.cut(cut_s, _candidate(self._stand_in))
            later = (s for s in self._recent if s.time_s >= cut_s)
            self._stand_in = next(later, seen)
        self._writer.settle(self._detector.settled_s)

    def _check(self, time_s: float) -> None:
        if time_s > self._limits.duration_s:
            limit_s = self._limits.duration_s
            raise MediaTooLarge(f"more than {limit_s:g} s of video, which is the limit")
        if self.n_frames == self._limits.n_frames:
            raise MediaTooLarge(f"more than {self.n_frames} frames, which is the limit")

    def keep(self, time_s: float, jpeg: bytes, size_px: tuple[int, int]) -> None:
        """Take the picture seen last, at reading size, as one that may stand for its shot."""
        if self._recent:
            grey = self._recent[-1].frame[:, :, 1]
            self._writer.add(Candidate(time_s, jpeg, *size_px, grey))

    def close(self, end_s: float) -> list[ArtifactFile]:
        """End the last shot at this time; every artifact. Without a frame there is none."""
        if self._stand_in is None:
            return []
        return self._writer.close(end_s, _candidate(self._stand_in))

    def release(self) -> None:
        """Close all files, whatever became of the pictures; safe to repeat."""
        self._writer.release()


def _candidate(seen: _Seen) -> Candidate:
    from PIL import Image

    jpeg = encode_jpeg(Image.fromarray(np.ascontiguousarray(seen.frame[:, :, ::-1])))
    height, width = seen.frame.shape[:2]
    return Candidate(seen.time_s, jpeg, width, height, seen.frame[:, :, 1])
