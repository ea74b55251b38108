"""Opening images: the sniffed format only, within the pixel limit, and Pillow's errors as ours."""

import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import AvifImagePlugin, Image, UnidentifiedImageError

from schemas.errors import MediaTooLarge, UnreadableMedia
from workers.media.media_file import MediaFile

#: Pillow's formats for each type: no other decoder ever sees the bytes.
_FORMATS = {
    "image/jpeg": ["JPEG"],  # Pillow makes an MPO of it where it is one
    "image/png": ["PNG"],
    "image/gif": ["GIF"],
    "image/webp": ["WEBP"],
    "image/avif": ["AVIF"],
    "image/heif": ["HEIF", "AVIF"],
    "image/tiff": ["TIFF"],
    "image/bmp": ["BMP", "DIB"],
    "image/jp2": ["JPEG2000"],
    "image/x-icon": ["ICO"],
    "image/icns": ["ICNS"],
    "image/vnd.adobe.photoshop": ["PSD"],
    "image/qoi": ["QOI"],
    "image/sgi": ["SGI"],
    "image/x-portable-anymap": ["PPM"],
}
#: What Pillow and its codecs raise on broken bytes, apart from running out of memory.
BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    RuntimeError,
    ArithmeticError,
    LookupError,
    EOFError,
    struct.error,
)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # the sandbox's children already use all cores


@contextmanager
def open_image(media: MediaFile) -> Iterator[Image.Image]:
    """Open an image, and take what Pillow raises in the block for a verdict on its bytes.

    Raises:
        MediaTooLarge: more pixels than allowed, which the header says before any is decoded.
        UnreadableMedia: broken, in Pillow's words.
    """
    if media.mime_type == "image/heif":
        _register_heif()
    with decoding(media), Image.open(media.path, formats=_FORMATS[media.mime_type]) as image:
        check_pixels(image, media)
        yield image


@contextmanager
def decoding(media: MediaFile) -> Iterator[None]:
    """Translate what Pillow raises and warns of in the block; see `open_image`."""
    before, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, media.limits.image_px
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # oddities that Pillow copes with
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        # Pillow names a limit of its own: twice ours.
        found = re.search(r"\d+", str(exc))
        raise _too_large(media, f"{found[0] if found else 'too many'} pixels") from exc
    except UnidentifiedImageError as exc:
        raise UnreadableMedia(f"{media.name}: the {media.mime_type} header is broken") from exc
    except BROKEN as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # the system's trouble, not the image's
        raise UnreadableMedia(f"{media.name}: {exc or type(exc).__name__}") from exc
    finally:
        Image.MAX_IMAGE_PIXELS = before


def check_pixels(image: Image.Image, media: MediaFile) -> None:
    """Compare the header's size with the limit.

    Raises:
        MediaTooLarge: more pixels than allowed.
    """
    width_px, height_px = image.size
    if width_px * height_px > media.limits.image_px:
        raise _too_large(media, f"{width_px} x {height_px} pixels")


def _too_large(media: MediaFile, found: str) -> MediaTooLarge:
    return MediaTooLarge(f"{media.name}: {found}, the limit is {media.limits.image_px}")


def _register_heif() -> None:
    import pillow_heif

    pillow_heif.register_heif_opener(thumbnails=False)
