"""TrOCR (Li et al. 2021, https://arxiv.org/abs/2109.10282): reads one line at a time.

Lines come from RapidOCR's detector: TrOCR was trained on images of single lines.
"""

from collections.abc import Sequence

import numpy as np

from schemas.stages import ModelRef
from workers.device import Device
from workers.models.generation import WARM_UP_TOKENS, Decoded, decode_greedily, end_ids
from workers.models.inference import inference
from workers.models.line_finder import Image, LineFinder, decode_bgr
from workers.models.loading import checkpoint_folder, load_weights
from workers.models.pixels import PixelFormat, image_processor
from workers.models.rapidocr import to_text_lines
from workers.models.rapidocr_weights import open_sessions
from workers.models.roles import TextLine, TextReader
from workers.models.tokens import Tokenizer

#: Longest line in tokens; of the published checkpoints.
MAX_TOKENS = 64
#: Lines of one call.
_N_LINES = 16
#: Where the detector's weights are.
_DETECTOR = ModelRef(source="package:rapidocr", revision="", family="rapidocr")


class TrOcr(TextReader):
    """TrOCR checkpoints, printed and handwritten. Parameter: `max_tokens`."""

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import VisionEncoderDecoderModel

        super().__init__(ref, device)
        folder = checkpoint_folder(ref, "vision-encoder-decoder")
        self._model = load_weights(VisionEncoderDecoderModel, folder, device)
        self._format = PixelFormat.of(image_processor(folder))
        self._max_tokens = int(ref.parameters.get("max_tokens", MAX_TOKENS))
        self._tokenizer = Tokenizer(folder, self._max_tokens)
        self._finder = LineFinder(open_sessions(_DETECTOR, device.n_threads))

    def warm_up(self) -> None:
        self._read([np.full((32, 128, 3), 255, np.uint8)], WARM_UP_TOKENS)

    def decode(self, source: bytes) -> Image:
        """Decode to BGR."""
        return decode_bgr(source)

    def read_lines(self, image: Image) -> list[TextLine]:
        found = self._finder.find_lines(image)
        read: list[Decoded] = []
        # Lines of like width hold like many tokens: little is decoded for the longest's sake.
        order = sorted(range(len(found.crops)), key=lambda i: found.crops[i].shape[1])
        for first in range(0, len(order), _N_LINES):
            chosen = order[first : first + _N_LINES]
            read += self._read([found.crops[i] for i in chosen], self._max_tokens)
        texts = [("", 0.0)] * len(order)
        for i, one in zip(order, read, strict=True):
            texts[i] = self._tokenizer.decode(one.ids), one.confidence
        return to_text_lines(found, texts, image)

    def _read(self, crops: Sequence[Image], max_tokens: int) -> list[Decoded]:
        from PIL.Image import fromarray

        pixels = [self._format.read(fromarray(crop[:, :, ::-1].copy())) for crop in crops]
        with inference():
            said: list[Decoded] = decode_greedily(
                self._model,
                max_tokens,
                end_ids(self._model),
                pixel_values=self._format.batch(pixels, self.device),
            )
        return said
