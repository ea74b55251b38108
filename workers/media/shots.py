"""Where one shot ends and the next begins, found by PySceneDetect as frames go by."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workers.media.still_cuts import StillDetector

if TYPE_CHECKING:
    from scenedetect import FrameTimecode

#: uint8 BGR, shape (height, width, 3); small, as detectors need no detail.
Frame = NDArray[np.uint8]

#: Times are kept in ticks of 90 kHz: fine enough for every frame rate, exact as integers.
TICKS = 90_000
#: Two cuts closer than this are one.
MIN_SHOT_S = 0.15
#: Black for at most this long joins the shots beside it; longer black is a shot of its own.
SHORT_BLACK_S = 2.0
#: Frames by which the adaptive detector reports late.
_LATE = 2
#: Below this rate neighbours differ so much that a rolling average hides every cut.
_SPARSE_FPS = 4.0


class ShotDetector:
    """Feeds frames to the detectors and merges what they say.

    The adaptive detector finds cuts and ignores camera motion; the one for stills finds what it
    takes for too little; the threshold detector knows when the picture is black, which rules
    over cuts into and out of it.
    """

    def __init__(self, fps: float | None) -> None:
        from scenedetect.detectors import AdaptiveDetector, ContentDetector

        if fps is not None and fps < _SPARSE_FPS:
            self._content = ContentDetector(min_scene_len=MIN_SHOT_S)
        else:
            self._content = AdaptiveDetector(min_scene_len=MIN_SHOT_S, window_width=_LATE)
        self._still = StillDetector(fps)
        self._black = _BlackDetector()
        self._recent: deque[float] = deque(maxlen=_LATE + 1)
        self._last_cut_s = 0.0

    @property
    def settled_s(self) -> float:
        """No cut before this time will be reported any more."""
        oldest_s = self._recent[0] if self._recent else 0.0
        return min(oldest_s, self._still.settled_s, self._black.settled_s)

    def add(self, time_s: float, frame: Frame) -> list[float]:
        """Look at the next frame.

        Returns:
            Starts of new shots in seconds, in order; usually none.
        """
        from scenedetect import FrameTimecode

        if not self._recent:
            self._last_cut_s = time_s
        self._recent.append(time_s)
        timecode = FrameTimecode(round(time_s * TICKS), fps=float(TICKS))
        cuts = self._black.add(timecode, frame)
        hard = [cut.seconds for cut in self._content.process_frame(timecode, frame)]
        hard += self._still.add(time_s, frame)
        cuts += [cut_s for cut_s in hard if not self._black.covers(cut_s)]
        return [cut_s for cut_s in sorted(cuts) if self._accept(cut_s)]

    def _accept(self, cut_s: float) -> bool:
        if cut_s - self._last_cut_s < MIN_SHOT_S:
            return False
        self._last_cut_s = cut_s
        return True


@dataclass
class _Black:
    """A stretch of black that the picture is in."""

    start_s: float
    #: The video began with it.
    is_leading: bool
    #: It became so long that it is a shot, and its start was reported.
    is_shot: bool = False


class _BlackDetector:
    """Makes cuts of black.

    A short black between two shots is one cut, in its middle; at the start or the end of the
    video it is none. A long black is a shot: one cut where it starts, one where it ends.
    """

    def __init__(self) -> None:
        from scenedetect.detectors import ThresholdDetector

        self._detector = ThresholdDetector(min_scene_len=0.0)
        self._black: _Black | None = None
        self._past = (-1.0, -1.0)
        self._n_frames = 0

    @property
    def settled_s(self) -> float:
        """No cut before this time will be reported any more."""
        return float("inf") if self._black is None or self._black.is_shot else self._black.start_s

    def add(self, timecode: "FrameTimecode", frame: Frame) -> list[float]:
        """Look at the next frame; cuts that it makes certain, in order."""
        middles = [cut.seconds for cut in self._detector.process_frame(timecode, frame)]
        is_black = self._detector.last_fade["type"] == "out"
        self._n_frames += 1
        if self._black is None:
            if is_black:
                self._black = _Black(timecode.seconds, is_leading=self._n_frames == 1)
            return []
        cuts = self._lengthen(self._black, timecode.seconds)
        return cuts if is_black else cuts + self._leave(self._black, timecode.seconds, middles)

    def _lengthen(self, black: _Black, now_s: float) -> list[float]:
        if black.is_shot or now_s - black.start_s <= SHORT_BLACK_S:
            return []
        black.is_shot = True
        return [] if black.is_leading else [black.start_s]

    def _leave(self, black: _Black, now_s: float, middles: list[float]) -> list[float]:
        self._black, self._past = None, (black.start_s, now_s)
        if black.is_shot:
            return [now_s]
        return [] if black.is_leading else middles

    def covers(self, cut_s: float) -> bool:
        """Whether a cut is into, out of or within the black at hand, which rules over it."""
        if self._black and cut_s >= self._black.start_s:
            return True
        start_s, end_s = self._past
        return start_s <= cut_s <= end_s
