"""PP-OCR (Cui et al. 2025, https://arxiv.org/abs/2507.05595) through RapidOCR on onnxruntime."""

import re

from schemas.stages import ModelRef
from workers.device import Device
from workers.media.reading_order import reading_order
from workers.models.line_finder import (
    FoundLines,
    Image,
    LineFinder,
    decode_bgr,
    turn_back,
)
from workers.models.rapidocr_weights import RIGHT_TO_LEFT, language_of, open_sessions
from workers.models.roles import TextLine, TextReader

#: Lines less certain than this are noise; the engine's own threshold.
_MIN_CONFIDENCE = 0.5
#: What keeps running from left to right inside a line that runs from right to left.
_LEFT_TO_RIGHT_RUN = re.compile(r"[a-zA-Z0-9 :*./%+-]+|.", re.DOTALL)


class RapidOcr(TextReader):
    """Finds lines, turns pages that lie on their side or head, and reads them."""

    def __init__(self, ref: ModelRef, device: Device) -> None:
        super().__init__(ref, device)
        self._finder = LineFinder(open_sessions(ref, device.n_threads))
        self._right_to_left = language_of(ref) in RIGHT_TO_LEFT

    def decode(self, source: bytes) -> Image:
        """Decode to BGR."""
        return decode_bgr(source)

    def read_lines(self, image: Image) -> list[TextLine]:
        found = self._finder.find_lines(image)
        texts = [(text.strip(), score) for text, score in self._finder.recognize(found.crops)]
        if self._right_to_left:
            texts = [(to_logical_order(text), score) for text, score in texts]
        lines = to_text_lines(found, texts, image, right_to_left=self._right_to_left)
        return [line for line in lines if line.confidence >= _MIN_CONFIDENCE]


def to_text_lines(
    found: FoundLines,
    texts: list[tuple[str, float]],
    image: Image,
    *,
    right_to_left: bool = False,
) -> list[TextLine]:
    """What was read in each line, in reading order and with boxes on the page as it came.

    Args:
        found: lines of the page.
        texts: text and confidence of each; lines without text are left out.
        image: the page before it was turned.
        right_to_left: whether columns and rows start at the right.
    """
    lines = zip(found.straight, found.boxes, texts, strict=True)
    rows = [(straight, box, *read) for straight, box, read in lines if read[0]]
    height_px, width_px = image.shape[:2] if found.n_turns % 2 == 0 else image.shape[1::-1]
    order = reading_order(
        [straight for straight, *_ in rows],
        aspect=width_px / height_px,
        right_to_left=right_to_left,
    )
    return [
        TextLine(turn_back(box, found.n_turns), text, confidence)
        for _, box, text, confidence in (rows[i] for i in order)
    ]


def to_logical_order(text: str) -> str:
    """Turn a line of Arabic from the order on paper into the order of reading.

    The recogniser reads paper from left to right; PaddleOCR's `pred_reverse` does the same.
    """
    return "".join(reversed(_LEFT_TO_RIGHT_RUN.findall(text)))
