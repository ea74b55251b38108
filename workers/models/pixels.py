"""Images on their way to a model: decoded and scaled once, normalised on the device."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from schemas.errors import ConfigurationError, UnreadableMedia
from workers.device import Device
from workers.models.roles import Pixels

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

#: JPEGs are decoded at the smallest size that is still this many times the wanted one; Pillow's
#: own advice (`reducing_gap` of `thumbnail`) for a result that is hard to tell from the full way.
_DRAFT_GAP = 2.0
#: From bytes to values in [0, 1], the only scale that checkpoints were trained with.
_RESCALE = 1 / 255


def image_processor(folder: Path) -> Any:
    """The checkpoint's image processor, in the library's portable variant.

    The variant on torchvision scales otherwise: embeddings would depend on what is installed.
    """
    from transformers import AutoImageProcessor

    return AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
        folder, backend="pil", local_files_only=True, trust_remote_code=False
    )


def open_image(source: "bytes | Image") -> "Image":
    """Open an encoded image; a decoded one is returned as it is.

    Raises:
        UnreadableMedia: the bytes are no image.
    """
    from PIL import Image

    if not isinstance(source, bytes):
        return source
    try:
        return Image.open(BytesIO(source))
    except OSError as exc:
        raise UnreadableMedia(f"image artifact: {exc}") from exc


def decode_image(source: "bytes | Image") -> "Image":
    """Decode an image to RGB at its full size.

    Raises:
        UnreadableMedia: the bytes are no image, or a broken one.
    """
    try:
        return open_image(source).convert("RGB")
    except OSError as exc:
        raise UnreadableMedia(f"image artifact: {exc}") from exc


def blank_image() -> "Image":
    """The least that a model can look at, to warm up on."""
    from PIL import Image

    return Image.new("RGB", (32, 32), "grey")


def normalise(pixels: "torch.Tensor", mean: Sequence[float], std: Sequence[float]) -> Any:
    """From bytes to what the model was trained on; channels last, any number of axes before."""
    import torch

    centre = torch.tensor(mean, device=pixels.device) * 255
    spread = torch.tensor(std, device=pixels.device) * 255
    return (pixels - centre) / spread


@dataclass(frozen=True)
class PixelFormat:
    """What a checkpoint's image processor would do, as numbers."""

    #: Size that the model sees.
    height_px: int
    width_px: int
    #: Pillow's code of the filter.
    resample: int
    #: Per channel, for values in [0, 1].
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    #: Scale the short edge to this and cut out the middle; None squeezes the whole image in.
    short_edge_px: int | None = None

    @classmethod
    def of(cls, processor: Any) -> Self:
        """Read the numbers from a transformers image processor with a fixed output size.

        Raises:
            ConfigurationError: it does something that these numbers cannot say.
        """
        size, crop = processor.size, _crop(processor)
        edge_px = size.get("shortest_edge")
        seen = crop if edge_px else size
        height_px, width_px = (int(seen.get(edge) or 0) for edge in ("height", "width"))
        is_fixed = min(height_px, width_px) > 0 and not size.get("longest_edge")
        is_cut = not crop or dict(crop) == {"height": height_px, "width": width_px}
        has_room = not edge_px or edge_px >= max(height_px, width_px)
        if not (_is_plain(processor) and is_fixed and is_cut and has_room):
            raise ConfigurationError(
                f"{type(processor).__name__}: expected to scale to a fixed size and normalise;"
                f" found size {dict(size)}, crop {dict(crop)}"
            )
        r, g, b = processor.image_mean
        dr, dg, db = processor.image_std
        return cls(
            height_px=height_px,
            width_px=width_px,
            resample=int(processor.resample),
            mean=(r, g, b),
            std=(dr, dg, db),
            short_edge_px=edge_px,
        )

    def read(self, source: "bytes | Image") -> Pixels:
        """Decode and scale; see `ImageEncoder.read_pixels`."""
        from PIL import Image

        image = open_image(source)
        width_px, height_px = self._scaled(image.size)
        try:
            image.draft("RGB", (int(width_px * _DRAFT_GAP), int(height_px * _DRAFT_GAP)))
            scaled = image.convert("RGB").resize(
                (self.width_px, self.height_px),
                Image.Resampling(self.resample),
                box=self._box(image.size),
            )
        except OSError as exc:
            raise UnreadableMedia(f"image artifact: {exc}") from exc
        return np.asarray(scaled)

    def _scaled(self, size: tuple[int, int]) -> tuple[int, int]:
        """Size of the scaled image before the middle is cut out, rounded as the library does."""
        if self.short_edge_px is None:
            return self.width_px, self.height_px
        short_px = min(size)
        width_px, height_px = (int(self.short_edge_px * edge / short_px) for edge in size)
        return width_px, height_px

    def _box(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """What of the image is seen: scaling this alone equals scaling all, then cutting.

        It also bounds memory: a strip a thousand times as long as wide is never scaled whole.
        """
        scaled = self._scaled(size)
        left, top = (scaled[0] - self.width_px) // 2, (scaled[1] - self.height_px) // 2
        x, y = size[0] / scaled[0], size[1] / scaled[1]  # source pixels of one scaled pixel
        right, bottom = left + self.width_px, top + self.height_px
        return left * x, top * y, min(right * x, size[0]), min(bottom * y, size[1])

    def batch(self, images: Sequence[Pixels], device: Device) -> "torch.Tensor":
        """Stack and normalise; shape (n, 3, height, width), the device's number type."""
        import torch

        pixels = torch.from_numpy(np.stack(images)).to(device.name)  # (n, height, width, 3) uint8
        normal: torch.Tensor = normalise(pixels, self.mean, self.std)
        return normal.permute(0, 3, 1, 2).to(device.dtype).contiguous()


def _crop(processor: Any) -> Any:
    """Height and width that are cut out of the scaled image; empty where nothing is."""
    return processor.crop_size if getattr(processor, "do_center_crop", False) else {}


def _is_plain(processor: Any) -> bool:
    """Whether it does all of what a format does: scale, bring to [0, 1], normalise."""
    does_all = processor.do_resize and processor.do_rescale and processor.do_normalize
    return bool(does_all and abs(processor.rescale_factor - _RESCALE) < _RESCALE / 1000)
