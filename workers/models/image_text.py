"""Images and texts in one space: SigLIP, SigLIP 2 and CLIP.

Sources: Radford et al. 2021 (https://arxiv.org/abs/2103.00020), Zhai et al. 2023
(https://arxiv.org/abs/2303.15343), Tschannen et al. 2025 (https://arxiv.org/abs/2502.14786).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemas.stages import ModelRef
from workers.device import Device
from workers.models.inference import inference, to_embeddings
from workers.models.loading import checkpoint_folder, load_weights
from workers.models.pixels import PixelFormat, blank_image, image_processor
from workers.models.roles import Embeddings, ImageEncoder, Pixels
from workers.models.tokens import Tokenizer

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image


class ImageText(ImageEncoder):
    """Two towers of fixed resolution; SigLIP 2's NaFlex variant is another architecture."""

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import AutoModel

        super().__init__(ref, device)
        folder = checkpoint_folder(ref, "siglip", "clip")
        self._model = load_weights(AutoModel, folder, device)
        self._format = PixelFormat.of(image_processor(folder))
        self._tokenizer = Tokenizer(folder, self._model.config.text_config.max_position_embeddings)
        self._is_siglip = self._model.config.model_type == "siglip"

    def warm_up(self) -> None:
        self.embed_images([self.read_pixels(blank_image())])
        self.embed_texts(["a"])

    def read_pixels(self, source: "bytes | Image") -> Pixels:
        return self._format.read(source)

    def embed_images(self, images: Sequence[Pixels]) -> Embeddings:
        with inference():
            pixels = self._format.batch(images, self.device)
            return to_embeddings(self._model.get_image_features(pixels).pooler_output)

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        with inference():
            tokens = self._siglip_tokens(texts) if self._is_siglip else self._clip_tokens(texts)
            return to_embeddings(self._model.get_text_features(**tokens).pooler_output)

    def _clip_tokens(self, texts: Sequence[str]) -> "dict[str, torch.Tensor]":
        return self._tokenizer.batch(texts, self.device)

    def _siglip_tokens(self, texts: Sequence[str]) -> "dict[str, torch.Tensor]":
        """As it was trained: lower case, padded to the full length, padding attended to."""
        lower = [text.lower() for text in texts]
        tokens = self._tokenizer.batch(lower, self.device, padding="max_length")
        tokens.pop("attention_mask", None)
        return tokens
