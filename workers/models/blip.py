"""Captions without a prompt: BLIP and GIT.

Sources: Li et al. 2022 (https://arxiv.org/abs/2201.12086), Wang et al. 2022
(https://arxiv.org/abs/2205.14100).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

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

#: Longest caption; captions of the published checkpoints end far earlier.
MAX_TOKENS = 40


class Blip(Captioner):
    """BLIP and GIT checkpoints that caption. Parameter: `max_tokens`."""

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import AutoModelForImageTextToText

        super().__init__(ref, device)
        folder = checkpoint_folder(ref, "blip", "git")
        self._model = load_weights(AutoModelForImageTextToText, folder, device)
        self._format = PixelFormat.of(image_processor(folder))
        config = self._model.config
        # A caption that never ends must not run out of places; the first one is its start.
        n_places = getattr(config, "text_config", config).max_position_embeddings
        self._max_tokens = min(int(ref.parameters.get("max_tokens", MAX_TOKENS)), n_places - 1)
        self._tokenizer = Tokenizer(folder, self._max_tokens)
        # BLIP ends a caption with what separates sentences, whatever its defaults say.
        is_blip = config.model_type == "blip"
        self._ends = [config.text_config.sep_token_id] if is_blip else end_ids(self._model)

    def warm_up(self) -> None:
        self._caption([self.read_pixels(blank_image())], WARM_UP_TOKENS)

    def read_pixels(self, source: "bytes | Image") -> Pixels:
        return self._format.read(source)

    def caption(self, images: Sequence[Pixels]) -> list[CaptionText]:
        return self._caption(images, self._max_tokens)

    def _caption(self, images: Sequence[Pixels], max_tokens: int) -> list[CaptionText]:
        with inference():
            pixels = self._format.batch(images, self.device)
            said = decode_greedily(self._model, max_tokens, self._ends, pixel_values=pixels)
        return [CaptionText(self._tokenizer.decode(one.ids), one.confidence) for one in said]
