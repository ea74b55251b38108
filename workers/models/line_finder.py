"""Finding lines of text with PP-OCR (Cui et al. 2025, https://arxiv.org/abs/2507.05595).

RapidOCR's engine on onnxruntime sessions of ours. Readers that know lines only use it as well.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.errors import UnreadableMedia
from schemas.segment import Box

#: uint8 BGR, shape (height, width, 3).
Image = NDArray[np.uint8]

#: Lines whose direction is asked for to know which way up the page is.
_N_VOTES = 9
#: Width over height of what the classifier was trained on; it squeezes longer lines.
_VOTE_ASPECT = 4
#: Most that the long side is longer than the short one where lines are looked for.
_MAX_ASPECT = 4
#: Lines are looked for on pages of this size: small ones are enlarged until the short side has
#: the first, but no page beyond a long side of the second. 1280 finds what 1600 did on receipts
#: and scans, for two thirds of the work.
_MIN_SIDE_PX, _MAX_SIDE_PX = 736, 1280
#: What the engine leaves around the ink beside and above a line, in line heights: measured on
#: rendered text of 14 to 60 pixels. Without it, boxes of neighbouring columns and lines touch.
_MARGIN = (0.15, 0.17)
#: Length over height from which a line says how far the page is turned.
_TELLING_ASPECT = 5
#: Height that the recogniser takes.
_LINE_PX = 48
#: Lines are narrowed by this much on their way to the recogniser, whose work grows with width.
#: Errors and word recall on receipts and scans are no worse than without (docs/models.md); at
#: 0.75 they begin to be.
_NARROWING = 0.85


@dataclass(frozen=True)
class FoundLines:
    """Lines on one turn of the page."""

    #: BGR, text running from left to right.
    crops: Sequence[Image]
    #: On the turned page.
    boxes: Sequence[Box]
    #: The same as if the page lay straight, for the order of reading; some may leave the page.
    straight: Sequence[Box]
    #: Quarter turns to the left that made the page upright.
    n_turns: int = 0


@dataclass(frozen=True)
class _Detected:
    lines: FoundLines
    #: Sum over the lines of width - height in pixels.
    uprightness_px: float


class LineFinder:
    """Finds lines, and turns pages that lie on their side or head; one page per thread."""

    def __init__(self, sessions: Mapping[str, Any]) -> None:
        """Take onnxruntime sessions for `Det`, `Cls` and `Rec`."""
        self._sessions = sessions
        # The engine keeps the image at hand in itself: each thread needs one of its own.
        self._own = threading.local()

    @property
    def _engine(self) -> Any:
        if not hasattr(self._own, "engine"):
            self._own.engine = _make_engine(self._sessions)
        return self._own.engine

    def find_lines(self, image: Image) -> FoundLines:
        """The lines of a page, on the page as it is meant to be read."""
        found, n_turns = self._detect(image), 0
        if found.uprightness_px < 0:
            found, n_turns = self._detect(np.rot90(image)), 1
        if self._stand_on_head(found.lines.crops):
            n_turns += 2
            found = self._detect(np.rot90(image, n_turns))
        return replace(found.lines, n_turns=n_turns)

    def recognize(self, crops: Sequence[Image]) -> list[tuple[str, float]]:
        """Text and certainty of each line, by RapidOCR's own recogniser.

        One line a call: on a CPU, padding lines to a common width costs more than it saves.
        """
        if not crops:
            return []
        read = self._engine.recognize_txt([_narrowed(crop) for crop in crops])
        scores = (min(float(score), 1.0) for score in read.scores)
        return list(zip(read.txts, scores, strict=True))

    def _detect(self, image: Image) -> _Detected:
        from rapidocr.main import RapidOCRError

        engine, padded = self._engine, _padded(image)
        scaled, record = engine.preprocess_img(padded)
        _set_side(engine.text_det, scaled.shape[0], scaled.shape[1])
        try:
            crops, found = engine.detect_and_crop(scaled, record)
        except RapidOCRError:  # how the engine says that there is no text
            return _Detected(FoundLines([], [], []), 0.0)
        corners = found.boxes - (0, record["padding_1"]["top"])  # (n_lines, 4, 2)
        sides = corners.max(1) - corners.min(1)  # (n_lines, 2)
        uprightness = float((sides[:, 0] - sides[:, 1]).sum())
        size = np.multiply(scaled.shape, image.shape) / padded.shape  # height, width, 1
        straight = [_around_ink(c, size) for c in _straightened(corners)]
        boxes = [_clipped(_around_ink(c, size)) for c in corners]
        return _Detected(FoundLines(crops, boxes, straight), uprightness)

    def _stand_on_head(self, crops: Sequence[Image]) -> bool:
        """Ask the engine's classifier about the starts of some lines; pages are of one mind.

        It takes some scripts for others upside down, so its yes must read better as well.
        """
        longest = sorted(crops, key=lambda crop: -crop.shape[1])[:_N_VOTES]
        if not longest:
            return False
        starts = [crop[:, : crop.shape[0] * _VOTE_ASPECT] for crop in longest]
        _, votes = self._engine.cls_and_rotate(starts)
        if sum(score if label == "180" else -score for label, score in votes.cls_res) <= 0:
            return False
        turned = self.recognize([np.rot90(start, 2) for start in starts])
        plain = self.recognize(starts)
        return sum(score for _, score in turned) > sum(score for _, score in plain)


def turn_back(box: Box, n_turns: int) -> Box:
    """Where a box of the page is once the page's quarter turns to the left are undone."""
    for _ in range(n_turns):
        box = Box(1 - box.y1, box.x0, 1 - box.y0, box.x1)
    return box


