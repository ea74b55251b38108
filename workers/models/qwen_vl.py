"""Captions by a vision-language model that sees images at their own shape: Qwen2.5-VL, Qwen3-VL.

Sources: Bai et al. 2025 (https://arxiv.org/abs/2502.13923), Qwen team 2025
(https://arxiv.org/abs/2511.21631).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import UnsupportedMedia
from schemas.stages import ModelRef
from workers.device import Device
from workers.models.chat import MAX_TOKENS, PROMPT, ChatPrompt
from workers.models.generation import WARM_UP_TOKENS, decode_greedily, end_ids
from workers.models.inference import inference
from workers.models.loading import checkpoint_folder, load_weights
from workers.models.pixels import blank_image, decode_image, image_processor, normalise
from workers.models.roles import Captioner, CaptionText, Pixels

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

_IMAGE_TOKEN = "<|image_pad|>"  # noqa: S105
#: Most pixels that are looked at, as the model cards advise; checkpoints allow ten times as many.
MAX_PIXELS = 1280 * 28 * 28
#: How many times as long as wide an image may be; the library's own limit.
_MAX_RATIO = 200


@dataclass(frozen=True)
class Patches:
    """An image cut up as the model wants it."""

    #: uint8, shape (n_patches, 3 * n_frames * height * width of a patch).
    pixels: Pixels
    #: Frames, rows and columns of patches.
    grid: tuple[int, int, int]


class QwenVl(Captioner):
    """Qwen2.5-VL and Qwen3-VL checkpoints. Parameters: `prompt`, `max_tokens`, `max_pixels`."""

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import AutoModelForImageTextToText

        super().__init__(ref, device)
        folder = checkpoint_folder(ref, "qwen2_5_vl", "qwen3_vl")
        self._model = load_weights(AutoModelForImageTextToText, folder, device)
        self._processor = image_processor(folder)
        most = int(ref.parameters.get("max_pixels", MAX_PIXELS))
        own = self._processor.size
        self._size = {
            "shortest_edge": min(own["shortest_edge"], most),  # the library's word for a product
            "longest_edge": min(own["longest_edge"], most),
        }
        self._max_tokens = int(ref.parameters.get("max_tokens", MAX_TOKENS))
        self._prompt = ChatPrompt(folder, ref.parameters.get("prompt", PROMPT), _IMAGE_TOKEN)

    def warm_up(self) -> None:
        self._caption([self.read_pixels(blank_image())], WARM_UP_TOKENS)

    def read_pixels(self, source: "bytes | Image") -> Patches:
        image = decode_image(source)
        if max(image.size) > _MAX_RATIO * min(image.size):
            width_px, height_px = image.size
            raise UnsupportedMedia(
                f"image of {width_px} x {height_px} px: expected at most {_MAX_RATIO} times as"
                " long as wide"
            )
        patches = self._processor(
            image,
            size=self._size,
            do_rescale=False,  # bytes take a quarter of the memory; the rest is the device's work
            do_normalize=False,
        )
        n_frames, n_rows, n_columns = np.asarray(patches["image_grid_thw"])[0].tolist()
        pixels = np.asarray(patches["pixel_values"]).astype(np.uint8)
        return Patches(pixels, (n_frames, n_rows, n_columns))

    def caption(self, images: Sequence[Patches]) -> list[CaptionText]:
        return self._caption(images, self._max_tokens)

    def _caption(self, images: Sequence[Patches], max_tokens: int) -> list[CaptionText]:
        with inference():
            said = decode_greedily(
                self._model,
                max_tokens,
                end_ids(self._model),
                **self._batch(images),
            )
        return [CaptionText(self._prompt.decode(one.ids), one.confidence) for one in said]

    def _batch(self, images: Sequence[Patches]) -> dict[str, Any]:
        import torch

        merged = self._processor.merge_size**2  # patches behind one image token
        markers = [_IMAGE_TOKEN * (len(image.pixels) // merged) for image in images]
        inputs = self._prompt.batch(markers, self.device)
        is_image = inputs["input_ids"] == self._model.config.image_token_id
        return {
            **inputs,
            "mm_token_type_ids": is_image.long(),
            "pixel_values": self._patches(images),
            "image_grid_thw": torch.tensor([image.grid for image in images]).to(self.device.name),
        }

    def _patches(self, images: Sequence[Patches]) -> "torch.Tensor":
        """Patches of all images, normalised; shape (n_patches, patch_dim)."""
        import torch

        pixels = torch.from_numpy(np.concatenate([image.pixels for image in images]))
        channels = pixels.to(self.device.name).view(len(pixels), 3, -1).mT  # (n_patches, ..., 3)
        normal = normalise(channels, self._processor.image_mean, self._processor.image_std)
        patches: torch.Tensor = normal.mT.flatten(1).to(self.device.dtype)
        return patches
