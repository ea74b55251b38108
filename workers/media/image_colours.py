"""From any mode, profile and orientation to upright sRGB on white."""

import math
from io import BytesIO
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms
from PIL.Image import Transpose
from PIL.TiffImagePlugin import TiffImageFile

from workers.media.image_facts import read_exif
from workers.media.page_images import shrunk

_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
_DEEP_MODES = ("I", "I;16", "I;16L", "I;16B", "I;16N", "F")
_WHITE = 255
#: Pixels of which a few copies, in floats, fit well into the memory of a child.
_MOST_PX = 16_000_000


def render(image: Image.Image, edge_px: int) -> Image.Image:
    """Decode an opened image, upright in sRGB on white, long edge at most `edge_px`.

    JPEGs are decoded at the smallest scale that is large enough, and colours are converted
    after shrinking: most of the cost is in pixels that nobody would see.
    """
    orientation = _take_orientation(image)
    if image.format in {"JPEG", "MPO"}:
        image.draft(None, _fit(image.size, edge_px))
    image.load()
    small = shrunk(_plain_mode(_bounded(image)), edge_px)
    colours = _on_white(_to_srgb(small, image.info.get("icc_profile")))
    method = _UPRIGHT.get(orientation)
    return colours if method is None else colours.transpose(method)


def _take_orientation(image: Image.Image) -> int:
    """Orientation of the pixels as stored."""
    if isinstance(image, TiffImageFile):
        return _take_tiff_orientation(image)
    return int(read_exif(image).get(ExifTags.Base.Orientation, 1))


def _take_tiff_orientation(image: TiffImageFile) -> int:
    """Hide the tag from Pillow, which turns the first page well and garbles later ones."""
    read_exif(image).pop(ExifTags.Base.Orientation, None)
    orientation = image.tag_v2.pop(ExifTags.Base.Orientation, 1)
    stored = image.tag_v2[ExifTags.Base.ImageWidth], image.tag_v2[ExifTags.Base.ImageLength]
    image._size = stored  # noqa: SLF001
    return int(orientation)


def _fit(size: tuple[int, int], edge_px: int) -> tuple[int, int]:
    scale = min(1.0, edge_px / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _bounded(image: Image.Image) -> Image.Image:
    """Fewer pixels of a huge picture, averaged over whole blocks, before modes are changed.

    The steps that follow hold several copies, some of them in floats.
    """
    n_px = image.width * image.height
    factor = math.isqrt(n_px // _MOST_PX)
    if factor <= 1 or image.mode in {"1", "P", "PA"}:
        return image
    if image.mode in _DEEP_MODES and image.mode not in {"I", "F"}:
        # Pillow averages no 16-bit integers; at four pixels for one, picking is as good.
        return image.resize(
            (image.width // factor, image.height // factor), Image.Resampling.NEAREST
        )
    return image.reduce(factor)


def _plain_mode(image: Image.Image) -> Image.Image:
    """A mode that can be resized: 8 bits, no palette."""
    if image.mode in _DEEP_MODES:
        return _to_8_bits(image)
    if image.mode == "1":
        return image.convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA")
    return image.convert("RGB") if image.mode in {"P", "PA", "RGBX", "HSV"} else image


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Scale integers by the bits that are in use (10, 12, 16), floats by their range."""
    pixels = np.asarray(image, dtype=np.float32)
    if image.mode == "F":
        pixels = np.nan_to_num(pixels, posinf=0.0, neginf=0.0)
        pixels = pixels - pixels.min()
        white = float(pixels.max())
    else:
        n_bits = max(8, int(pixels.max()).bit_length())
        white = float((1 << n_bits) - 1)
    scaled = pixels * (_WHITE / (white or 1.0))
    return Image.fromarray(np.clip(scaled, 0, _WHITE).astype(np.uint8))


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert through the embedded profile; a broken or unfit one is ignored, as viewers do."""
    if image.mode == "LAB":
        return _transform(image, ImageCms.createProfile("LAB"))
    if profile and image.mode in {"RGB", "L", "CMYK"}:
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            is_srgb = "sRGB" in ImageCms.getProfileDescription(source)
            return image if is_srgb and image.mode == "RGB" else _transform(image, source)
        except (ImageCms.PyCMSError, OSError):
            return image
    return image


def _transform(image: Image.Image, source: Any) -> Image.Image:
    target = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    assert converted is not None  # only `inPlace` returns nothing
    return converted


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB") if image.mode != "RGB" else image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
