"""Cuts between pictures that stand still: slides of a talk, where little but the text changes."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

#: The picture stands still for so long before and after a cut.
_CALM_S = 0.4
#: Mean steps of grey levels (0 to 255) from frame to frame: at least the first in the cut, and
#: at most the second, and a small share of the cut, around it.
_LEAST_STEP, _CALM_STEP, _CALM_SHARE = 2.0, 0.8, 0.2
#: Frames on either side that are looked at.
_FEWEST, _MOST = 2, 25
_USUAL_FPS = 25.0


class StillDetector:
    """Finds single steps between stretches without motion.

    Detectors for films compare colours and ask for more change than one slide of black text on
    white makes to the next.
    """

    def __init__(self, fps: float | None) -> None:
        self._width = min(_MOST, max(_FEWEST, round(_CALM_S * (fps or _USUAL_FPS))))
        self._steps: deque[tuple[float, float]] = deque(maxlen=2 * self._width + 1)
        self._before: NDArray[np.int16] | None = None

    @property
    def settled_s(self) -> float:
        """No cut before this time will be reported any more."""
        return self._steps[0][0] if self._steps else 0.0

    def add(self, time_s: float, frame: NDArray[np.uint8]) -> list[float]:
        """Look at the next frame, uint8 BGR, shape (height, width, 3); cuts, usually none."""
        grey = frame[:, :, 1].astype(np.int16)  # green carries most of the light
        before, self._before = self._before, grey
        step = 0.0 if before is None else float(np.abs(grey - before).mean())
        self._steps.append((time_s, step))
        if len(self._steps) < 2 * self._width + 1:
            return []
        steps = [step for _, step in self._steps]
        cut = steps.pop(self._width)
        is_calm = max(steps) <= min(_CALM_STEP, _CALM_SHARE * cut)
        return [self._steps[self._width][0]] if cut >= _LEAST_STEP and is_calm else []
