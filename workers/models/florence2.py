"""Captions by task: Florence-2 (Xiao et al. 2023, https://arxiv.org/abs/2311.06242)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemas.errors import ConfigurationError
from schemas.stages import ModelRef
from workers.device import Device
from workers.models.generation import WARM_UP_TOKENS, decode_greedily, end_ids
from workers.models.inference import inference
from workers.models.loading import checkpoint_folder, load_weights
from workers.models.pixels import PixelFormat, blank_image, image_processor
from workers.models.roles import Captioner, CaptionText, Pixels
from workers.models.tokens import Tokenizer

if TYPE_CHECKING:
    from PIL.Image import Image

#: The tasks that describe a whole image, and the sentence that each stands for in training.
TASKS = {
    "<CAPTION>": "What does the image describe?",
    "<DETAILED_CAPTION>": "Describe in detail what is shown in the image.",
    "<MORE_DETAILED_CAPTION>": "Describe with a paragraph what is shown in the image.",
}
#: Enough for the longest task.
MAX_TOKENS = 256


class Florence2(Captioner):
    """Florence-2 checkpoints of the library's own class.

    Parameters: `prompt`, one of the tasks; `max_tokens`.
    """

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import AutoModelForImageTextToText

        super().__init__(ref, device)
        task = ref.parameters.get("prompt", "<DETAILED_CAPTION>")
        if task not in TASKS:
            raise ConfigurationError(f"{ref.source}: prompt {task}: expected {', '.join(TASKS)}")
        folder = checkpoint_folder(ref, "florence2")
        self._model = load_weights(AutoModelForImageTextToText, folder, device)
        processor = image_processor(folder)
        self._format = PixelFormat.of(processor)
        self._max_tokens = int(ref.parameters.get("max_tokens", MAX_TOKENS))
        self._tokenizer = Tokenizer(folder, self._model.config.text_config.max_position_embeddings)
        # One marker per vector of the image, then the question with its own start and end.
        markers = [self._model.config.image_token_id] * processor.image_seq_length
        self._prompt = markers + self._tokenizer.encode(TASKS[task])

    def warm_up(self) -> None:
        self._caption([self.read_pixels(blank_image())], WARM_UP_TOKENS)

    def read_pixels(self, source: "bytes | Image") -> Pixels:
        return self._format.read(source)

    def caption(self, images: Sequence[Pixels]) -> list[CaptionText]:
        return self._caption(images, self._max_tokens)

    def _caption(self, images: Sequence[Pixels], max_tokens: int) -> list[CaptionText]:
        with inference():
            said = decode_greedily(
                self._model,
                max_tokens,
                end_ids(self._model),
                pixel_values=self._format.batch(images, self.device),
                **self._tokenizer.pad([self._prompt] * len(images), self.device),
            )
        return [CaptionText(self._tokenizer.decode(one.ids), one.confidence) for one in said]
