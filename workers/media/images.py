"""Reads images: stills, animations as videos, and multi-page TIFFs as documents."""

from collections.abc import Iterator, Sequence
from typing import Any

from PIL import ExifTags, Image

from schemas.asset import ArtifactKind, MediaType
from schemas.errors import Failure, MediaTooLarge, UnreadableMedia
from schemas.segment import Page
from workers.media.animation import read_animation
from workers.media.image_colours import render
from workers.media.image_facts import measure
from workers.media.image_opening import check_pixels, decoding, open_image
from workers.media.image_tar import ImageTarWriter
from workers.media.media_file import READING_EDGE_PX, MediaFile
from workers.media.page_images import PageImages, thumbnail
from workers.stage import ArtifactFile, Prepared

#: Bits of the TIFF tag NewSubfileType: a smaller copy of another page, or a mask.
_REDUCED_OR_MASK = 0b101


def read_image(media: MediaFile) -> Prepared:
    """Read a still image into a view and a thumbnail; an animation as the video that it is.

    Raises:
        MediaTooLarge: more pixels than allowed; nothing was decoded.
        UnreadableMedia: truncated or broken; of an animation, its first frame.
    """
    with open_image(media) as image:
        measured = measure(image)
        if measured["n_frames"] > 1:
            return read_animation(media, image, measured)
        view = render(image, READING_EDGE_PX)
    return _as_image(media, measured, view)


def read_tiff(media: MediaFile) -> Prepared:
    """Read a TIFF: one page is an image, several are a document.

    Raises:
        MediaTooLarge: more pages than allowed, or one page with more pixels than allowed.
        UnreadableMedia: no page can be read.
    """
    with open_image(media) as image:
        frames = list(_find_pages(image))
        if len(frames) > media.limits.n_pages:
            limit = media.limits.n_pages
            raise MediaTooLarge(f"{media.name}: {len(frames)} pages, the limit is {limit}")
        image.seek(frames[0])
        measured = measure(image)
        if len(frames) > 1:
            return _as_document(media, measured, image, frames)
        view = render(image, READING_EDGE_PX)
    return _as_image(media, measured, view)


def _find_pages(image: Image.Image) -> Iterator[int]:
    """Frames that are pages of their own; the first one always is."""
    for frame in range(image.n_frames):  # type: ignore[attr-defined]
        image.seek(frame)
        kind = image.tag_v2.get(ExifTags.Base.NewSubfileType, 0)  # type: ignore[attr-defined]
        if frame == 0 or not kind & _REDUCED_OR_MASK:
            yield frame


def _as_image(media: MediaFile, measured: dict[str, Any], view: Image.Image) -> Prepared:
    view_path = media.scratch / "view.tar"
    with ImageTarWriter(view_path) as writer:
        writer.add(view)
    thumbnail_path = media.scratch / "thumbnail.jpg"
    thumbnail_path.write_bytes(thumbnail(view))
    artifacts = [
        ArtifactFile(kind=ArtifactKind.VIEW, part=0, path=view_path, images=writer.images),
        ArtifactFile(kind=ArtifactKind.THUMBNAIL, part=0, path=thumbnail_path),
    ]
    return Prepared(facts=media.facts(**measured), artifacts=artifacts)


def _as_document(
    media: MediaFile, measured: dict[str, Any], image: Image.Image, frames: Sequence[int]
) -> Prepared:
    """Every page is a scan; one that is broken is a failure of that page alone."""
    pages = PageImages(media.scratch)
    failures = []
    for number, frame in enumerate(frames, start=1):
        try:
            view = _read_page(image, frame, media)
        except (UnreadableMedia, MediaTooLarge) as exc:
            failures.append(_failure(number, exc))
            continue
        pages.add_scan(view, number)
        pages.add_page(view, number)
    if len(failures) == len(frames):
        raise UnreadableMedia(f"{media.name}: none of {len(frames)} pages: {failures[0].message}")
    measured |= {"media_type": MediaType.DOCUMENT, "n_frames": None, "n_pages": len(frames)}
    facts = media.facts(**measured)
    return Prepared(facts=facts, artifacts=pages.close(), failures=failures)


def _read_page(image: Image.Image, frame: int, media: MediaFile) -> Image.Image:
    with decoding(media):
        image.seek(frame)
        check_pixels(image, media)
        return render(image, READING_EDGE_PX)


def _failure(number: int, error: Exception) -> Failure:
    category, message = type(error).__name__, f"page {number}: {error}"
    return Failure(category=category, message=message, stage="prepare", locator=Page(page=number))