def decode_bgr(source: bytes) -> Image:
    """Decode an encoded image.

    Raises:
        UnreadableMedia: the bytes are no image.
    """
    import cv2

    image = cv2.imdecode(np.frombuffer(source, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise UnreadableMedia(f"image artifact: {len(source)} bytes that are no image")
    return np.asarray(image, np.uint8)


def _make_engine(sessions: Mapping[str, Any]) -> Any:
    from omegaconf import flag_override
    from rapidocr import RapidOCR

    engine: Any = RapidOCR(
        params={
            "Global.log_level": "critical",
            "Rec.rec_batch_num": 1,
            "Rec.rec_img_shape": [3, _LINE_PX, _LINE_PX],
        }
    )
    # Without sessions of ours the engine would download weights that it does not find.
    with flag_override(engine.cfg, "allow_objects", values=True):
        for part, session in sessions.items():
            engine.cfg[part].session = session
    engine._load_det_model()  # noqa: SLF001 - its size is set for each page
    return engine


def _set_side(detector: Any, height_px: int, width_px: int) -> None:
    """Tell the detector how far to enlarge or shrink a page."""
    short_px, long_px = sorted((height_px, width_px))
    if long_px > _MAX_SIDE_PX:
        detector.limit_type, detector.limit_side_len = "max", _MAX_SIDE_PX
    else:
        reachable_px = round(short_px * _MAX_SIDE_PX / long_px)
        detector.limit_type = "min"
        detector.limit_side_len = min(_MIN_SIDE_PX, reachable_px)


def _narrowed(crop: Image) -> Image:
    """A line at the recogniser's height, narrower than it would be to scale."""
    import cv2

    height_px, width_px = crop.shape[:2]
    wanted_px = max(1, round(width_px * _LINE_PX / height_px * _NARROWING))
    return np.asarray(cv2.resize(crop, (wanted_px, _LINE_PX)), np.uint8)


def _padded(image: Image) -> Image:
    """Widen a strip at its right or lower edge.

    The engine scales the short side up, which makes a monster of a long strip.
    """
    import cv2

    height_px, width_px = image.shape[:2]
    least_px = max(height_px, width_px) // _MAX_ASPECT
    below_px, beside_px = max(0, least_px - height_px), max(0, least_px - width_px)
    colour = image.mean(axis=(0, 1)).tolist()
    return np.asarray(
        cv2.copyMakeBorder(image, 0, below_px, 0, beside_px, cv2.BORDER_CONSTANT, value=colour),
        np.uint8,
    )


def _straightened(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn lines so that most of them run level.

    Args:
        corners: in pixels, from the upper left one clockwise, shape (n_lines, 4, 2).
    """
    along, down = corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]  # (n_lines, 2)
    is_long = np.linalg.norm(along, axis=1) > _TELLING_ASPECT * np.linalg.norm(down, axis=1)
    if not is_long.any():
        return corners
    angle = float(np.median(np.arctan2(along[is_long, 1], along[is_long, 0])))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = corners.mean((0, 1))
    return np.asarray((corners - centre) @ turn + centre, np.float32)


def _around_ink(corners: NDArray[np.float32], size: NDArray[np.float64]) -> Box:
    """The upright rectangle around a line's ink as fractions of the page, from its corners."""
    low, high = corners.min(0), corners.max(0)
    margin = np.multiply(_MARGIN, (high - low).min())
    low, high = (low + margin) / size[1::-1], (high - margin) / size[1::-1]
    return Box(*map(float, (*low, *high)))


def _clipped(box: Box) -> Box:
    return Box(*(min(max(edge, 0.0), 1.0) for edge in box))
