"""Clips, images and texts in one space: X-CLIP (Ni et al. 2022, https://arxiv.org/abs/2208.02816).

The frames of a clip look at one another, so that what moves and what turns into what is seen. The
paper also bends each text towards the clip it is compared with; an index holds no pairs, so texts
are embedded alone, as everywhere in search.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemas.stages import ModelRef
from workers.device import Device
from workers.models.inference import inference, to_embeddings
from workers.models.loading import checkpoint_folder, load_weights
from workers.models.pixels import PixelFormat, blank_image, image_processor
from workers.models.roles import ClipEncoder, Embeddings, Pixels
from workers.models.tokens import Tokenizer

if TYPE_CHECKING:
    from PIL.Image import Image


class XClip(ClipEncoder):
    """X-CLIP checkpoints; a picture is a clip in which nothing moves."""

    def __init__(self, ref: ModelRef, device: Device) -> None:
        from transformers import AutoModel

        super().__init__(ref, device)
        folder = checkpoint_folder(ref, "xclip")
        self._model = load_weights(AutoModel, folder, device)
        self._format = PixelFormat.of(image_processor(folder))
        self._tokenizer = Tokenizer(folder, self._model.config.text_config.max_position_embeddings)
        self.n_frames = int(self._model.config.vision_config.num_frames)

    def warm_up(self) -> None:
        self.embed_images([self.read_pixels(blank_image())])
        self.embed_texts(["a"])

    def read_pixels(self, source: "bytes | Image") -> Pixels:
        return self._format.read(source)

    def embed_images(self, images: Sequence[Pixels]) -> Embeddings:
        return self.embed_clips([[image] * self.n_frames for image in images])

    def embed_clips(self, clips: Sequence[Sequence[Pixels]]) -> Embeddings:
        frames = [frame for clip in clips for frame in clip]
        assert len(frames) == len(clips) * self.n_frames
        with inference():
            pixels = self._format.batch(frames, self.device)
            pixels = pixels.view(len(clips), self.n_frames, *pixels.shape[1:])
            return to_embeddings(self._model.get_video_features(pixels).pooler_output)

    def embed_texts(self, texts: Sequence[str]) -> Embeddings:
        with inference():
            tokens = self._tokenizer.batch(texts, self.device)
            return to_embeddings(self._model.get_text_features(**tokens).pooler_output)
