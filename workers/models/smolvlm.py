"""Captions by a small vision-language model: SmolVLM and Idefics3.

Sources: Marafioti et al. 2025 (https://arxiv.org/abs/2504.05299), Laurençon et al. 2024
(https://arxiv.org/abs/2408.12637).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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

#: Marks of the vocabulary: a vector of an image, the edge of a tile, the tile of the whole.
_IMAGE_TOKEN, _AROUND, _WHOLE = "<image>", "<fake_token_around_image>", "<global-img>"


@dataclass(frozen=True)
class Tiles:
    """A large image in pieces, and the whole of it small; or the whole only."""

    #: uint8, shape (n_tiles, height, width, 3).
    pixels: Pixels
    n_rows: int
    n_columns: int


class SmolVlm(Captioner):
    """SmolVLM, SmolVLM2 and Idefics3 checkpoints.

    Parameters: `prompt`; `max_tokens`; `split`, false to look at the whole image only, which
    takes a fraction of the time and misses what is small.
    """

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import AutoModelForImageTextToText

        super().__init__(ref, device)
        folder = checkpoint_folder(ref, "smolvlm", "idefics3")
        self._model = load_weights(AutoModelForImageTextToText, folder, device)
        self._processor = image_processor(folder)
        self._is_split = bool(ref.parameters.get("split", self._processor.do_image_splitting))
        self._max_tokens = int(ref.parameters.get("max_tokens", MAX_TOKENS))
        self._prompt = ChatPrompt(folder, ref.parameters.get("prompt", PROMPT), _IMAGE_TOKEN)
        config = self._model.config
        edge = config.vision_config.image_size // config.vision_config.patch_size
        self._tokens_per_tile = edge**2 // config.scale_factor**2

    def warm_up(self) -> None:
        # In pieces, even a blank image would be enlarged and cost a CPU many seconds.
        self._caption([self._read(blank_image(), is_split=False)], WARM_UP_TOKENS)

    def read_pixels(self, source: "bytes | Image") -> Tiles:
        return self._read(source, is_split=self._is_split)

    def _read(self, source: "bytes | Image", *, is_split: bool) -> Tiles:
        tiles = self._processor(
            decode_image(source),
            do_image_splitting=is_split,
            do_rescale=False,  # bytes take a quarter of the memory; the rest is the device's work
            do_normalize=False,
            return_row_col_info=True,
        )
        pixels = np.asarray(tiles["pixel_values"])[0].astype(np.uint8)  # (n_tiles, 3, h, w)
        (n_rows,), (n_columns,) = tiles["rows"][0], tiles["cols"][0]
        return Tiles(pixels.transpose(0, 2, 3, 1), n_rows, n_columns)

    def caption(self, images: Sequence[Tiles]) -> list[CaptionText]:
        return self._caption(images, self._max_tokens)

    def _caption(self, images: Sequence[Tiles], max_tokens: int) -> list[CaptionText]:
        with inference():
            said = decode_greedily(
                self._model,
                max_tokens,
                end_ids(self._model),
                pixel_values=self._batch(images),
                **self._prompt.batch([self._markers(image) for image in images], self.device),
            )
        return [CaptionText(self._prompt.decode(one.ids), one.confidence) for one in said]

    def _batch(self, images: Sequence[Tiles]) -> "torch.Tensor":
        """Shape (n, most tiles, 3, height, width); the model leaves out tiles of zeros."""
        import torch
        from torch.nn.utils.rnn import pad_sequence

        mean, std = self._processor.image_mean, self._processor.image_std
        rows = [
            normalise(torch.from_numpy(image.pixels).to(self.device.name), mean, std)
            for image in images
        ]
        padded = pad_sequence(rows, batch_first=True)  # (n, most tiles, height, width, 3)
        return padded.permute(0, 1, 4, 2, 3).to(self.device.dtype).contiguous()

    def _markers(self, image: Tiles) -> str:
        """The image in image tokens, with the place of every tile."""
        from transformers.models.smolvlm.processing_smolvlm import get_image_prompt_string

        markers: str = get_image_prompt_string(  # type: ignore[no-untyped-call]
            image.n_rows, image.n_columns, self._tokens_per_tile, _AROUND, _IMAGE_TOKEN, _WHOLE
        )
        return markers
